// gpu_plans.h - which degrees of parallelism divide a model over GPUs, and which are worth trying.
#pragma once

#include <vector>

#include "memwall/model/model.h"
#include "memwall/processors/gpu/gpu_spec.h"
#include "memwall/processors/placement.h"

namespace memwall {

// Chips among which every routed expert's intermediate width is divided.
inline int expert_tp(const Plan& plan) { return plan.tp * plan.dp / plan.ep; }

// Throws ConfigError naming what does not divide.
void check_plan(const Model& model, const Plan& plan, int system_chips);

// Ways to use the chips of a system, most promising for latency first: wide tensor parallelism inside a
// domain before data parallelism before pipelines; experts spread over all chips before divided ones.
std::vector<Plan> gpu_candidate_plans(const GpuSpec& spec, const Model& model, int system_chips);

// Fewest chips whose memory holds the need, over tensor and pipeline parallelism; 0 when none of up to 4096
// chips does.
int smallest_chips(const GpuSpec& spec, const Model& model, const Need& need);

}  // namespace memwall
