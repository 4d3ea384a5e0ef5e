#include "memwall/model/architectures/architecture.h"

namespace memwall {

// Jiang et al., Mixtral of Experts (arXiv 2401.04088). Matrices w1, w3, w2 are gate, up and down.
void build_mixtral(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  const DecoderSizes sizes = read_decoder_sizes(config, model);
  RoutedExperts experts;
  experts.hidden = sizes.hidden;
  experts.intermediate = config.integer("intermediate_size", 1, kMostWidth);
  experts.num_experts = config.integer("num_local_experts", 1, kMostExperts);
  experts.experts_per_token = read_top_k(config, "num_experts_per_tok", experts.num_experts);
  experts.module = "block_sparse_moe.";
  experts.gate = "w1";
  experts.up = "w3";
  experts.down = "w2";

  GroupedAttention attention{sizes.hidden, sizes.heads, sizes.kv_heads, sizes.head_dim};
  attention.window = config.integer_or("sliding_window", 0, 1, kMostPositions);
  attention.kv = input.kv;
  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < sizes.layers; ++i) {
    layers.push_back(pre_norm_layer(input, i, "moe", attention,
                                    [&](OperatorList& ops) { add_routed_experts(ops, experts); }));
  }
  model.groups = group_layers(std::move(layers));
  add_ends(model, input.formats, sizes.tied);
}

}  // namespace memwall
