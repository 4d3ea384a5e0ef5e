#include "memwall/model/architectures/architecture.h"

namespace memwall {

// Jiang et al., Mistral 7B (arXiv 2310.06825). Later releases keep the key and set it to null: no window.
void build_mistral(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  const DecoderSizes sizes = read_decoder_sizes(config, model);
  const std::int64_t intermediate = config.integer("intermediate_size", 1, kMostWidth);

  GroupedAttention attention{sizes.hidden, sizes.heads, sizes.kv_heads, sizes.head_dim};
  attention.window = config.integer_or("sliding_window", 0, 1, kMostPositions);
  attention.kv = input.kv;
  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < sizes.layers; ++i) {
    layers.push_back(pre_norm_layer(input, i, "layers", attention, [&](OperatorList& ops) {
      add_gated_mlp(ops, {sizes.hidden, intermediate});
    }));
  }
  model.groups = group_layers(std::move(layers));
  add_ends(model, input.formats, sizes.tied);
}

}  // namespace memwall
