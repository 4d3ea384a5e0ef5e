// placement.h - how many chips hold a model: weights and KV cache live in SRAM, and there is nothing else.
#pragma once

#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/lpu/card.h"
#include "memwall/processors/placement.h"

namespace memwall {

// Divisions of the system worth trying: tp over chips of a stage, pp stages, dp copies.
std::vector<Plan> lpu_plans(const Model& model, const System& system, const LpuCard& card);

// Throws ConfigError for a plan that does not divide: more chips than there are, more stages than layers,
// experts over groups (they are divided over tp), a mode.
Placement place_on_lpus(const Model& model, const System& system, const LpuCard& card, const Plan& plan,
                        const Need& need);

}  // namespace memwall
