#include "memwall/model/architectures/architecture.h"

namespace memwall {

// Radford et al. 2019 (GPT-2) and Brown et al. (GPT-3, arXiv 2005.14165, whose banded layers are taken as
// full): multi-head attention, LayerNorm, biases everywhere, a plain GELU MLP, learned positions, tied head.
void build_gpt2(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  const std::int64_t hidden = model.hidden_size = config.integer("n_embd", 1, kMostWidth);
  model.num_hidden_layers = config.integer("n_layer", 1, kMostLayers);
  const std::int64_t heads = config.integer("n_head", 1, kMostHeads);
  model.max_positions =
      config.integer(config.has("n_positions") ? "n_positions" : "n_ctx", 1, kMostPositions);
  model.vocab_size = config.integer("vocab_size", 1, kMostVocab);
  if (hidden % heads != 0) {
    config.fail("n_head", "a divisor of n_embd, " + std::to_string(hidden));
  }
  constexpr std::int64_t kMlpFactor = 4;
  const std::int64_t intermediate = config.integer_or("n_inner", kMlpFactor * hidden, 1, kMostWidth);

  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < model.num_hidden_layers; ++i) {
    OperatorList ops(input.formats, "transformer.h." + std::to_string(i) + ".");
    ops.add("input_norm", OpRole::attention, TensorSplit::replicated, Norm{hidden, 1, true});
    ops.linear("qkv", OpRole::attention, TensorSplit::columns, hidden,
               {{"qkv", "attn.c_attn", 3 * hidden, true}});
    Attention attention;
    attention.heads = attention.kv_heads = heads;
    attention.qk_dim = attention.v_dim = hidden / heads;
    attention.kv = input.kv;
    ops.add("attention", OpRole::attention, TensorSplit::heads, attention);
    ops.linear("o", OpRole::attention, TensorSplit::rows, hidden, {{"o", "attn.c_proj", hidden, true}});
    add_residual(ops, "attention_add", OpRole::attention, hidden);
    ops.add("post_norm", OpRole::ffn, TensorSplit::replicated, Norm{hidden, 1, true});
    ops.linear("up", OpRole::ffn, TensorSplit::columns, hidden, {{"up", "mlp.c_fc", intermediate, true}});
    ops.add("activation", OpRole::ffn, TensorSplit::columns, Activation{intermediate, false});
    ops.linear("down", OpRole::ffn, TensorSplit::rows, intermediate, {{"down", "mlp.c_proj", hidden, true}});
    add_residual(ops, "ffn_add", OpRole::ffn, hidden);
    layers.push_back({"layers", ops.take()});
  }
  model.groups = group_layers(std::move(layers));
  add_ends(model, input.formats, config.boolean_or("tie_word_embeddings", true));
  std::get<Embedding>(model.prologue.front().shape).positions = model.max_positions;
  std::get<Norm>(model.epilogue.front().shape).layer_norm = true;
}

}  // namespace memwall
