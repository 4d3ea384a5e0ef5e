#include "memwall/model/architectures/architecture.h"

namespace memwall {

// gpt-oss model card (arXiv 2508.10925): layers alternate a window and full attention, each head has a
// learned sink, and attention, router and experts have biases. OpenAI's count of active parameters leaves the
// embedding table out.
void build_gpt_oss(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  const DecoderSizes sizes = read_decoder_sizes(config, model);
  const std::int64_t window = config.integer("sliding_window", 1, kMostPositions);
  std::vector<bool> windowed = read_layer_types(config, sizes.layers);
  for (std::int64_t i = static_cast<std::int64_t>(windowed.size()); i < sizes.layers; ++i) {
    windowed.push_back(i % 2 == 0);
  }
  RoutedExperts experts;
  experts.hidden = sizes.hidden;
  experts.intermediate = config.integer("intermediate_size", 1, kMostWidth);
  experts.num_experts = config.integer("num_local_experts", 1, kMostExperts);
  experts.experts_per_token =
      read_top_k(config, config.has("num_experts_per_tok") ? "num_experts_per_tok" : "experts_per_token",
                 experts.num_experts);
  experts.router_bias = experts.expert_bias = true;
  experts.router = "router";

  GroupedAttention attention{sizes.hidden, sizes.heads, sizes.kv_heads, sizes.head_dim};
  attention.qkv_bias = attention.o_bias = config.boolean_or("attention_bias", true);
  attention.sinks = true;
  attention.kv = input.kv;
  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < sizes.layers; ++i) {
    const bool has_window = windowed[static_cast<std::size_t>(i)];
    attention.window = has_window ? window : 0;
    layers.push_back(pre_norm_layer(input, i, has_window ? "window" : "full", attention,
                                    [&](OperatorList& ops) { add_routed_experts(ops, experts); }));
  }
  model.groups = group_layers(std::move(layers));
  model.embedding_is_active = false;
  add_ends(model, input.formats, sizes.tied);
}

}  // namespace memwall
