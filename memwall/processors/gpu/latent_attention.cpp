// Decode attention over latents. One row of latents serves every query head of a sequence.
#include <algorithm>
#include <cmath>

#include "memwall/processors/gpu/attention_parts.h"

namespace memwall {
namespace {

constexpr double kHeads = 64;        // query heads of one block
constexpr double kNarrowHeads = 16;  // the same where at most kMostNarrow heads are computed at all
constexpr double kMostNarrow = 32;
constexpr double kPage = 64;          // keys of a tile
constexpr double kWidePage = 128;     // the same with tensor memory
constexpr double kOverheadPages = 5;  // FlashMLA counts so many pages more for every piece of work
constexpr double kManyWaves = 8;      // as in decode_attention.cpp
constexpr double kDrift = 3.5;
constexpr double kPartialBytes = 4;  // fp32

struct Latent {
  double sequences, heads, keys;   // heads: query rows per sequence, new tokens included
  double row, output;              // values of a latent with its rotary part; of an output
  double key_bytes;                // of one latent in the cache
  double missed;                   // share of the cache that passes HBM
  double cache_rate, stream_rate;  // bytes/s of the cache; of queries, outputs and partial results
  double sm_rate;                  // op/s of one SM
  double latency;                  // s
  bool is_8bit;                    // cache

  Latent(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch)
      : sequences(batch.sequences),
        heads(shape.heads * batch.new_tokens / batch.sequences),
        keys(batch.cached_keys / batch.sequences),
        row(shape.latent_dim + shape.rope_dim),
        output(shape.latent_dim),
        key_bytes(kv_bytes_per_key(shape)),
        missed(missed_share(spec, sequences * keys * key_bytes, batch.operand_sets)),
        cache_rate(spec.hbm_bandwidth.value * spec.hbm_attention),
        stream_rate(spec.hbm_bandwidth.value * spec.hbm_read),
        sm_rate(spec.tensor[0].peak.value / spec.sms),
        latency(sm_seconds(spec, spec.attention.memory_latency)),
        is_8bit(has_8bit_cache(shape)) {
    const LatentKernel& kernel = spec.attention.library.latent;
    cache_rate *= is_8bit ? kernel.hbm_8bit : kernel.hbm_16bit;
  }
  double ops_per_key(double rows) const { return 2 * rows * (row + output); }
  double stream_bytes() const { return sequences * heads * (row + output) * kActivationBytes; }
};

struct Timed {
  double seconds = 0;
  double keys = 0, rows = 0;  // computed per sequence, padded
  double readers = 1;         // blocks that read each latent
};

// Seconds until one block has read the partial results of a sequence, one after another.
double merging(const GpuSpec& spec, const LatentKernel& kernel, double partials) {
  const AttentionSpec& attention = spec.attention;
  return sm_seconds(spec, kernel.merge_trips * attention.memory_latency +
                              kernel.partial_accesses * attention.l2_latency * partials);
}

Timed in_pairs(const GpuSpec& spec, const Latent& latent, const LatentKernel& kernel) {
  const double readers = std::ceil(latent.heads / kHeads);
  const double blocks = 2 * latent.sequences * readers;  // halves of the outputs
  const double keys = std::ceil(latent.keys / kPage) * kPage;
  const double wait = kernel.trips * latent.latency;
  const double products = keys * latent.ops_per_key(kHeads) / latent.sm_rate;
  const double alone = wait + products / kernel.lone_tensor;
  const double both = wait + 2 * products / kernel.paired_tensor;
  const double full = std::floor(blocks / (2 * spec.sms)), rest = blocks - full * 2 * spec.sms;
  return {full * both + (rest > spec.sms ? both : rest > 0 ? alone : 0), keys, readers * kHeads, readers};
}

Timed from_work_list(const GpuSpec& spec, const Latent& latent, const LatentKernel& kernel) {
  const double readers = std::ceil(latent.heads / kHeads);
  const double parts = std::max(1.0, std::floor(spec.sms / readers));
  const double pages = std::ceil(latent.keys / kPage);
  const double share = std::ceil(latent.sequences * (pages + kOverheadPages) / parts) + kOverheadPages;
  const double turns = std::ceil(latent.sequences / parts);
  const bool is_split = share < pages + kOverheadPages;
  const double longest = is_split ? std::min(share - kOverheadPages, pages) : pages * turns;

  const double memory =
      latent.sequences * pages * kPage * latent.key_bytes * latent.missed / latent.cache_rate;
  const double products =
      longest * kPage * latent.ops_per_key(kHeads) / (latent.sm_rate * kernel.lone_tensor);
  // Partial outputs are written and read.
  const double partial = (parts + latent.sequences) * readers * std::min(latent.heads, kHeads) *
                         latent.output * kPartialBytes * 2;
  const double merge = is_split ? partial * kernel.merge_passes / latent.stream_rate +
                                      merging(spec, kernel, std::ceil(pages / longest))
                                : 0;
  const double exposed = kernel.exposed_trips * latent.latency * latent.missed;
  return {merge + turns * kernel.trips * latent.latency + std::max(memory + exposed, products), pages * kPage,
          readers * kHeads, readers};
}

Timed in_waves(const GpuSpec& spec, const Latent& latent, const LatentKernel& kernel) {
  const bool is_narrow = latent.heads <= kMostNarrow;
  const double readers = std::ceil(latent.heads / (is_narrow ? kNarrowHeads : kHeads));
  const double groups = latent.sequences * readers;
  const double pages = std::ceil(latent.keys / kWidePage);
  const double splits = std::max(1.0, std::min(std::floor(spec.sms / groups), pages));
  const double blocks = groups * splits;
  const double keys = std::ceil(pages / splits) * kWidePage;
  const double filled = blocks / spec.sms;
  const double rounds = filled > kManyWaves ? filled : std::ceil(filled);

  const double wait = (is_narrow ? kernel.trips : kernel.trips_wide) * latent.latency;
  // Narrow blocks are bound by what they read.
  const double tensor = latent.heads > kHeads ? kernel.paired_tensor
                        : latent.is_8bit      ? kernel.lone_tensor_8bit
                                              : kernel.lone_tensor;
  const double work = is_narrow ? keys * latent.key_bytes / (kernel.fill * spec.clock.value)
                                : keys * latent.ops_per_key(kHeads) / (latent.sm_rate * 2 * tensor);
  const double memory =
      latent.sequences * pages * kWidePage * latent.key_bytes * latent.missed / latent.cache_rate +
      kernel.exposed_trips * latent.latency * latent.missed;
  const double merge = splits > 1 ? merging(spec, kernel, splits) : 0;
  return {merge + std::max(rounds * (wait + work), memory + wait * std::min(rounds, kDrift)),
          pages * kWidePage, readers * (is_narrow ? kNarrowHeads : kHeads), readers};
}

Timed timed(const GpuSpec& spec, const Latent& latent) {
  const LatentKernel& kernel = spec.attention.library.latent;
  switch (kernel.schedule) {
    case LatentKernel::Schedule::pairs:
      return in_pairs(spec, latent, kernel);
    case LatentKernel::Schedule::work_list:
      return from_work_list(spec, latent, kernel);
    case LatentKernel::Schedule::waves:
      break;
  }
  return in_waves(spec, latent, kernel);
}

}  // namespace

KernelCost latent_decode_cost(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch) {
  const Latent latent(spec, shape, batch);
  const LatentKernel& kernel = spec.attention.library.latent;
  const Timed blocks = timed(spec, latent);
  KernelCost cost;
  cost.delay(GpuDelay::attention_start) = 1;
  cost.memory = cost.feed = Category::kv;
  const double cache = batch.cached_keys * latent.key_bytes;
  const double streamed = latent.stream_bytes();
  const double from_hbm = cache * latent.missed + streamed;
  cost.hbm = {from_hbm, from_hbm};
  cost.l2 = {0, cache * blocks.readers};
  // Queries are converted to the cache's format by a kernel of its own where products are made in 8 bits.
  const bool converts = kernel.schedule == LatentKernel::Schedule::waves && multiplies_fp8(spec, shape);
  const double converted =
      converts ? latent.sequences * latent.heads * latent.row * (kActivationBytes + 1) : 0;
  const double useful = batch.attended_keys * shape.heads * 2 * (latent.row + latent.output);
  const double charged = latent.sequences * blocks.keys * latent.ops_per_key(blocks.rows);
  cost.multiply(converts ? Format::fp8 : info(shape.activation).arithmetic,
                {useful, std::max(useful, charged)});
  last(spec,
       kernel.start_trips * latent.latency + blocks.seconds +
           (kernel.query_passes * streamed + converted) / latent.stream_rate,
       cost);
  return cost;
}

}  // namespace memwall
