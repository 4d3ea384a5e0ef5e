// figures.h - what follows from a card of this family alone: peaks and balance of the chip, experiments on
// its core, and cost of a macro from its gates.
#pragma once

#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/figure.h"

namespace memwall {

// A chip: peaks per width, cores, bandwidth, the batch that hides reloads, products and reloads in cycles as
// the machine runs them, power at the balance point. A macro (card without `sram`): period, area, energies.
std::vector<Figure> dimc_figures(const System& system);

}  // namespace memwall
