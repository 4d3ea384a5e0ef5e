#include "memwall/processors/gpu/experts_kernel.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace memwall {
namespace {

constexpr double kBytes = 2;       // bf16 activations
constexpr double kRouteBytes = 8;  // logit and index of a token-expert pair
constexpr double kRouteOps = 8;    // softmax and comparisons per logit
// Rows of an expert are padded to so many when scales come in blocks: a height of kGroupedHeights.
constexpr double kScaleRows = 128;
constexpr std::size_t kScaleHeight = 4;
static_assert(kGroupedHeights[kScaleHeight] == kScaleRows);
constexpr double kFewTokens = 64;  // up to here vLLM does not pad
// Rows that are converted on the way pass at this share of the rate of plain ones.
constexpr double kConvertShare = 0.5;
// Triton's kernels, without bulk copies: shares of a lone GEMM's rates, and of that of sorted rows.
constexpr double kGatheredHbm = 0.78, kGatheredTensor = 0.6, kGatheredRows = 0.6;

// Weights of one expert end before those of the next begin.
constexpr double kSortedHbm = 0.97;

// Kernels beside the two GEMMs.
struct HelperKernels {
  double choose, sort, activate;
};
// Softmax and choice; counts per expert and their sums, places of pairs, rows in order of experts;
// activation.
constexpr HelperKernels kSorted = {2, 4, 1};
// The choice; counts and padded places; activation.
constexpr HelperKernels kGathered = {1, 2, 1};
// Kernels generated for 4-bit blocks (gpt-oss): places come with the choice, the activation is part of the
// first GEMM.
constexpr HelperKernels kFused = {1, 2, 0};

// Integral of ceil(t / height) from 0 to x.
double integral_of_ceil(double x, double height) {
  const double whole = std::floor(x / height);
  return height * whole * (whole + 1) / 2 + (x - whole * height) * (whole + 1);
}

// Mean of ceil(c / height) when c spreads around `mean` as counts do (variance = mean): over the interval
// mean -+ sqrt(3 mean), which has that variance.
double mean_tiles(double mean, double height) {
  const double half = std::sqrt(3 * mean);
  const double low = std::max(0.0, mean - half), high = mean + half;
  return (integral_of_ceil(high, height) - integral_of_ceil(low, height)) / (high - low);
}

// Consecutive experts of the busiest chip, and what one unit of the histogram is in pairs.
ExpertsLoad dealt_load(double pairs, const Routing& routing, int ep) {
  const std::span<const double> all(routing.histogram);
  const std::size_t held = all.size() / static_cast<std::size_t>(ep);
  double sum = 0, most = -1;
  std::span<const double> busiest;
  for (std::size_t first = 0; first < all.size(); first += held) {
    const std::span<const double> group = all.subspan(first, held);
    double load = 0;
    for (const double each : group) {
      load += each;
    }
    sum += load;
    if (load > most) {
      most = load;
      busiest = group;
    }
  }
  ExpertsLoad load;
  load.pairs = pairs * most / sum;
  for (const double each : busiest) {
    const double rows = each * pairs / sum;
    load.experts += std::min(rows, 1.0);
    for (std::size_t i = 0; i < kGroupedHeights.size(); ++i) {
      load.row_tiles[i] += std::ceil(rows / kGroupedHeights[i]);
    }
  }
  return load;
}

// Kernels beside the GEMMs: their starts, and bytes that pass at `rate` if memory does not limit them.
KernelCost rows_cost(const GpuSpec& spec, double kernels, double bytes, double rate, double ops) {
  KernelCost cost;
  double accounted = 0;
  if (bytes <= spec.gemm.retained * spec.l2_capacity.value) {
    cost.l2 = {bytes, bytes};
    accounted = bytes / spec.l2_bandwidth.value;
  } else {
    cost.hbm = {bytes, spec.hbm_charge(bytes, spec.hbm_read)};
    accounted = bytes / (spec.hbm_bandwidth.value * spec.hbm_read);
  }
  cost.vector = {ops, ops};
  cost.delay(GpuDelay::stall) =
      (kernels * spec.gemm.experts_start.value + std::max(0.0, bytes / rate - accounted)) / kStall.value;
  return cost;
}

bool has_block_scales(Format format) { return format == Format::fp8_block || info(format).bits < 8; }

}  // namespace

ExpertsLoad busiest_load(const Experts& shape, double tokens, const Routing& routing,
                         const ExpertsSplit& split) {
  const double pairs = tokens * static_cast<double>(shape.experts_per_token);
  if (routing.kind == Routing::Kind::dealt) {
    return dealt_load(pairs, routing, split.ep);
  }
  const double imbalance = expected_imbalance(shape.num_experts, shape.experts_per_token, split.ep, routing);
  const double distinct =
      expected_distinct_experts(shape.num_experts, shape.experts_per_token, tokens, routing);
  const double held = static_cast<double>(shape.num_experts) / split.ep;
  ExpertsLoad load;
  load.pairs = pairs / split.ep * imbalance;
  load.experts = std::min({distinct / split.ep * imbalance, held, std::max(load.pairs, 1e-9)});
  for (std::size_t i = 0; i < kGroupedHeights.size(); ++i) {
    load.row_tiles[i] = load.experts * mean_tiles(load.pairs / load.experts, kGroupedHeights[i]);
  }
  return load;
}

std::array<ExpertsKernel, kExpertsKernels> experts_costs(const GpuSpec& spec, const Experts& shape,
                                                         double tokens, const Routing& routing,
                                                         const ExpertsSplit& split, const ExpertsRun& run) {
  const ExpertsLoad load = busiest_load(shape, tokens, routing, split);
  const double width = static_cast<double>(shape.width), experts = static_cast<double>(shape.num_experts);
  const double held = experts / split.ep;
  const double inner = static_cast<double>(shape.intermediate) / split.tp;
  const double gates = shape.gated ? 2 : 1;
  const double logits = tokens * experts;
  const double pairs_all = tokens * static_cast<double>(shape.experts_per_token);
  const bool is_gathered = run.rows == ExpertRows::gathered;
  const bool is_fused = shape.weight == Format::mxfp4;
  const HelperKernels kernels = is_fused ? kFused : is_gathered ? kGathered : kSorted;

  GroupedGemm up;
  up.rows = load.pairs;
  up.groups = load.experts;
  up.n = inner * gates;
  up.k = width;
  up.row_tiles = load.row_tiles;
  up.weight = shape.weight;
  up.activation = shape.activation;
  up.wide_scales = is_gathered;
  up.hbm_share = is_gathered ? kGatheredHbm : kSortedHbm;
  up.tensor_share = is_gathered ? kGatheredTensor : spec.gemm.experts_tensor;
  if (run.repeated) {
    up.resident = load.experts * bytes_of((gates + 1) * inner * width, shape.weight).value;
  }
  GroupedGemm down = up;
  down.n = width;
  down.k = inner;

  // Rows that the element-wise kernels pass.
  double rows = load.pairs;
  if (is_gathered) {
    const bool pads = has_block_scales(shape.activation) && tokens > kFewTokens;
    rows = pairs_all + (pads ? load.row_tiles[kScaleHeight] * kScaleRows : 0);
  }
  const double narrow_bytes = info(shape.activation).bits / 8;
  const double plain = spec.gemm.experts_rows.value * (is_gathered ? kGatheredRows : 1);
  const double converted = narrow_bytes < kBytes ? kConvertShare * plain : plain;
  const double sorted_rows = is_gathered ? tokens : load.pairs;

  const auto stalled = [](KernelCost cost, double seconds) {
    cost.delay(GpuDelay::stall) += seconds / kStall.value;
    return cost;
  };
  const double sorting = is_fused ? 0 : (experts + held) * spec.gemm.per_expert.value;
  const double grouping = is_fused || is_gathered || !has_block_scales(shape.activation)
                              ? 0
                              : held * spec.gemm.per_scaled_group.value / 2;
  return {
      ExpertsKernel{"experts.top_k",
                    rows_cost(spec, kernels.choose, logits * kBytes + pairs_all * kRouteBytes, plain,
                              logits * kRouteOps)},
      ExpertsKernel{"experts.sort", stalled(rows_cost(spec, kernels.sort,
                                                      2 * pairs_all * kRouteBytes + tokens * width * kBytes +
                                                          sorted_rows * width * narrow_bytes,
                                                      converted, 0),
                                            sorting)},
      ExpertsKernel{"experts.up", stalled(grouped_gemm_cost(spec, up), grouping)},
      ExpertsKernel{"experts.act",
                    rows_cost(spec, kernels.activate, rows * inner * (gates * kBytes + narrow_bytes),
                              converted, rows * inner * kRouteOps)},
      ExpertsKernel{"experts.down", stalled(grouped_gemm_cost(spec, down), grouping)},
      ExpertsKernel{"experts.combine",
                    rows_cost(spec, 1, (rows + tokens) * width * kBytes, plain, load.pairs * width * 2)},
  };
}

}  // namespace memwall
