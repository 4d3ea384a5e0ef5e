// Prefill attention: tiles of queries against tiles of keys, scores kept on chip.
#include <algorithm>
#include <cmath>

#include "memwall/processors/gpu/attention_parts.h"

namespace memwall {
namespace {

constexpr double kMatrixRows = 16;
constexpr double kHeldWidth = 256;  // values of outputs that a block holds; more take another pass of scores

// One kind of prefill: its kernel, tile and arithmetic.
struct Prefill {
  const PrefillKernel& kernel;
  double width;            // mean of the values of a key and a value
  double tokens, context;  // of a sequence
  double window;           // 0: none, or wider than the context
  bool is_fp8;
  double rows, queries, keys;  // of a tile: rows of its matrix, queries that they stand for, keys
  double sms;                  // that share a tile
  double streams;              // sequences times heads, or times KV heads where a group is one tile

  Prefill(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch)
      : kernel(kernel_for(spec.attention.library, shape)),
        width((shape.qk_dim + shape.v_dim) / 2),
        tokens(batch.new_tokens / batch.sequences),
        context(batch.context / batch.sequences),
        window(shape.window > 0 && context > shape.window ? shape.window : 0),
        is_fp8(multiplies_fp8(spec, shape)) {
    const PrefillTile& tile = *std::find_if(
        kernel.tiles.begin(), kernel.tiles.end() - 1,
        [&](const PrefillTile& each) { return each.widest == 0 || shape.v_dim <= each.widest; });
    keys = is_fp8 ? tile.keys_8bit : tile.keys;
    sms = tile.sms;
    if (kernel.packs_group) {
      const double group = shape.heads / shape.kv_heads;
      rows = std::max(tile.rows, next_power_of_two(group));
      queries = std::max(1.0, std::floor(rows / group));
      streams = batch.sequences * shape.kv_heads;
    } else {
      rows = queries = std::min(tile.rows, std::ceil(tokens / kernel.row_step) * kernel.row_step);
      streams = batch.sequences * shape.heads;
    }
  }
  double scores() const { return rows * keys; }

 private:
  static const PrefillKernel& kernel_for(const AttentionLibrary& library, const AttentionShape& shape) {
    const double width = (shape.qk_dim + shape.v_dim) / 2;
    if (shape.latent) {
      return library.latent_prefill;
    }
    return library.falls_back && next_power_of_two(width) != width ? library.fallback_prefill
                                                                   : library.prefill;
  }
};

// Per stream. A tile of queries meets every tile of keys of which one of its queries sees a key.
struct Tiles {
  double queries = 0;  // tiles of queries
  double all = 0;      // tiles of scores
  double longest = 0;  // the most tiles of scores for one tile of queries
};

Tiles causal_tiles(const Prefill& prefill) {
  Tiles tiles;
  const double past = prefill.context - prefill.tokens;
  tiles.queries = std::ceil(prefill.tokens / prefill.queries);
  for (double tile = 0; tile < tiles.queries; ++tile) {
    const double first = past + tile * prefill.queries;
    const double end = std::min(first + prefill.queries, prefill.context);
    const double oldest = prefill.window > 0 ? std::max(0.0, first - prefill.window + 1) : 0;
    const double count = std::ceil(end / prefill.keys) - std::floor(oldest / prefill.keys);
    tiles.all += count;
    tiles.longest = std::max(tiles.longest, count);
  }
  return tiles;
}

// Seconds of one tile of scores on one SM.
double tile_seconds(const GpuSpec& spec, const AttentionShape& shape, const Prefill& prefill, double peak) {
  const PrefillKernel& kernel = prefill.kernel;
  if (kernel.key_clocks > 0) {
    return sm_seconds(spec, prefill.scores() / kMatrixRows * kernel.key_clocks * prefill.width / kKeyWidth);
  }
  const bool widens = prefill.is_fp8 && kernel.widens_8bit;
  const double width =
      widens ? (next_power_of_two(shape.qk_dim) + next_power_of_two(shape.v_dim)) / 2 : prefill.width;
  const double passes = std::ceil(prefill.width / kHeldWidth);
  const double share = spec.attention.tensor * (prefill.is_fp8 ? kernel.fp8_share : kernel.share_16bit);
  // Half of the products make scores.
  const double products = 4 * prefill.scores() * width * (1 + passes) / 2 / (peak / spec.sms * share);
  const double softmax = passes * prefill.scores() * (spec.exp_ops + kernel.pointwise_ops) /
                         (spec.vector_peak.value / spec.sms * spec.vector_achieved);
  const double overlap = prefill.rows < kernel.pair_rows ? kernel.lone_overlap : kernel.overlap;
  return std::pow(std::pow(products, overlap) + std::pow(softmax, overlap), 1 / overlap);
}

// Seconds of all tiles: blocks are handed out as SMs become free, so that the chip ends with the longest
// ones.
double blocks_seconds(const GpuSpec& spec, const Prefill& prefill, const Tiles& tiles, double tile) {
  const PrefillKernel& kernel = prefill.kernel;
  const bool masks = prefill.window > 0 && prefill.context > prefill.keys;  // else one tile reaches past it
  const double masking = !masks ? 0 : prefill.is_fp8 ? kernel.window_trips_8bit : kernel.window_trips;
  const double wait = sm_seconds(spec, spec.attention.memory_latency * (kernel.trips + masking));
  const double blocks = prefill.streams * tiles.queries * prefill.sms;
  const double balanced = (prefill.streams * tiles.all * tile + blocks * wait) / spec.sms;
  const double longest = tiles.longest * tile / prefill.sms + wait;
  return std::max(balanced + kernel.tail * longest * std::min(1.0, blocks / spec.sms), kernel.lone * longest);
}

}  // namespace

bool multiplies_fp8(const GpuSpec& spec, const AttentionShape& shape) {
  return (shape.kv == Format::fp8 || shape.activation == Format::fp8) && spec.multiplies(Format::fp8);
}

KernelCost prefill_attention_cost(const GpuSpec& spec, const AttentionShape& shape,
                                  const AttentionBatch& batch) {
  const AttentionSpec& attention = spec.attention;
  const Prefill prefill(spec, shape, batch);
  const Tiles tiles = causal_tiles(prefill);
  const Format arithmetic = prefill.is_fp8 ? Format::fp8 : info(shape.activation).arithmetic;
  const int index = tensor_index(arithmetic);
  const double peak =
      index >= 0 ? spec.tensor[static_cast<std::size_t>(index)].peak.value : spec.vector_peak.value;
  const double width = prefill.width;

  // Queries come and outputs leave at the ends of a block, keys and values beside the products.
  const double kv_heads = shape.latent ? shape.heads : shape.kv_heads;
  const double kv_per_key = 2 * kv_heads * width * (prefill.is_fp8 ? 1 : kActivationBytes);
  const double ends = batch.new_tokens * shape.heads * 2 * width * kActivationBytes;
  const double bytes = ends + batch.cached_keys * kv_per_key;
  const double touched = batch.new_tokens * width * (shape.heads + 2 * kv_heads) * 2 * kActivationBytes;
  const double missed = (1 + missed_share(spec, touched, 1)) / 2;  // L2 is about twice as fast as HBM
  const double hbm = spec.hbm_bandwidth.value * spec.hbm_read / missed;
  double seconds = blocks_seconds(spec, prefill, tiles, tile_seconds(spec, shape, prefill, peak));
  seconds = std::max(seconds + ends / hbm, bytes / hbm);
  seconds += sm_seconds(spec, prefill.kernel.start_trips * attention.memory_latency);

  KernelCost cost;
  cost.delay(GpuDelay::attention_start) = 1;
  cost.memory = Category::kv;
  const double cached = batch.cached_keys * kv_bytes_per_key(shape);
  cost.hbm = {std::min(cached, bytes), bytes * missed};
  cost.hbm.charged = std::max(cost.hbm.useful, cost.hbm.charged);
  const double expansion = 2 * batch.expanded_keys * shape.latent_dim * shape.heads *
                           (shape.qk_dim + shape.v_dim - shape.rope_dim);
  const double useful = 4 * batch.attended_keys * shape.heads * width + expansion;
  const double scores = prefill.streams * tiles.all * prefill.scores();
  cost.multiply(arithmetic, {useful, std::max(useful, 4 * scores * width + expansion)});
  if (index >= 0) {
    const double pointwise = prefill.kernel.pointwise_ops;
    cost.vector = {batch.attended_keys * shape.heads * (1 + pointwise), scores * (spec.exp_ops + pointwise)};
    cost.vector.charged = std::max(cost.vector.useful, cost.vector.charged);
    seconds += expansion / (peak * attention.tensor);
  }
  last(spec, seconds, cost);
  cost.stalled = Category::arithmetic;
  return cost;
}

}  // namespace memwall
