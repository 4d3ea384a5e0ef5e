// experts_kernel.h - one routed-expert layer on the busiest chip: routing, two grouped GEMMs, combination.
//
// The router's logits are a Linear of the model. Then: top-k and softmax, sorting tokens by expert, the gate
// and up GEMM of all experts in one launch, the activation, the down GEMM, and the weighted sum. Each expert
// that a batch touches has its weights read once and its tokens padded to whole tiles; with few tokens per
// expert the padding is most of the work, which is why sparse models gain less from batching than their
// active parameters promise.
#pragma once

#include <vector>

#include "memwall/model/model.h"
#include "memwall/model/step.h"
#include "memwall/processors/gpu/kernel_cost.h"

namespace memwall {

// How a layer's experts are divided: `ep` groups of chips hold distinct experts; inside a group of `tp` chips
// every expert's intermediate width is divided.
struct ExpertsSplit {
  int ep = 1, tp = 1;
};

// The load of the busiest chip, in expectation.
struct ExpertsLoad {
  double experts = 0;  // distinct ones that this step touches
  double pairs = 0;    // token-expert pairs
};
ExpertsLoad busiest_load(const Experts& shape, double tokens, const Routing& routing,
                         const ExpertsSplit& split);

inline constexpr int kExpertsKernels = 6;
struct ExpertsKernel {
  const char* label;  // "experts.up"
  KernelCost cost;
};
// In order of execution. `tokens` of the whole group of chips that share the experts.
std::array<ExpertsKernel, kExpertsKernels> experts_costs(const GpuSpec& spec, const Experts& shape,
                                                         double tokens, const Routing& routing,
                                                         const ExpertsSplit& split);

}  // namespace memwall
