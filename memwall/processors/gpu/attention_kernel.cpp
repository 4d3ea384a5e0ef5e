#include "memwall/processors/gpu/attention_kernel.h"

#include <algorithm>
#include <cmath>

#include "memwall/processors/gpu/attention_parts.h"
#include "memwall/processors/gpu/pointwise_kernel.h"
#include "memwall/processors/shard.h"

namespace memwall {
namespace {

constexpr std::int64_t kDecodeTokens = 8;  // new tokens per sequence up to which the decode kernel is used
// Exponent of a smooth edge of L2: addresses are hashed and replaced not quite in order of age.
constexpr double kEdge = 6;

// What the kernels before attention load and store.
struct Prepared {
  double moved = 0;  // bytes between SMs and L2
  double bytes = 0;  // the same without what L2 serves again
  double rows = 0;   // vectors that a block takes by itself
};

Prepared prepared_heads(const AttentionShape& shape, const AttentionBatch& batch) {
  const double width = (shape.qk_dim + shape.v_dim) / 2;
  const double written = has_8bit_cache(shape) ? 1 : kActivationBytes;
  const double kept = batch.new_tokens * kv_bytes_per_key(shape);
  const double rows = batch.new_tokens * shape.heads;
  // A block has the query of one head and, for its rotation or to store it, the key and value of its group.
  return {rows * width * (3 * kActivationBytes + written) + kept,
          rows * width * (kActivationBytes + written) + kept * (kActivationBytes / written + 1), rows};
}

// Latents go into the cache. In fp8 queries, keys and values of every head are converted, padded to what the
// matrix pipe takes; else only the rotary parts are turned, or keys put together of their two parts.
Prepared prepared_latents(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch) {
  const double written = has_8bit_cache(shape) ? 1 : kActivationBytes;
  const double kept = batch.new_tokens * kv_bytes_per_key(shape) * (kActivationBytes / written + 1);
  const double rows = batch.new_tokens * shape.heads;
  if (multiplies_fp8(spec, shape)) {
    const AttentionLibrary& library = spec.attention.library;
    const auto padded = [&](double width) {
      return library.latent_prefill.widens_8bit ? next_power_of_two(width) : width;
    };
    const double moved = rows * ((2 * shape.qk_dim + shape.v_dim) * kActivationBytes +
                                 2 * padded(shape.qk_dim) + padded(shape.v_dim));
    return {moved, kept + moved, rows + batch.new_tokens * shape.latent_dim / kKeyWidth};
  }
  const double moved =
      rows * kActivationBytes *
      (spec.attention.library.copies_keys ? 2 * shape.qk_dim - shape.rope_dim : 2 * shape.rope_dim);
  return {moved, kept + moved, 0};
}

}  // namespace

void add_slice(const AttentionSpec& spec, const Attention& attention, const Slice& slice, double share,
               AttentionBatch& decode, AttentionBatch& prefill) {
  const double count = static_cast<double>(slice.count) * share;
  const double pairs = attended_keys(slice, attention.window) * share;
  const bool is_prompt = slice.past_tokens == 0 && (slice.new_tokens > 1 || spec.prefills_any_prompt);
  bool use_decode = slice.new_tokens <= kDecodeTokens && !is_prompt;
  double expanded = 0;
  if (attention.is_latent()) {
    const double qk = static_cast<double>(attention.qk_dim), v = static_cast<double>(attention.v_dim);
    const double latent = static_cast<double>(attention.latent),
                 rope = static_cast<double>(attention.rope_dim);
    expanded = count * static_cast<double>(slice.past_tokens);
    use_decode = pairs * (latent + rope + latent) <= pairs * (qk + v) + expanded * latent * (qk - rope + v);
  }
  const std::int64_t context = slice.past_tokens + slice.new_tokens;
  const std::int64_t reach =
      attention.window > 0 ? std::min(context, attention.window - 1 + slice.new_tokens) : context;
  AttentionBatch& batch = use_decode ? decode : prefill;
  batch.sequences += count;
  batch.new_tokens += count * static_cast<double>(slice.new_tokens);
  batch.context += count * static_cast<double>(context);
  batch.cached_keys += count * static_cast<double>(reach);
  batch.attended_keys += pairs;
  batch.expanded_keys += use_decode ? 0 : expanded;
}

AttentionShape shard(const Attention& attention, int tp) {
  AttentionShape shape;
  shape.heads = static_cast<double>(attention.heads) / tp;
  shape.kv_heads = kv_heads_per_chip(attention.kv_heads, tp);
  shape.qk_dim = static_cast<double>(attention.qk_dim);
  shape.v_dim = static_cast<double>(attention.v_dim);
  shape.latent = attention.is_latent();
  shape.latent_dim = static_cast<double>(attention.latent);
  shape.rope_dim = static_cast<double>(attention.rope_dim);
  shape.window = static_cast<double>(attention.window);
  shape.kv = attention.kv;
  shape.activation = attention.activation;
  return shape;
}

double kv_bytes_per_key(const AttentionShape& shape) {
  const double values =
      shape.latent ? shape.latent_dim + shape.rope_dim : shape.kv_heads * (shape.qk_dim + shape.v_dim);
  return values * info(shape.kv).bits / 8;
}

double missed_share(const GpuSpec& spec, double bytes, double operand_sets) {
  if (operand_sets <= 0) {
    return 1;
  }
  const double kept = spec.attention.l2_kept * spec.l2_capacity.value;
  return 1 - 1 / (1 + std::pow(operand_sets * bytes / kept, kEdge));
}

void last(const GpuSpec& spec, double seconds, KernelCost& cost) {
  double busy = std::max(cost.hbm.charged / (spec.hbm_bandwidth.value * spec.hbm_best),
                         cost.l2.charged / spec.l2_bandwidth.value);
  busy = std::max(busy, cost.vector.charged / (spec.vector_peak.value * spec.vector_achieved));
  if (const int index = tensor_index(cost.arithmetic); index >= 0 && cost.tensor.charged > 0) {
    const TensorRate& rate = spec.tensor[static_cast<std::size_t>(index)];
    busy = std::max(busy, cost.tensor.charged / (rate.peak.value * rate.achieved));
  }
  cost.stalled = cost.memory;
  cost.delay(GpuDelay::stall) = std::max(0.0, seconds - busy) / kStall.value;
}

KernelCost decode_attention_cost(const GpuSpec& spec, const AttentionShape& shape,
                                 const AttentionBatch& batch) {
  return shape.latent ? latent_decode_cost(spec, shape, batch) : grouped_decode_cost(spec, shape, batch);
}

KernelCost cache_cost(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch) {
  const double kept = batch.new_tokens * kv_bytes_per_key(shape);
  return pointwise_cost(spec, kept, kept, 0);
}

KernelCost prepare_cost(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch) {
  const Prepared prepared =
      shape.latent ? prepared_latents(spec, shape, batch) : prepared_heads(shape, batch);
  const AttentionSpec& attention = spec.attention;
  const double kept = batch.new_tokens * kv_bytes_per_key(shape);
  // L2 is about twice as fast as HBM.
  const double bytes = prepared.bytes * (1 + missed_share(spec, prepared.bytes, 1)) / 2;
  const double feed = sm_seconds(
      spec, prepared.moved / attention.prepare_feed + prepared.rows * attention.library.prepare_clocks);
  KernelCost cost;
  cost.delay(GpuDelay::prepare_start) = 1;
  cost.memory = Category::kv;
  cost.hbm = {std::min(kept, bytes), bytes};
  last(spec, std::max(feed / spec.sms, bytes / (spec.hbm_bandwidth.value * spec.hbm_read)), cost);
  return cost;
}

}  // namespace memwall
