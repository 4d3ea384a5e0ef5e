#include "memwall/model/architectures/architecture.h"

namespace memwall {

// Touvron et al., Llama 2 (arXiv 2307.09288); Llama 3 herd of models (arXiv 2407.21783). SmolLM2 as well.
void build_llama(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  const DecoderSizes sizes = read_decoder_sizes(config, model);
  const std::int64_t intermediate = config.integer("intermediate_size", 1, kMostWidth);
  const bool attention_bias = config.boolean_or("attention_bias", false);
  const bool mlp_bias = config.boolean_or("mlp_bias", false);

  GroupedAttention attention{sizes.hidden, sizes.heads, sizes.kv_heads, sizes.head_dim};
  attention.qkv_bias = attention.o_bias = attention_bias;
  attention.kv = input.kv;
  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < sizes.layers; ++i) {
    layers.push_back(pre_norm_layer(input, i, "layers", attention, [&](OperatorList& ops) {
      add_gated_mlp(ops, {sizes.hidden, intermediate, mlp_bias});
    }));
  }
  model.groups = group_layers(std::move(layers));
  add_ends(model, input.formats, sizes.tied);
}

}  // namespace memwall
