#include "memwall/model/architectures/architecture.h"

#include "memwall/core/error.h"

namespace memwall {

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> known = {
      {"llama", "dense, grouped-query attention, SwiGLU", build_llama},
      {"mistral", "as llama, with a sliding window where the config states one", build_mistral},
      {"mixtral", "as mistral, every MLP replaced by routed experts", build_mixtral},
      {"qwen2", "as llama, with biases on query, key and value", build_qwen2},
      {"qwen3", "as llama, with query and key norms", build_qwen3},
      {"qwen3_moe", "as qwen3, with routed experts", build_qwen3_moe},
      {"gpt_oss", "alternating windowed and full attention with sinks, routed experts, biases",
       build_gpt_oss},
      {"deepseek_v2", "as deepseek_v3, without the bias of the router", build_deepseek_v3},
      {"deepseek_v3", "latent attention (MLA), shared and routed experts, dense first layers",
       build_deepseek_v3},
      {"gemma3_text", "local and global attention layers, norms before and after each block, tied head",
       build_gemma3},
      {"gemma3", "the text model of gemma3, from its text_config", build_gemma3},
      {"gpt2", "multi-head attention, LayerNorm, GELU, learned positions (GPT-2, GPT-3)", build_gpt2},
  };
  return known;
}

std::string layer_prefix(std::int64_t layer) { return "model.layers." + std::to_string(layer) + "."; }

namespace {

std::int64_t integer_with_default(Fields& config, const std::string& key, std::int64_t fallback,
                                  std::int64_t most) {
  return fallback > 0 ? config.integer_or(key, fallback, 1, most) : config.integer(key, 1, most);
}

}  // namespace

DecoderSizes read_decoder_sizes(Fields& config, Model& model, const DecoderDefaults& defaults) {
  DecoderSizes sizes;
  sizes.hidden = config.integer("hidden_size", 1, kMostWidth);
  sizes.layers = config.integer("num_hidden_layers", 1, kMostLayers);
  sizes.heads = integer_with_default(config, "num_attention_heads", defaults.heads, kMostHeads);
  sizes.kv_heads = config.integer_or("num_key_value_heads",
                                     defaults.kv_heads > 0 ? defaults.kv_heads : sizes.heads, 1, kMostHeads);
  if (sizes.heads % sizes.kv_heads != 0) {
    config.fail("num_key_value_heads", "a divisor of num_attention_heads, " + std::to_string(sizes.heads));
  }
  if (config.has("head_dim") || defaults.head_dim > 0) {
    sizes.head_dim = integer_with_default(config, "head_dim", defaults.head_dim, kMostHeads);
  } else {
    if (sizes.hidden % sizes.heads != 0) {
      config.fail("num_attention_heads",
                  "a divisor of hidden_size, " + std::to_string(sizes.hidden) + ", or a head_dim");
    }
    sizes.head_dim = sizes.hidden / sizes.heads;
  }
  sizes.tied = config.boolean_or("tie_word_embeddings", defaults.tied);
  model.hidden_size = sizes.hidden;
  model.num_hidden_layers = sizes.layers;
  model.vocab_size = integer_with_default(config, "vocab_size", defaults.vocab, kMostVocab);
  model.max_positions = config.integer_or("max_position_embeddings", 0, 0, kMostPositions);
  return sizes;
}

std::int64_t read_top_k(Fields& config, const std::string& key, std::int64_t num_experts) {
  const std::int64_t top_k = config.integer(key, 1, kMostExperts);
  if (top_k > num_experts) {
    config.fail(key, "at most the " + std::to_string(num_experts) + " experts of a layer");
  }
  return top_k;
}

std::vector<bool> read_layer_types(Fields& config, std::int64_t layers) {
  std::vector<bool> windowed;
  if (!config.has("layer_types")) {
    return windowed;
  }
  for (const std::string& type : config.strings("layer_types")) {
    if (type != "sliding_attention" && type != "full_attention") {
      throw ConfigError(config.where("layer_types"), config.key_path("layer_types"), quoted(type),
                        "sliding_attention or full_attention");
    }
    windowed.push_back(type == "sliding_attention");
  }
  if (static_cast<std::int64_t>(windowed.size()) != layers) {
    throw ConfigError(config.where("layer_types"), config.key_path("layer_types"),
                      std::to_string(windowed.size()) + " layers",
                      "num_hidden_layers, " + std::to_string(layers));
  }
  return windowed;
}

}  // namespace memwall
