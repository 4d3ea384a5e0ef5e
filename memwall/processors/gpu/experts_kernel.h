// experts_kernel.h - one routed-expert layer on the busiest chip: routing, two grouped GEMMs, combination.
//
// The router's logits are a Linear of the model. Then: top-k and softmax, sorting tokens by expert, the gate
// and up GEMM of all experts in one launch, the activation, the down GEMM, and the weighted sum. Each expert
// that a batch touches has its weights read once and its tokens padded to whole tiles; with few tokens per
// expert the padding is most of the work, which is why sparse models gain less from batching than their
// active parameters promise.
#pragma once

#include <array>

#include "memwall/model/model.h"
#include "memwall/model/step.h"
#include "memwall/processors/gpu/gemm_kernel.h"
#include "memwall/processors/gpu/kernel_cost.h"
#include "memwall/processors/kernel_op.h"

namespace memwall {

// How a layer's experts are divided: `ep` groups of chips hold distinct experts; inside a group of `tp` chips
// every expert's intermediate width is divided.
struct ExpertsSplit {
  int ep = 1, tp = 1;
};

// The load of the busiest chip: exact for dealt routings, else in expectation.
struct ExpertsLoad {
  double experts = 0;  // distinct ones that this step touches
  double pairs = 0;    // token-expert pairs
  // Sum over these experts of ceil(pairs of the expert / height), for heights of kGroupedHeights.
  std::array<double, kGroupedHeights.size()> row_tiles{};
};
ExpertsLoad busiest_load(const Experts& shape, double tokens, const Routing& routing,
                         const ExpertsSplit& split);

inline constexpr int kExpertsKernels = 6;
struct ExpertsKernel {
  const char* label;  // "experts.up"
  KernelCost cost;
};
struct ExpertsRun {
  ExpertRows rows = ExpertRows::sorted;
  bool repeated = false;  // a benchmark: weights that fit into L2 are there from the run before
};
// In order of execution. `tokens` of the whole group of chips that share the experts.
std::array<ExpertsKernel, kExpertsKernels> experts_costs(const GpuSpec& spec, const Experts& shape,
                                                         double tokens, const Routing& routing,
                                                         const ExpertsSplit& split,
                                                         const ExpertsRun& run = {});

}  // namespace memwall
