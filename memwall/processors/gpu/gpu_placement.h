// gpu_placement.h - dividing a model over GPUs, and the bytes that the fullest one holds.
//
// Tensor parallelism divides heads and the n or k of a Linear over tp chips; KV heads fewer than tp are
// replicated, and so is a latent (MLA) cache. Data parallelism repeats attention and dense layers and divides
// the sequences. The routed experts of a stage are spread over all its tp * dp chips: ep groups hold distinct
// experts, and the tp * dp / ep chips of a group divide each expert's intermediate width. A pipeline of pp
// equal stages holds pp batches at once, so a stage's KV is that of all of them for its layers.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/model/model.h"
#include "memwall/processors/gpu/gpu_plans.h"
#include "memwall/processors/gpu/gpu_spec.h"
#include "memwall/processors/placement.h"

namespace memwall {

// A run of a layer group that one stage executes.
struct StagePart {
  std::size_t group = 0;  // into Model::groups
  std::int64_t repeat = 0;
};
// The parts of every stage, first to last. REQUIRES: pp divides the sum of repeats.
std::vector<std::vector<StagePart>> stage_parts(const Model& model, int pp);

// "" when the chip has the arithmetic for every operator, else the reason.
std::string model_refusal(const GpuSpec& spec, const Model& model);

// HBM of the fullest chip. REQUIRES: pp divides layer_runs().
MemoryUse memory_use(const GpuSpec& spec, const Model& model, const Plan& plan, const Need& need);
// Throws ConfigError as check_plan() does.
Placement place_on_gpus(const GpuSpec& spec, const Model& model, const Plan& plan, const Need& need,
                        int system_chips);
}  // namespace memwall
