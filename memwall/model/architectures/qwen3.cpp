#include <algorithm>

#include "memwall/model/architectures/architecture.h"

namespace memwall {
namespace {

GroupedAttention qwen3_attention(const BuildInput& input, const DecoderSizes& sizes) {
  GroupedAttention attention{sizes.hidden, sizes.heads, sizes.kv_heads, sizes.head_dim};
  attention.qk_norm = true;
  attention.qkv_bias = attention.o_bias = input.config.boolean_or("attention_bias", false);
  attention.kv = input.kv;
  return attention;
}

}  // namespace

// Qwen3 technical report (arXiv 2505.09388): Llama's layer with a norm over each query and key head.
void build_qwen3(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  const DecoderSizes sizes = read_decoder_sizes(config, model);
  const std::int64_t intermediate = config.integer("intermediate_size", 1, kMostWidth);
  const GroupedAttention attention = qwen3_attention(input, sizes);
  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < sizes.layers; ++i) {
    layers.push_back(pre_norm_layer(input, i, "layers", attention, [&](OperatorList& ops) {
      add_gated_mlp(ops, {sizes.hidden, intermediate});
    }));
  }
  model.groups = group_layers(std::move(layers));
  add_ends(model, input.formats, sizes.tied);
}

// The same with routed experts in every decoder_sparse_step-th layer that mlp_only_layers does not name.
void build_qwen3_moe(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  const DecoderSizes sizes = read_decoder_sizes(config, model);
  RoutedExperts experts;
  experts.hidden = sizes.hidden;
  experts.intermediate = config.integer("moe_intermediate_size", 1, kMostWidth);
  experts.num_experts = config.integer("num_experts", 1, kMostExperts);
  experts.experts_per_token = read_top_k(config, "num_experts_per_tok", experts.num_experts);
  const std::int64_t sparse_step = config.integer_or("decoder_sparse_step", 1, 1, kMostLayers);
  std::vector<std::int64_t> dense_layers;
  if (config.has("mlp_only_layers")) {
    dense_layers = config.integers("mlp_only_layers");
  }
  const GroupedAttention attention = qwen3_attention(input, sizes);
  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < sizes.layers; ++i) {
    const bool listed = std::find(dense_layers.begin(), dense_layers.end(), i) != dense_layers.end();
    const bool dense = listed || (i + 1) % sparse_step != 0;
    layers.push_back(pre_norm_layer(input, i, dense ? "dense" : "moe", attention, [&](OperatorList& ops) {
      if (dense) {
        add_gated_mlp(ops, {sizes.hidden, config.integer("intermediate_size", 1, kMostWidth)});
      } else {
        add_routed_experts(ops, experts);
      }
    }));
  }
  model.groups = group_layers(std::move(layers));
  add_ends(model, input.formats, sizes.tied);
}

}  // namespace memwall
