// cost_figures.h - what a system's cost comes to as figures that validation/figures/ holds against published
// ones: "cost.die", "cost.first_system.low", "cost.masks.llama_3_8b.high". `memwall explain cost` prints the
// same numbers as tables.
#pragma once

#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/figure.h"

namespace memwall {

// Empty for a system whose card has no `cost`. Throws ConfigError for a missing fact.
std::vector<Figure> cost_figures(const System& system);

}  // namespace memwall
