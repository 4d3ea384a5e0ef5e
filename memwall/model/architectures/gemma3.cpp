#include "memwall/model/architectures/architecture.h"

namespace memwall {

// Gemma 3 technical report (arXiv 2503.19786): five layers with a window, then one without; norms before and
// after both blocks, norms over query and key heads, a head tied to the embedding. Published configs leave
// out what equals the defaults of transformers' Gemma3TextConfig, which are therefore facts of the
// architecture.
void build_gemma3(const BuildInput& input, Model& model) {
  Fields& config = input.config;
  DecoderDefaults defaults;
  defaults.tied = true;
  defaults.heads = 8;
  defaults.kv_heads = 4;
  defaults.head_dim = 256;
  defaults.vocab = 262208;
  constexpr std::int64_t kDefaultWindow = 4096, kDefaultPattern = 6, kDefaultPositions = 131072;
  const DecoderSizes sizes = read_decoder_sizes(config, model, defaults);
  if (model.max_positions == 0) {
    model.max_positions = kDefaultPositions;
  }
  const std::int64_t intermediate = config.integer("intermediate_size", 1, kMostWidth);
  const std::int64_t window = config.integer_or("sliding_window", kDefaultWindow, 1, kMostPositions);
  const std::string pattern_key =
      config.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
  const std::int64_t pattern = config.integer_or(pattern_key, kDefaultPattern, 1, kMostLayers);
  std::vector<bool> windowed = read_layer_types(config, sizes.layers);
  for (std::int64_t i = static_cast<std::int64_t>(windowed.size()); i < sizes.layers; ++i) {
    windowed.push_back((i + 1) % pattern != 0);
  }

  GroupedAttention attention{sizes.hidden, sizes.heads, sizes.kv_heads, sizes.head_dim};
  attention.qk_norm = true;
  attention.kv = input.kv;
  std::vector<Layer> layers;
  for (std::int64_t i = 0; i < sizes.layers; ++i) {
    const bool is_local = windowed[static_cast<std::size_t>(i)];
    attention.window = is_local ? window : 0;
    OperatorList ops(input.formats, layer_prefix(i));
    add_norm(ops, "input_norm", OpRole::attention, sizes.hidden);
    add_grouped_attention(ops, attention);
    add_norm(ops, "attention_norm", OpRole::attention, sizes.hidden);
    add_residual(ops, "attention_add", OpRole::attention, sizes.hidden);
    add_norm(ops, "pre_ffn_norm", OpRole::ffn, sizes.hidden);
    add_gated_mlp(ops, {sizes.hidden, intermediate});
    add_norm(ops, "post_ffn_norm", OpRole::ffn, sizes.hidden);
    add_residual(ops, "ffn_add", OpRole::ffn, sizes.hidden);
    layers.push_back({is_local ? "local" : "global", ops.take()});
  }
  model.groups = group_layers(std::move(layers));
  add_ends(model, input.formats, sizes.tied);
}

}  // namespace memwall
