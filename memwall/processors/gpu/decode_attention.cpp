// Decode attention with keys and values per KV head: which kernel, how many splits, how long its waves take.
#include <algorithm>
#include <cmath>

#include "memwall/processors/gpu/attention_parts.h"

namespace memwall {
namespace {

constexpr double kLaneKeyWidth = 256;  // keys of 128 values per split of the lane kernel
constexpr double kFixedSplit = 256, kSplitUnit = 128;
constexpr double kManyWaves = 16;  // waves beyond which blocks no longer start together
constexpr double kDrift = 3.5;     // waves until blocks have drifted apart: they wait together until then
constexpr double kMatrixRows = 16;
constexpr double kMostSegmented = 128;  // sequences times KV heads up to which a kernel of segments splits

// One step of one chip, sequences alike.
struct Decode {
  double sequences, heads, kv_heads, width;  // width: mean of the values of a key and a value
  double context, keys;                      // of a sequence; keys: within the window
  double rows;                               // query rows per KV head: heads of a group times new tokens
  double group, new_tokens;
  bool is_windowed, is_8bit;
  double row_bytes;       // queries, outputs, new keys and values
  double bytes_per_key;   // of one KV head
  double missed_traffic;  // share of `row_bytes` that passes HBM

  Decode(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch)
      : sequences(batch.sequences),
        heads(shape.heads),
        kv_heads(shape.kv_heads),
        width((shape.qk_dim + shape.v_dim) / 2),
        context(batch.context / batch.sequences),
        keys(batch.cached_keys / batch.sequences),
        group(heads / kv_heads),
        new_tokens(batch.new_tokens / batch.sequences),
        is_windowed(keys < context),
        is_8bit(has_8bit_cache(shape)),
        bytes_per_key(2 * width * info(shape.kv).bits / 8 * batch.cache_share) {
    rows = group * new_tokens;
    row_bytes = batch.new_tokens * (2 * heads + 4 * kv_heads) * width * kActivationBytes;
    missed_traffic = missed_share(spec, row_bytes, batch.operand_sets);
  }
  double widths() const { return width / kKeyWidth; }
};

// What a kernel reads and how long it takes, its start aside.
struct Waves {
  double seconds = 0;
  double cache_bytes = 0, hbm_bytes = 0;  // read by blocks; of those, from HBM
  double rows = 0, keys = 0;              // computed, padded to instructions and tiles
};

double hbm_rate(const GpuSpec& spec) { return spec.hbm_bandwidth.value * spec.hbm_attention; }

Waves lane_waves(const GpuSpec& spec, const Decode& decode, double operand_sets) {
  const LaneKernel& kernel = spec.attention.library.lanes;
  const double latency = spec.attention.memory_latency;
  // A power of two of values is what a block of lanes is compiled for.
  const double widths = next_power_of_two(decode.width) / kKeyWidth;
  const double chunks = std::floor(decode.context * widths / kLaneKeyWidth);
  const double splits =
      chunks < 2 ? 1 : std::min(std::ceil(spec.sms / (decode.sequences * decode.heads)), chunks);
  const bool is_split = splits > 1;
  const double blocks = decode.sequences * decode.heads * splits;
  const double keys = decode.keys / splits;

  Waves waves;
  const double once = decode.sequences * decode.kv_heads * decode.keys * decode.bytes_per_key;
  const double missed = missed_share(spec, once, operand_sets);
  // Heads of one KV head read it again, from L2 as far as all that is read at once fits there.
  const double live =
      std::min(blocks, 4 * spec.sms) / (decode.group * splits) * decode.keys * decode.bytes_per_key;
  waves.cache_bytes = once * decode.group;
  waves.hbm_bytes = once * missed * (1 + (decode.group - 1) * missed_share(spec, live, 1));
  waves.rows = decode.rows;
  waves.keys = decode.keys;

  double per_sm = std::ceil(blocks / spec.sms);
  double rounds = is_split ? per_sm : per_sm <= 4 ? std::ceil(per_sm / 2) : std::ceil(per_sm / 4);
  if (rounds >= kManyWaves / 2) {
    per_sm = blocks / spec.sms;
    rounds = is_split ? per_sm : per_sm / 4;
  }
  const double wait = latency * (kernel.trips + (is_split ? kernel.merge_trips : 0));
  const double first = keys * widths > 8 ? kernel.first_trips * latency : 0;
  const double work = kernel.key_clocks * widths * keys;
  const double memory = waves.hbm_bytes / hbm_rate(spec);
  if (!is_split) {
    const double clocks = rounds * wait + std::max(rounds * first, work * per_sm);
    waves.seconds = std::max(sm_seconds(spec, clocks), sm_seconds(spec, wait) + memory);
    return waves;
  }
  // Alone on their SMs: a round of few blocks takes its own time.
  const double full = std::floor(blocks / spec.sms);
  const double rest = blocks - full * spec.sms;
  const double block = sm_seconds(spec, wait + std::max(first, work));
  const double waiting = sm_seconds(spec, wait);
  waves.seconds = full * std::max(block, waiting + spec.sms / blocks * memory) +
                  (rest > 0 ? std::max(block, waiting + rest / blocks * memory) : 0);
  return waves;
}

// XQA's rule: about the root of eight times the chunks, no more than eight waves of blocks.
double rule_of_thumb_splits(double sms, const Decode& decode, double keys) {
  double splits = std::max(1.0, std::floor(keys / kSplitUnit));
  splits = std::max(1.0, std::min(splits, std::round(std::sqrt(8 * splits))));
  const double waves = decode.sequences * decode.kv_heads * splits / sms;
  splits = std::max(1.0, std::floor(splits / std::max(1.0, waves / 8)));
  return std::max(1.0, std::min(splits, std::floor(6000 / decode.sequences)));
}

Waves stream_waves(const GpuSpec& spec, const Decode& decode, const StreamKernel& kernel,
                   double operand_sets) {
  const AttentionSpec& attention = spec.attention;
  const bool has_bulk_tiles =
      kernel.segments > 0 || attention.library.fixed_splits || &kernel == &attention.library.stream_8bit;
  double blocks_per_kv_head = 1, row_units = decode.rows / 8, splits = 1, keys = decode.keys;
  if (kernel.segments > 0) {
    blocks_per_kv_head = std::ceil(decode.rows / kMatrixRows);
    splits = decode.sequences * decode.kv_heads <= kMostSegmented
                 ? std::min(kernel.segments, std::ceil(keys / kernel.tile))
                 : 1;
  } else if (attention.library.fixed_splits) {
    blocks_per_kv_head = decode.rows > kMatrixRows ? std::ceil(decode.rows / (2 * kMatrixRows)) : 1;
    row_units = decode.rows <= 8 ? 0 : decode.rows <= kMatrixRows ? 1 : 2;
    splits = std::min(
        std::ceil(keys / kFixedSplit),
        std::max(1.0, std::floor(spec.sms / (decode.sequences * decode.kv_heads * blocks_per_kv_head))));
  } else {
    splits = rule_of_thumb_splits(spec.sms, decode, has_bulk_tiles ? keys : decode.context);
  }
  if (has_bulk_tiles) {  // whole tiles, the window's first one included
    const double first = decode.is_windowed ? std::floor((decode.context - 1 - keys) / kernel.tile) : 0;
    const double past = decode.is_windowed ? std::floor((decode.context - 1) / kernel.tile) + 1
                                           : std::ceil(keys / kernel.tile);
    keys = (past - first) * kernel.tile;
  } else if (decode.is_windowed) {
    keys = std::min(keys + kernel.tile / 2, decode.context);
  }
  // Splits before the window end at once.
  const double share = decode.context / splits;
  const bool skips = decode.is_windowed && !has_bulk_tiles;
  const double active = skips ? std::min(splits, std::ceil(keys / share) + 1) : splits;
  const double blocks = decode.sequences * decode.kv_heads * active * blocks_per_kv_head;
  const double per_block =
      std::ceil(std::min(keys, active < splits ? share : keys / splits) / kernel.tile) * kernel.tile;

  Waves waves;
  waves.cache_bytes = decode.sequences * decode.kv_heads * keys * decode.bytes_per_key;
  waves.hbm_bytes = waves.cache_bytes * missed_share(spec, waves.cache_bytes, operand_sets);
  waves.rows = std::ceil(decode.rows / kMatrixRows) * kMatrixRows;
  waves.keys = keys;

  const double wait = sm_seconds(
      spec, attention.memory_latency * (kernel.trips * (1 + kernel.wide_share * (decode.widths() - 1)) +
                                        kernel.row_trips * row_units * decode.widths()));
  const double key_clocks = decode.is_8bit ? kernel.key_clocks_8bit : kernel.key_clocks;
  const double block = wait + sm_seconds(spec, key_clocks * decode.widths() * per_block);
  const double filled = blocks / spec.sms;
  const double rounds = filled >= kManyWaves ? filled : std::ceil(filled);
  double memory = waves.hbm_bytes / hbm_rate(spec);
  if (filled < kManyWaves) {
    const double full = std::floor(filled), rest = blocks - full * spec.sms;
    const double from_block = waves.hbm_bytes / blocks;
    const double alone = from_block / (kernel.fill * spec.clock.value);
    memory = full * std::max(spec.sms * from_block / hbm_rate(spec), alone) +
             (rest > 0 ? std::max(rest * from_block / hbm_rate(spec), alone) : 0);
  }
  const double started = kernel.start_trips * attention.memory_latency;
  // One partial result is merged after another.
  const double merge = splits > 1 ? kernel.merge_trips * attention.memory_latency +
                                        kernel.partial_accesses * attention.l2_latency * splits
                                  : 0;
  waves.seconds =
      sm_seconds(spec, started + merge) + std::max(rounds * block, memory + wait * std::min(rounds, kDrift));
  return waves;
}

// TensorRT-LLM takes the lane kernel for one query head per KV head, for more than the matrix kernel holds,
// and where there are too few keys to fill the chip.
bool takes_lanes(const GpuSpec& spec, const Decode& decode) {
  const AttentionLibrary& library = spec.attention.library;
  if (!library.has_lanes || decode.new_tokens > 1) {
    return false;
  }
  constexpr double kMostGroup = 32;
  if (library.fixed_splits) {
    return decode.group > kMostGroup;
  }
  const double chunks = std::max(1.0, std::floor(decode.context / kSplitUnit));
  return decode.group == 1 || decode.group > kMostGroup ||
         decode.kv_heads * decode.sequences * chunks * 4 < spec.sms;
}

}  // namespace

KernelCost grouped_decode_cost(const GpuSpec& spec, const AttentionShape& shape,
                               const AttentionBatch& batch) {
  const Decode decode(spec, shape, batch);
  const AttentionLibrary& library = spec.attention.library;
  const bool on_lanes = takes_lanes(spec, decode);
  const bool is_bulk = decode.is_8bit && (decode.width <= kKeyWidth || decode.group <= 8);
  const bool is_odd = library.falls_back && next_power_of_two(decode.width) != decode.width;
  const StreamKernel& stream = is_odd    ? library.fallback_stream
                               : is_bulk ? library.stream_8bit
                                         : library.stream;
  const Waves waves = on_lanes ? lane_waves(spec, decode, batch.operand_sets)
                               : stream_waves(spec, decode, stream, batch.operand_sets);
  KernelCost cost;
  cost.delay(GpuDelay::attention_start) = 1;
  cost.memory = cost.feed = Category::kv;
  const double streamed = decode.row_bytes * decode.missed_traffic;
  const double kept = batch.cached_keys * kv_bytes_per_key(shape) * batch.cache_share;
  const double hbm = waves.hbm_bytes + streamed;
  const double in_memory = batch.operand_sets > 0 ? hbm : kept + streamed;
  cost.hbm = {std::min(in_memory, hbm), hbm};
  cost.l2 = {0, waves.cache_bytes};

  const double pair = 2 * (shape.qk_dim + shape.v_dim);
  const double useful = batch.attended_keys * shape.heads * pair;
  const double charged = batch.sequences * shape.kv_heads * waves.rows * waves.keys * pair;
  cost.multiply(on_lanes ? Format::fp32 : info(shape.activation).arithmetic,
                {useful, std::max(useful, charged)});
  last(spec, waves.seconds + streamed / hbm_rate(spec), cost);
  return cost;
}

}  // namespace memwall
