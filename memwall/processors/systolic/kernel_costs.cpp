#include "memwall/processors/systolic/kernel_costs.h"

#include <algorithm>
#include <cmath>

namespace memwall {
namespace {

constexpr double kBytes = 2;       // bf16 activations
constexpr double kLogitBytes = 4;  // fp32
// Vector operations per value, counted from the formulas.
constexpr double kNormOps = 4;        // square, sum, scale, weight
constexpr double kRopeOps = 3;        // two products and a sum
constexpr double kActivationOps = 8;  // exponential (a few), divide, product
constexpr double kSoftmaxOps = 6;     // maximum, difference, exponential (a few), sum
constexpr double kSampleOps = 3;      // scale, compare, select

double real(std::int64_t value) { return static_cast<double>(value); }
std::int64_t whole(double value) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(value)));
}

SystolicCost vector_cost(double values, double ops, double bytes) {
  SystolicCost cost;
  cost.starts = 1;
  cost.vector_ops = values * ops;
  cost.sram = bytes;
  return cost;
}

// Adds a GEMM's cycles; macs are the caller's, since edges of a mean shape are not whole.
void add_gemm(const SystolicCard& card, const ChipShare& share, const ProductShape& gemm,
              SystolicCost& cost) {
  cost.cycles += best_split(card, gemm, share.slabs).cost.cycles;
}

void add_weights(const ChipShare& share, double bytes, SystolicCost& cost) {
  cost.sram += bytes;
  cost.sram_kind = Category::weights;
  if (!share.weights_in_sram) {
    cost.hbm_weights += bytes;
  }
}

double kv_heads_per_chip(const Attention& shape, int tp) {
  return shape.is_latent() ? 1 : std::max(1.0, real(shape.kv_heads) / tp);
}

}  // namespace

SystolicCost linear_cost(const SystolicCard& card, const ChipShare& share, const Linear& shape,
                         TensorSplit split, double rows) {
  const double n = real(shape.n) / (split == TensorSplit::columns ? share.tp : 1);
  const double k = real(shape.k) / (split == TensorSplit::rows ? share.tp : 1);
  SystolicCost cost;
  cost.starts = 1;
  cost.arithmetic = info(shape.activation).arithmetic;
  cost.macs = rows * n * k;
  add_gemm(card, share, {whole(rows), whole(n), whole(k)}, cost);
  cost.sram = bytes_of(rows * k, shape.activation).value + rows * n * kBytes;
  add_weights(share, bytes_of(n * k, shape.weight).value, cost);
  return cost;
}

SystolicCost attention_cost(const SystolicCard& card, const ChipShare& share, const Attention& shape,
                            const Slice& slice) {
  const double fresh = real(slice.count * slice.new_tokens);
  const double pairs = attended_keys(slice, shape.window);
  const double heads = real(shape.heads) / share.tp, kv_heads = kv_heads_per_chip(shape, share.tp);
  const std::int64_t keys = whole(pairs / fresh);
  double qk = real(shape.qk_dim), v = real(shape.v_dim), expansion = 0, groups = kv_heads;
  if (shape.is_latent()) {
    // In latent space all heads share one key; otherwise the latents of the past are expanded first.
    const double per_past = real(shape.latent) * heads * (qk - real(shape.rope_dim) + v);
    const double latent_qk = real(shape.latent + shape.rope_dim), latent_v = real(shape.latent);
    expansion = real(slice.count * slice.past_tokens) * per_past;
    if (pairs * heads * (latent_qk + latent_v) < pairs * heads * (qk + v) + expansion) {
      qk = latent_qk;
      v = latent_v;
      expansion = 0;
      groups = 1;
    } else {
      groups = heads;
    }
  }
  SystolicCost cost;
  cost.starts = 1;
  cost.arithmetic = info(shape.activation).arithmetic;
  cost.macs = pairs * heads * (qk + v) + expansion;
  const std::int64_t batch = slice.count * whole(groups);
  const std::int64_t rows = whole(heads / groups * real(slice.new_tokens));
  add_gemm(card, share, {rows, keys, whole(qk), batch}, cost);
  add_gemm(card, share, {rows, whole(v), keys, batch}, cost);
  if (expansion > 0) {
    const double widths = heads * (qk - real(shape.rope_dim) + v);
    add_gemm(card, share, {whole(real(slice.count * slice.past_tokens)), whole(widths), shape.latent}, cost);
  }
  cost.vector_ops = kSoftmaxOps * pairs * heads;

  const double context = real(slice.past_tokens + slice.new_tokens);
  const double seen =
      shape.window > 0 ? std::min(context, real(shape.window) + real(slice.new_tokens) - 1) : context;
  const double per_token = bytes_of(real(shape.kv_values_per_token()), shape.kv).value *
                           (shape.is_latent() ? 1 : kv_heads / real(shape.kv_heads));
  cost.hbm_kv = (real(slice.count) * seen + fresh) * per_token;
  cost.sram = cost.hbm_kv + fresh * heads * (qk + v) * kBytes;
  cost.sram_kind = Category::kv;
  return cost;
}

SystolicCost experts_cost(const SystolicCard& card, const ChipShare& share, const Experts& shape,
                          double tokens, const Routing& routing) {
  const double distinct =
      expected_distinct_experts(shape.num_experts, shape.experts_per_token, tokens, routing);
  const double imbalance =
      share.ep > 1 ? expected_imbalance(shape.num_experts, shape.experts_per_token, share.ep, routing) : 1;
  const double pairs = tokens * real(shape.experts_per_token) / share.ep * imbalance;
  const double experts = distinct / share.ep;
  const double hidden = real(shape.intermediate) * share.ep / share.tp, width = real(shape.width);
  const double up = hidden * (shape.gated ? 2 : 1);
  SystolicCost cost;
  cost.starts = 2;
  cost.arithmetic = info(shape.activation).arithmetic;
  cost.macs = pairs * width * (up + hidden);
  const std::int64_t batch = whole(experts);
  const std::int64_t rows = whole(pairs / real(batch));
  add_gemm(card, share, {rows, whole(up), whole(width), batch}, cost);
  add_gemm(card, share, {rows, whole(width), whole(hidden), batch}, cost);
  cost.vector_ops = pairs * hidden * kActivationOps;
  cost.sram = pairs * (2 * width + 2 * up) * kBytes;
  add_weights(share, bytes_of(experts * width * (up + hidden), shape.weight).value, cost);
  return cost;
}

SystolicCost norm_cost(const Norm& shape, const ChipShare& share, double tokens) {
  // Norms of heads are divided like the heads; the one over the hidden state is done by every chip.
  const double shares = shape.groups > 1 ? share.tp : 1;
  const double values = tokens * real(shape.width * shape.groups) / shares;
  return vector_cost(values, kNormOps, 2 * values * kBytes);
}

SystolicCost embedding_cost(const Embedding& shape, const ChipShare& share, double tokens) {
  const double values = tokens * real(shape.width) * (shape.positions > 0 ? 2 : 1);
  SystolicCost cost = vector_cost(0, 0, values * kBytes);
  add_weights(share, bytes_of(values, shape.weight).value / share.tp, cost);
  return cost;
}

SystolicCost rope_cost(const Rope& shape, const ChipShare& share, double tokens) {
  const double values = tokens * real(shape.heads * shape.dim) / share.tp;
  return vector_cost(values, kRopeOps, 2 * values * kBytes);
}

SystolicCost activation_cost(const Activation& shape, const ChipShare& share, double tokens) {
  const double values = tokens * real(shape.width) / share.tp;
  return vector_cost(values, kActivationOps, (shape.gated ? 3 : 2) * values * kBytes);
}

SystolicCost residual_cost(const ResidualAdd& shape, double tokens) {
  // Runs in the operator after it: no start of its own.
  const double values = tokens * real(shape.width);
  SystolicCost cost = vector_cost(values, 1, 3 * values * kBytes);
  cost.starts = 0;
  return cost;
}

SystolicCost sampler_cost(const Sampler& shape, double sequences) {
  const double logits = sequences * real(shape.vocab);
  return vector_cost(logits, kSampleOps, logits * kLogitBytes);
}

SystolicCost pointwise_cost(const PointwiseOp& op) {
  const double values = real(op.rows) * real(op.width);
  const double ops = op.kind == PointwiseOp::Kind::softmax      ? kSoftmaxOps
                     : op.kind == PointwiseOp::Kind::layer_norm ? kNormOps
                                                                : kActivationOps;
  return vector_cost(values, ops, 2 * values * kBytes);
}

SystolicCost all_gather_cost(double bytes, int chips) {
  SystolicCost cost;
  cost.hops = std::ceil(chips / 2.0);
  cost.link = bytes * (chips - 1) / chips;
  return cost;
}

SystolicCost all_reduce_cost(double bytes, int chips) {
  // A reduce-scatter and an all-gather, each as long as the other.
  SystolicCost cost = all_gather_cost(bytes, chips);
  cost.hops *= 2;
  cost.link *= 2;
  return cost;
}

SystolicCost send_cost(double bytes) {
  SystolicCost cost;
  cost.hops = 1;
  cost.link = bytes;
  return cost;
}

}  // namespace memwall
