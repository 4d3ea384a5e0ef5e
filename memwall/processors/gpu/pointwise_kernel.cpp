#include "memwall/processors/gpu/pointwise_kernel.h"

#include <algorithm>

namespace memwall {
namespace {

constexpr double kBytes = 2;       // bf16 activations
constexpr double kLogitBytes = 4;  // fp32

// fp32 operations per value, counted from the formulas.
constexpr double kNormOps = 4;        // square, sum, scale, weight
constexpr double kActivationOps = 8;  // exponential (a few), divide, product
constexpr double kRopeOps = 3;        // two products and a sum
constexpr double kSoftmaxOps = 8;
// A softmax by itself, as PyTorch has it: three passes over a row (maximum, sum, result) of some eight
// instructions a value (load, convert, compare or subtract, scale, convert, address, store), each in the
// place of two operations, and an exponential in two of them.
constexpr double kSoftmaxPassOps = 3 * 8 * 2, kSoftmaxExponentials = 2;
// Values of a row that a block keeps between the passes of a layer normalisation: mean, variance, result.
constexpr double kKeptRow = 8192, kNormPasses = 3;
// Kernels of the sampler: temperature, sort, softmax, running sum and cut, draw.
constexpr double kSamplerKernels = 5;

}  // namespace

KernelCost pointwise_cost(const GpuSpec& spec, double read, double written, double ops) {
  KernelCost cost;
  cost.delay(GpuDelay::pointwise_start) = 1;
  const double bytes = read + written;
  const bool in_l2 = bytes <= spec.l2_capacity.value / 2;
  if (in_l2) {
    cost.l2 = Spent{bytes, bytes};
  } else {
    cost.hbm = Spent{bytes, spec.hbm_charge(bytes, spec.hbm_read)};
  }
  cost.vector = {ops, ops};
  return cost;
}

KernelCost embedding_cost(const GpuSpec& spec, const Embedding& shape, double tokens) {
  const double width = static_cast<double>(shape.width);
  const double tables = shape.positions > 0 ? 2 : 1;
  KernelCost cost = pointwise_cost(spec, 0, tokens * width * kBytes, 0);
  const double row = bytes_of(width * tables, shape.weight).value;
  cost.hbm += Spent{tokens * row, spec.hbm_charge(tokens * row, spec.hbm_read)};
  cost.memory = Category::weights;
  return cost;
}

KernelCost norm_cost(const GpuSpec& spec, const Norm& shape, double tokens, int adds, int tp) {
  // Norms of heads are divided like the heads; the one over the hidden state is done by every chip.
  const double shares = shape.groups > 1 ? tp : 1;
  const double values = tokens * static_cast<double>(shape.width * shape.groups) / shares;
  return pointwise_cost(spec, values * kBytes * (1 + adds), values * kBytes * (1 + adds),
                        values * (kNormOps + adds));
}

KernelCost rope_cost(const GpuSpec& spec, const Rope& shape, double tokens, int tp) {
  const double values = tokens * static_cast<double>(shape.heads * shape.dim) / tp;
  return pointwise_cost(spec, values * kBytes, values * kBytes, values * kRopeOps);
}

KernelCost activation_cost(const GpuSpec& spec, const Activation& shape, double tokens, int tp) {
  const double values = tokens * static_cast<double>(shape.width) / tp;
  return pointwise_cost(spec, values * kBytes * (shape.gated ? 2 : 1), values * kBytes,
                        values * kActivationOps);
}

KernelCost pointwise_op_cost(const GpuSpec& spec, const PointwiseOp& op) {
  const double width = static_cast<double>(op.width);
  const double values = static_cast<double>(op.rows) * width;
  const double bytes = values * kBytes;
  switch (op.kind) {
    case PointwiseOp::Kind::softmax: {
      KernelCost cost = pointwise_cost(spec, bytes, bytes, values * kSoftmaxOps);
      cost.vector.charged = values * (kSoftmaxPassOps + kSoftmaxExponentials * spec.exp_ops);
      return cost;
    }
    case PointwiseOp::Kind::layer_norm: {
      KernelCost cost = pointwise_cost(spec, bytes, bytes, values * kNormOps);
      const double again = width > kKeptRow ? (kNormPasses - 1) * bytes : 0;
      (cost.hbm.charged > 0 ? cost.hbm : cost.l2).charged += spec.hbm_charge(again, spec.hbm_read);
      return cost;
    }
    case PointwiseOp::Kind::gelu:
      break;
  }
  return pointwise_cost(spec, bytes, bytes, values * kActivationOps);
}

KernelCost residual_cost(const GpuSpec& spec, const ResidualAdd& shape, double tokens) {
  const double values = tokens * static_cast<double>(shape.width);
  return pointwise_cost(spec, 2 * values * kBytes, values * kBytes, values);
}

KernelCost sampler_cost(const GpuSpec& spec, const Sampler& shape, double sequences, Sampling sampling) {
  const double logits = sequences * static_cast<double>(shape.vocab);
  KernelCost cost;
  cost.delay(GpuDelay::pointwise_start) = kSamplerKernels;
  const double read = logits * kLogitBytes;
  // A radix sort moves every pair of logit and index several times, partly at random; its rate is known, not
  // its bytes.
  const double sorted = sampling != Sampling::sorted
                            ? 0
                            : logits / spec.sort_rate.value * spec.hbm_bandwidth.value * spec.hbm_best;
  cost.hbm = {read, std::max(read, sorted)};
  cost.vector = {logits * kSoftmaxOps, logits * kSoftmaxOps};
  return cost;
}

}  // namespace memwall
