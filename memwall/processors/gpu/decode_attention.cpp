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
// Blocks a SM up to which the lane kernel is built with so many threads that each has its SM to itself.
constexpr double kMostLone = 1.35;
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
  const AttentionLibrary& library = spec.attention.library;
  const LaneKernel& kernel = decode.is_8bit ? library.lanes_8bit : library.lanes;
  const double latency = spec.attention.memory_latency;
  // A power of two of values is what a block of lanes is compiled for.
  const double widths = next_power_of_two(decode.width) / kKeyWidth;
  const double chunks = std::floor(decode.context * widths / kLaneKeyWidth);
  const double splits =
      chunks < 2 ? 1 : std::min(std::ceil(spec.sms / (decode.sequences * decode.heads)), chunks);
  const bool is_split = splits > 1;
  const double blocks = decode.sequences * decode.heads * splits;
  const double filled = blocks / spec.sms;
  const double keys = decode.keys / splits;

  // Heads of one KV head read it again, side by side, from L2.
  Waves waves;
  const double once = decode.sequences * decode.kv_heads * decode.keys * decode.bytes_per_key;
  waves.cache_bytes = once * decode.group;
  waves.hbm_bytes = once * missed_share(spec, once, operand_sets);
  waves.rows = decode.rows;
  waves.keys = decode.keys;

  const double wait = latency * (kernel.trips + (is_split ? kernel.merge_trips : 0));
  const bool owns = decode.group <= 1;
  const double first = keys * widths > 8 ? (owns ? kernel.own_first_trips : kernel.first_trips) * latency : 0;
  const double work = (owns ? kernel.own_key_clocks : kernel.key_clocks) * widths * keys;
  const double memory = waves.hbm_bytes / (hbm_rate(spec) * kernel.hbm);
  if (!is_split) {
    double per_sm = std::ceil(filled);
    double rounds = per_sm <= 4 ? std::ceil(per_sm / 2) : std::ceil(per_sm / 4);
    if (rounds >= kManyWaves / 2) {
      per_sm = filled;
      rounds = per_sm / 4;
    } else if (filled > 1 && filled < kMostLone) {
      rounds = per_sm;
    }
    const double clocks = rounds * wait + std::max(rounds * first, work * per_sm);
    waves.seconds = std::max(sm_seconds(spec, clocks), sm_seconds(spec, wait) + memory);
    return waves;
  }
  // Alone on their SMs: a round of few blocks takes its own time.
  const double full = std::floor(filled);
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

// How a kernel on the matrix pipe cuts its work.
struct Cut {
  double blocks_per_kv_head = 1;
  double row_units = 0;  // of query rows, that a block waits for
  double splits = 1;
  double keys = 0;        // computed per sequence and KV head
  double active = 1;      // splits that have keys
  double split_keys = 0;  // of one of them, in whole tiles
};

Cut cut_of(const GpuSpec& spec, const Decode& decode, const StreamKernel& kernel) {
  Cut cut;
  cut.keys = decode.keys;
  const double groups = decode.sequences * decode.kv_heads;
  if (kernel.segments > 0) {
    cut.blocks_per_kv_head = std::ceil(decode.rows / kMatrixRows);
    cut.splits =
        groups <= kMostSegmented ? std::min(kernel.segments, std::ceil(decode.keys / kernel.tile)) : 1;
  } else if (spec.attention.library.fixed_splits) {
    cut.blocks_per_kv_head = decode.rows > kMatrixRows ? std::ceil(decode.rows / (2 * kMatrixRows)) : 1;
    cut.row_units = decode.rows <= 8 ? 0 : decode.rows <= kMatrixRows ? 1 : 2;
    cut.splits = std::min(std::ceil(decode.keys / kFixedSplit),
                          std::max(1.0, std::floor(spec.sms / (groups * cut.blocks_per_kv_head))));
  } else {
    cut.row_units = decode.rows / 8;
    cut.splits = rule_of_thumb_splits(spec.sms, decode, kernel.skips ? decode.keys : decode.context);
  }
  cut.active = cut.splits;
  double most = decode.context / cut.splits;
  if (kernel.skips) {  // whole tiles, the window's first one included
    const double last = decode.context - 1;
    const double first = decode.is_windowed ? std::floor((last - decode.keys) / kernel.tile) : 0;
    const double past =
        decode.is_windowed ? std::floor(last / kernel.tile) + 1 : std::ceil(decode.keys / kernel.tile);
    cut.keys = (past - first) * kernel.tile;
    most = cut.keys / cut.splits;
  } else if (decode.is_windowed) {
    cut.keys = std::min(decode.keys + kernel.tile / 2, decode.context);
    cut.active = std::min(cut.splits, std::ceil(cut.keys / most) + 1);
    most = cut.active < cut.splits ? most : cut.keys / cut.splits;
  }
  cut.split_keys = std::ceil(std::min(cut.keys, most) / kernel.tile) * kernel.tile;
  return cut;
}

// Seconds until HBM has given its bytes to `blocks`: a last wave of few draws what its SMs can.
double drawn_seconds(const GpuSpec& spec, const StreamKernel& kernel, double bytes, double blocks,
                     double rate) {
  const double filled = blocks / spec.sms;
  if (filled >= kManyWaves) {
    return bytes / rate;
  }
  const double full = std::floor(filled), rest = blocks - full * spec.sms;
  const double from_block = bytes / blocks;
  const double alone = from_block / (kernel.fill * spec.clock.value);
  return full * std::max(spec.sms * from_block / rate, alone) +
         (rest > 0 ? std::max(rest * from_block / rate, alone) : 0);
}

Waves stream_waves(const GpuSpec& spec, const Decode& decode, const StreamKernel& kernel,
                   double operand_sets) {
  const AttentionSpec& attention = spec.attention;
  const Cut cut = cut_of(spec, decode, kernel);
  const double widths = decode.widths();
  Waves waves;
  waves.cache_bytes = decode.sequences * decode.kv_heads * cut.keys * decode.bytes_per_key;
  waves.hbm_bytes = waves.cache_bytes * missed_share(spec, waves.cache_bytes, operand_sets);
  waves.rows = std::ceil(decode.rows / kMatrixRows) * kMatrixRows;
  waves.keys = cut.keys;

  const double wait =
      sm_seconds(spec, attention.memory_latency * (kernel.trips * (1 + kernel.wide_share * (widths - 1)) +
                                                   kernel.row_trips * cut.row_units * widths));
  const double key_clocks = (decode.is_8bit ? kernel.key_clocks_8bit : kernel.key_clocks) +
                            kernel.row_clocks * (std::ceil(decode.rows / 8) - 1);
  const double work = sm_seconds(spec, (key_clocks * widths + kernel.plain_key_clocks) * cut.split_keys);
  const double active = cut.active / cut.splits;
  const double block = active * (wait + work) + (1 - active) * kernel.idle_share * wait;
  const double blocks = decode.sequences * decode.kv_heads * cut.splits * cut.blocks_per_kv_head;
  const double filled = blocks / spec.sms;
  const double rounds = filled >= kManyWaves ? filled : std::ceil(filled);
  const double rate = hbm_rate(spec) * (decode.width > kKeyWidth ? kernel.hbm_wide : 1) *
                      (decode.is_8bit ? kernel.hbm_8bit : 1);
  const double memory = drawn_seconds(spec, kernel, waves.hbm_bytes, blocks, rate);
  const double started = kernel.start_trips * attention.memory_latency;
  // One partial result is merged after another.
  const double merge = cut.splits > 1 ? kernel.merge_trips * attention.memory_latency +
                                            kernel.partial_accesses * attention.l2_latency * cut.splits
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
