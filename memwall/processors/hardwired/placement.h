// placement.h - where a wired chip keeps the cache, and why another model does not run on it.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/hardwired/card.h"
#include "memwall/processors/hardwired/wiring.h"
#include "memwall/processors/placement.h"

namespace memwall {

// Cache of one sequence of `context` tokens on one chip of a copy, by the card's format and windows.
Bytes kv_bytes_per_chip(const WiredNetwork& network, const HardwiredCard& card, double context);

// The plans that the wires allow: tp over the chips of one copy, dp over copies.
std::vector<Plan> hardwired_plans(const System& system, const HardwiredCard& card);

// The cache fills the on-chip buffer first and spills to HBM where there is one. Throws ConfigError for a
// plan that is not one copy per card.chips chips.
Placement place_hardwired(const Model& model, const Model& wired, const System& system,
                          const HardwiredCard& card, const Plan& plan, const Need& need);

}  // namespace memwall
