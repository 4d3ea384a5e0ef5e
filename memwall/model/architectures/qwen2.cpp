#include "memwall/model/architectures/architecture.h"

namespace memwall {

// Qwen2.5 technical report (arXiv 2412.15115): Llama's layer with biases on query, key and value. With
// use_sliding_window, layers from max_window_layers on have a window; published models leave it off.
void build_qwen2(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  const DecoderSizes sizes = read_decoder_sizes(config, model);
  const std::int64_t intermediate = config.integer("intermediate_size", 1, kMostWidth);
  const bool windowed = config.boolean_or("use_sliding_window", false);
  const std::int64_t window = windowed ? config.integer("sliding_window", 1, kMostPositions) : 0;
  const std::int64_t full_layers = windowed ? config.integer("max_window_layers", 0, kMostLayers) : 0;

  GroupedAttention attention{sizes.hidden, sizes.heads, sizes.kv_heads, sizes.head_dim};
  attention.qkv_bias = true;
  attention.kv = input.kv;
  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < sizes.layers; ++i) {
    attention.window = i >= full_layers ? window : 0;
    layers.push_back(pre_norm_layer(input, i, "layers", attention, [&](OperatorList& ops) {
      add_gated_mlp(ops, {sizes.hidden, intermediate});
    }));
  }
  model.groups = group_layers(std::move(layers));
  add_ends(model, input.formats, sizes.tied);
}

}  // namespace memwall
