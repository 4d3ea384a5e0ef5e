#include "memwall/processors/gpu/attention_kernel.h"

#include <algorithm>
#include <cmath>

#include "memwall/processors/gpu/pointwise_kernel.h"
#include "memwall/processors/shard.h"

namespace memwall {
namespace {

constexpr std::int64_t kDecodeTokens = 8;  // new tokens per sequence up to which the decode kernel is used
constexpr double kTile = 128;              // query rows and keys of a prefill tile
constexpr double kDecodeRows = 16;  // query rows of one matrix instruction: the GQA group is padded to it
constexpr double kLeastKeys = 256;  // keys per split below which merging costs more than it gains
constexpr double kPointwisePerScore = 4;  // scale, maximum, subtract, sum
constexpr double kActivationBytes = 2;

double kv_bytes_per_key(const AttentionShape& shape) {
  const double values =
      shape.latent ? shape.latent_dim + shape.rope_dim : shape.kv_heads * (shape.qk_dim + shape.v_dim);
  return values * info(shape.kv).bits / 8;
}

// Query in, output out, new keys and values written.
double streamed_bytes(const AttentionShape& shape, const AttentionBatch& batch, double kv_per_key) {
  const double tokens = batch.new_tokens;
  const double qk = shape.latent ? shape.latent_dim + shape.rope_dim : shape.qk_dim;
  const double v = shape.latent ? shape.latent_dim : shape.v_dim;
  return tokens * (shape.heads * (qk + v) * kActivationBytes + kv_per_key);
}

}  // namespace

void add_slice(const Attention& attention, const Slice& slice, double share, AttentionBatch& decode,
               AttentionBatch& prefill) {
  const double count = static_cast<double>(slice.count) * share;
  const double pairs = attended_keys(slice, attention.window) * share;
  bool use_decode = slice.new_tokens <= kDecodeTokens;
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
  shape.kv = attention.kv;
  shape.activation = attention.activation;
  return shape;
}

KernelCost decode_attention_cost(const GpuSpec& spec, const AttentionShape& shape,
                                 const AttentionBatch& batch) {
  const double kv_heads = shape.latent ? 1 : shape.kv_heads;
  const double qk = shape.latent ? shape.latent_dim + shape.rope_dim : shape.qk_dim;
  const double v = shape.latent ? shape.latent_dim : shape.v_dim;
  const double per_key = kv_bytes_per_key(shape);
  const double kv = batch.cached_keys * per_key;
  const double keys = batch.cached_keys / batch.sequences;

  const double chunks = batch.sequences * kv_heads;
  const double most_splits = std::max(1.0, std::floor(keys / kLeastKeys));
  const double splits = std::clamp(std::floor(spec.sms / chunks), 1.0, most_splits);
  const double blocks = chunks * splits;

  KernelCost cost;
  cost.delay(GpuDelay::attention_start) = 1;
  cost.delay(GpuDelay::attention_wave) = std::max(0.0, blocks / spec.sms - 1);
  cost.delay(GpuDelay::pointwise_start) = splits > 1 ? 1 : 0;  // merges the splits
  cost.memory = cost.feed = Category::kv;
  const double streamed = streamed_bytes(shape, batch, per_key);
  cost.hbm = {kv + streamed,
              spec.hbm_charge(kv, spec.hbm_attention) + spec.hbm_charge(streamed, spec.hbm_read)};
  // A block keeps only so many bytes in flight: what few blocks draw is charged as the L2 share of all SMs.
  const double slots = std::max(blocks, spec.sms);
  cost.l2 = {0, kv / blocks * slots *
                    std::max(1.0, spec.l2_bandwidth.value / spec.sms / spec.attention_block.value)};

  // Rows of the matrix instruction: the query heads of one KV head, times new tokens.
  const double rows = shape.heads / kv_heads * batch.new_tokens / batch.sequences;
  const double padded = std::ceil(rows / kDecodeRows) * kDecodeRows;
  const double useful = 2 * batch.attended_keys * shape.heads * (qk + v);
  const double charged = 2 * batch.cached_keys * kv_heads * padded * (qk + v) / blocks * slots;
  cost.multiply(info(shape.activation).arithmetic,
                Spent{useful, std::max(useful, charged) / spec.attention_tensor});
  return cost;
}

KernelCost cache_cost(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch) {
  const double kept = batch.new_tokens * kv_bytes_per_key(shape);
  return pointwise_cost(spec, kept, kept, 0);
}

KernelCost prefill_attention_cost(const GpuSpec& spec, const AttentionShape& shape,
                                  const AttentionBatch& batch) {
  KernelCost cost;
  cost.delay(GpuDelay::attention_start) = 1;
  cost.memory = Category::kv;
  const double per_key = kv_bytes_per_key(shape);
  const double bytes = batch.cached_keys * per_key + streamed_bytes(shape, batch, per_key);
  cost.hbm = {bytes, spec.hbm_charge(bytes, spec.hbm_read)};

  // Rows of one sequence and head come in blocks of a tile; a block's keys are rounded up to whole tiles.
  const double row_blocks = std::ceil(batch.new_tokens / batch.sequences / kTile);
  const double rows = batch.sequences * row_blocks * kTile;
  const double mean_keys = batch.attended_keys / batch.new_tokens;
  const double scores = rows * std::max(kTile, mean_keys + kTile / 2) * shape.heads;
  // The longest block, that of the last rows, runs alone at the end at worst.
  const double blocks = batch.sequences * row_blocks * shape.heads;
  cost.delay(GpuDelay::attention_wave) = std::max(0.0, blocks / spec.sms - 1);
  const double longest = kTile * std::max(kTile, batch.cached_keys / batch.sequences);
  const double balanced =
      std::max(scores, longest * std::min(spec.sms, std::ceil(blocks / spec.sms) * spec.sms));

  const double width = shape.qk_dim + shape.v_dim;
  const double expansion =
      2 * batch.expanded_keys * shape.latent_dim * shape.heads * (width - shape.rope_dim);
  const double useful = 2 * batch.attended_keys * shape.heads * width + expansion;
  cost.multiply(info(shape.activation).arithmetic,
                Spent{useful, (2 * balanced * width + expansion) / spec.attention_tensor});
  if (tensor_index(cost.arithmetic) >= 0) {
    cost.vector = {batch.attended_keys * shape.heads * (1 + kPointwisePerScore),
                   balanced * (spec.exp_ops + kPointwisePerScore)};
  }
  return cost;
}

}  // namespace memwall
