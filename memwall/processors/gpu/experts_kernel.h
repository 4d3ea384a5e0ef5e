// experts_kernel.h - one routed-expert layer on the busiest chip: routing, two grouped GEMMs, combination.
//
// The router's logits are a Linear of the model. Then: top-k and softmax, sorting tokens by expert, the gate
// and up GEMM of all experts in one launch, the activation, the down GEMM, and the weighted sum. Each expert
// that a batch touches has its weights read once and its tokens padded to whole tiles; with few tokens per
// expert the padding is most of the work, which is why sparse models gain less from batching than their
// active parameters promise.
#pragma once

#include <array>

#include "memwall/processors/gpu/experts_load.h"
#include "memwall/processors/gpu/kernel_cost.h"
#include "memwall/processors/kernel_op.h"

namespace memwall {

inline constexpr int kExpertsKernels = 6;
struct ExpertsKernel {
  const char* label;  // "experts.up"
  KernelCost cost;
};
struct ExpertsRun {
  ExpertRows rows = ExpertRows::sorted;
  bool is_repeated = false;  // a benchmark: weights that fit into L2 are there from the run before
  bool is_tuned = true;      // see kernel_op.h
};
// In order of execution. `tokens` of the whole group of chips that share the experts.
std::array<ExpertsKernel, kExpertsKernels> experts_costs(const GpuSpec& spec, const Experts& shape,
                                                         double tokens, const Routing& routing,
                                                         const ExpertsSplit& split,
                                                         const ExpertsRun& run = {});

}  // namespace memwall
