// Prefill attention: tiles of queries against tiles of keys, scores kept on chip.
#include <algorithm>
#include <cmath>

#include "memwall/processors/gpu/attention_parts.h"

namespace memwall {
namespace {

struct Tiles {
  double rows = 0;     // of queries, per sequence and head
  double all = 0;      // of scores, per sequence and head
  double longest = 0;  // of scores, in one tile of rows
};

// Causal tiles of `tokens` queries whose last one sees `keys` keys, or the last `window` of them. A tile of
// rows is a whole number of tiles of keys long.
Tiles causal_tiles(const PrefillKernel& kernel, double tokens, double keys, double window) {
  const double ratio = kernel.rows / kernel.keys;
  Tiles tiles;
  tiles.rows = std::ceil(tokens / kernel.rows);
  const double last = std::ceil(keys / kernel.keys);
  const double before = last - std::ceil(tokens / kernel.keys);  // tiles of keys before the first query
  tiles.all = tiles.rows * before + ratio * tiles.rows * (tiles.rows - 1) / 2 + (last - before);
  tiles.longest = last;
  if (window > 0) {
    const double reach = std::ceil(std::max(0.0, window - 1) / kernel.keys);
    // Rows from here on see no key before their window.
    const double full = std::max(0.0, std::ceil((reach - before) / ratio));
    if (tiles.rows > full) {
      const double count = tiles.rows - full;
      const double seen = before + ratio * (full + tiles.rows - 1) / 2;  // mean of tiles before their own
      tiles.all -= count * (seen - reach);
    }
    tiles.longest = std::min(last, ratio + reach);
  }
  return tiles;
}

}  // namespace

bool multiplies_fp8(const GpuSpec& spec, const AttentionShape& shape) {
  return (shape.kv == Format::fp8 || shape.activation == Format::fp8) && spec.multiplies(Format::fp8);
}

KernelCost prefill_attention_cost(const GpuSpec& spec, const AttentionShape& shape,
                                  const AttentionBatch& batch) {
  const AttentionSpec& attention = spec.attention;
  const AttentionLibrary& library = attention.library;
  const double width = (shape.qk_dim + shape.v_dim) / 2;
  const bool is_odd = library.falls_back && !shape.latent && std::exp2(std::ceil(std::log2(width))) != width;
  const PrefillKernel& kernel = is_odd ? library.fallback_prefill : library.prefill;
  const double tokens = batch.new_tokens / batch.sequences;
  const double context = batch.context / batch.sequences;
  const bool is_windowed = shape.window > 0 && context > shape.window;
  const Tiles tiles = causal_tiles(kernel, tokens, context, is_windowed ? shape.window : 0);
  const bool is_fp8 = multiplies_fp8(spec, shape);
  const Format arithmetic = is_fp8 ? Format::fp8 : info(shape.activation).arithmetic;

  // One tile on one SM.
  const double scores = kernel.rows * kernel.keys;
  const int index = tensor_index(arithmetic);
  const double peak =
      index >= 0 ? spec.tensor[static_cast<std::size_t>(index)].peak.value : spec.vector_peak.value;
  const double share = attention.tensor * (is_fp8 ? kernel.fp8_share : 1);
  const double products = 4 * scores * width / (peak / spec.sms * share);
  const double softmax = scores * (spec.exp_ops + kernel.pointwise_ops) /
                         (spec.vector_peak.value / spec.sms * spec.vector_achieved);
  constexpr double kRows = 16;
  const double limit = sm_seconds(spec, scores / kRows * kernel.key_clocks * width / kKeyWidth);
  const double tile = kernel.key_clocks > 0
                          ? limit
                          : std::pow(std::pow(products, kernel.overlap) + std::pow(softmax, kernel.overlap),
                                     1 / kernel.overlap);

  const double masking = !is_windowed ? 0 : is_fp8 ? kernel.window_trips_8bit : kernel.window_trips;
  const double wait = sm_seconds(spec, attention.memory_latency * (kernel.trips + masking));
  const double streams = batch.sequences * shape.heads;
  const double blocks = streams * std::ceil(tiles.rows / kernel.row_tiles);
  const double balanced = (streams * tiles.all * tile + blocks * wait) / spec.sms;
  const double longest = tiles.longest * tile + wait;
  double seconds =
      std::max(balanced + kernel.tail * longest * std::min(1.0, blocks / spec.sms), kernel.lone * longest);

  seconds += sm_seconds(spec, kernel.start_trips * attention.memory_latency);

  // Queries in and outputs out, keys and values in.
  const double kv_heads = shape.latent ? shape.heads : shape.kv_heads;
  const double kv_per_key = 2 * kv_heads * width * (is_fp8 ? 1 : kActivationBytes);
  const double bytes =
      batch.new_tokens * shape.heads * 2 * width * kActivationBytes + batch.cached_keys * kv_per_key;
  const double touched = batch.new_tokens * width * (shape.heads + 2 * kv_heads) * 2 * kActivationBytes;
  const double missed = (1 + missed_share(spec, touched, 1)) / 2;  // L2 is about twice as fast as HBM
  seconds += bytes / (spec.hbm_bandwidth.value * spec.hbm_read) * missed;

  KernelCost cost;
  cost.delay(GpuDelay::attention_start) = 1;
  cost.memory = Category::kv;
  const double cached = batch.cached_keys * kv_bytes_per_key(shape);
  cost.hbm = {std::min(cached, bytes), bytes * missed};
  cost.hbm.charged = std::max(cost.hbm.useful, cost.hbm.charged);
  const double expansion = 2 * batch.expanded_keys * shape.latent_dim * shape.heads *
                           (shape.qk_dim + shape.v_dim - shape.rope_dim);
  const double useful = 4 * batch.attended_keys * shape.heads * width + expansion;
  const double charged = 4 * streams * tiles.all * scores * width + expansion;
  cost.multiply(arithmetic, {useful, std::max(useful, charged)});
  if (index >= 0) {
    cost.vector = {batch.attended_keys * shape.heads * (1 + kernel.pointwise_ops),
                   streams * tiles.all * scores * (spec.exp_ops + kernel.pointwise_ops)};
    cost.vector.charged = std::max(cost.vector.useful, cost.vector.charged);
    seconds += expansion / (peak * attention.tensor);
  }
  last(spec, seconds, cost);
  cost.stalled = Category::arithmetic;
  return cost;
}

}  // namespace memwall
