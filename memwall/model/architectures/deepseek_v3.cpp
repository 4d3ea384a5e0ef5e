#include "memwall/model/architectures/architecture.h"

namespace memwall {
namespace {

struct LatentAttention {
  std::int64_t hidden = 0, heads = 0, q_rank = 0, kv_rank = 0, nope_dim = 0, rope_dim = 0, v_dim = 0;
  Format kv = Format::bf16;
};

// Queries go through a rank-q_rank bottleneck (none when 0), keys and values through one of kv_rank that is
// what the cache holds, beside one rotary key of rope_dim shared by all heads. kv_b is absorbed into queries
// and results in latent form; it does the same MACs per new token in both forms.
void add_latent_attention(OperatorList& ops, const LatentAttention& attention) {
  constexpr OpRole kRole = OpRole::attention;
  const std::int64_t qk_dim = attention.nope_dim + attention.rope_dim;
  const Projection kv_a{"kv_a", "self_attn.kv_a_proj_with_mqa", attention.kv_rank + attention.rope_dim};
  if (attention.q_rank > 0) {
    ops.linear("q_kv_a", kRole, TensorSplit::replicated, attention.hidden,
               {{"q_a", "self_attn.q_a_proj", attention.q_rank}, kv_a});
    ops.add("q_a_norm", kRole, TensorSplit::replicated, Norm{attention.q_rank, 1, false});
    ops.linear("q_b", kRole, TensorSplit::columns, attention.q_rank,
               {{"q_b", "self_attn.q_b_proj", attention.heads * qk_dim}});
  } else {
    ops.linear("kv_a", kRole, TensorSplit::replicated, attention.hidden, {kv_a});
    ops.linear("q", kRole, TensorSplit::columns, attention.hidden,
               {{"q", "self_attn.q_proj", attention.heads * qk_dim}});
  }
  ops.add("kv_a_norm", kRole, TensorSplit::replicated, Norm{attention.kv_rank, 1, false});
  ops.linear("kv_b", kRole, TensorSplit::columns, attention.kv_rank,
             {{"kv_b", "self_attn.kv_b_proj", attention.heads * (attention.nope_dim + attention.v_dim)}});
  ops.add("rope", kRole, TensorSplit::heads, Rope{attention.heads + 1, attention.rope_dim});
  Attention core;
  core.heads = core.kv_heads = attention.heads;
  core.qk_dim = qk_dim;
  core.v_dim = attention.v_dim;
  core.latent = attention.kv_rank;
  core.rope_dim = attention.rope_dim;
  core.kv = attention.kv;
  ops.add("attention", kRole, TensorSplit::heads, core);
  ops.linear("o", kRole, TensorSplit::rows, attention.heads * attention.v_dim,
             {{"o", "self_attn.o_proj", attention.hidden}});
}

}  // namespace

// DeepSeek-V3 technical report (arXiv 2412.19437). With topk_method noaux_tc the router carries a correction
// bias per expert; DeepSeek-V2's does not. The module for multi-token prediction (num_nextn_predict_layers)
// is no part of the 671 B and is not built. DeepSeek's 37 B of active parameters leave the embedding table
// out.
void build_deepseek_v3(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  LatentAttention attention;
  attention.hidden = model.hidden_size = config.integer("hidden_size", 1, kMostWidth);
  model.num_hidden_layers = config.integer("num_hidden_layers", 1, kMostLayers);
  model.vocab_size = config.integer("vocab_size", 1, kMostVocab);
  model.max_positions = config.integer_or("max_position_embeddings", 0, 0, kMostPositions);
  attention.heads = config.integer("num_attention_heads", 1, kMostHeads);
  attention.q_rank = config.integer_or("q_lora_rank", 0, 1, kMostWidth);
  attention.kv_rank = config.integer("kv_lora_rank", 1, kMostWidth);
  attention.nope_dim = config.integer("qk_nope_head_dim", 1, kMostHeads);
  attention.rope_dim = config.integer("qk_rope_head_dim", 1, kMostHeads);
  attention.v_dim = config.integer("v_head_dim", 1, kMostHeads);
  attention.kv = input.kv;

  RoutedExperts experts;
  experts.hidden = attention.hidden;
  experts.intermediate = config.integer("moe_intermediate_size", 1, kMostWidth);
  experts.num_experts = config.integer("n_routed_experts", 1, kMostExperts);
  experts.experts_per_token = read_top_k(config, "num_experts_per_tok", experts.num_experts);
  experts.router_bias = config.string_or("topk_method", "noaux_tc") == "noaux_tc";
  const std::int64_t shared = config.integer_or("n_shared_experts", 0, 0, kMostExperts);
  const std::int64_t dense = config.integer_or("first_k_dense_replace", 0, 0, kMostLayers);
  const std::int64_t every = config.integer_or("moe_layer_freq", 1, 1, kMostLayers);
  const std::int64_t intermediate = config.integer("intermediate_size", 1, kMostWidth);

  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < model.num_hidden_layers; ++i) {
    const bool is_moe = i >= dense && i % every == 0;
    OperatorList ops(input.formats, layer_prefix(i));
    add_norm(ops, "input_norm", OpRole::attention, attention.hidden);
    add_latent_attention(ops, attention);
    add_residual(ops, "attention_add", OpRole::attention, attention.hidden);
    add_norm(ops, "post_norm", OpRole::ffn, attention.hidden);
    if (is_moe) {
      add_routed_experts(ops, experts);
      if (shared > 0) {
        add_gated_mlp(
            ops, {attention.hidden, shared * experts.intermediate, false, "shared_", "mlp.shared_experts."});
      }
    } else {
      add_gated_mlp(ops, {attention.hidden, intermediate});
    }
    add_residual(ops, "ffn_add", OpRole::ffn, attention.hidden);
    layers.push_back({is_moe ? "moe" : "dense", ops.take()});
  }
  model.groups = group_layers(std::move(layers));
  model.embedding_is_active = false;
  add_ends(model, input.formats, config.boolean_or("tie_word_embeddings", false));
}

}  // namespace memwall
