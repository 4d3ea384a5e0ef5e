#include "memwall/processors/gpu/experts_kernel.h"

#include <algorithm>
#include <cmath>

#include "memwall/processors/gpu/gemm_kernel.h"
#include "memwall/processors/gpu/pointwise_kernel.h"

namespace memwall {
namespace {

constexpr double kBytes = 2;       // bf16 activations
constexpr double kRouteBytes = 8;  // logit and index of a token-expert pair
constexpr double kRouteOps = 8;    // softmax and comparisons per logit

}  // namespace

ExpertsLoad busiest_load(const Experts& shape, double tokens, const Routing& routing,
                         const ExpertsSplit& split) {
  const double imbalance = expected_imbalance(shape.num_experts, shape.experts_per_token, split.ep, routing);
  const double distinct =
      expected_distinct_experts(shape.num_experts, shape.experts_per_token, tokens, routing);
  const double held = static_cast<double>(shape.num_experts) / split.ep;
  ExpertsLoad load;
  load.pairs = tokens * static_cast<double>(shape.experts_per_token) / split.ep * imbalance;
  load.experts = std::min({distinct / split.ep * imbalance, held, std::max(load.pairs, 1e-9)});
  return load;
}

std::array<ExpertsKernel, kExpertsKernels> experts_costs(const GpuSpec& spec, const Experts& shape,
                                                         double tokens, const Routing& routing,
                                                         const ExpertsSplit& split) {
  const ExpertsLoad load = busiest_load(shape, tokens, routing, split);
  const double width = static_cast<double>(shape.width);
  const double inner = static_cast<double>(shape.intermediate) / split.tp;
  const double per_expert = load.pairs / load.experts;
  const double logits = tokens * static_cast<double>(shape.num_experts);
  const double pairs_all = tokens * static_cast<double>(shape.experts_per_token);

  GemmShape up;
  up.m = per_expert;
  up.n = inner * (shape.gated ? 2 : 1);
  up.k = width;
  up.groups = load.experts;
  up.weight = shape.weight;
  up.activation = shape.activation;
  // Unpacking limits weights below 8 bits more than the grouping does.
  up.hbm_share = info(shape.weight).bits < 8 ? 1 : spec.experts_hbm;
  up.tensor_share = spec.experts_tensor;
  GemmShape down = up;
  down.n = width;
  down.k = inner;

  // Narrow activations are quantised, once before each GEMM.
  const bool narrow = info(shape.activation).bits < info(Format::bf16).bits;
  const auto quantised = [&](KernelCost cost, double values) {
    if (narrow) {
      const KernelCost more = quantise_cost(spec, 1, values, shape.activation, Scaling::in_model);
      for (std::size_t i = 0; i < cost.delays.size(); ++i) {
        cost.delays[i] += more.delays[i];
      }
      cost.hbm += more.hbm;
      cost.l2 += more.l2;
      cost.vector += more.vector;
    }
    return cost;
  };

  const double act_read = load.pairs * inner * kBytes * (shape.gated ? 2 : 1);
  return {
      ExpertsKernel{"experts.top_k",
                    pointwise_cost(spec, logits * kBytes, pairs_all * kRouteBytes, logits * kRouteOps)},
      ExpertsKernel{"experts.sort",
                    quantised(pointwise_cost(spec, pairs_all * kRouteBytes + tokens * width * kBytes,
                                             pairs_all * kRouteBytes + load.pairs * width * kBytes, 0),
                              load.pairs * width)},
      ExpertsKernel{"experts.up", gemm_cost(spec, up)},
      ExpertsKernel{"experts.act", quantised(pointwise_cost(spec, act_read, load.pairs * inner * kBytes,
                                                            load.pairs * inner * kRouteOps),
                                             load.pairs * inner)},
      ExpertsKernel{"experts.down", gemm_cost(spec, down)},
      ExpertsKernel{"experts.combine", pointwise_cost(spec, load.pairs * width * kBytes,
                                                      tokens * width * kBytes, load.pairs * width * 2)},
  };
}

}  // namespace memwall
