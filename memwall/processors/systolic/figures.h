// figures.h - numbers that follow from a systolic chip's card: peaks, what splitting does to small GEMMs,
// and, for a card with a `study`, the utilisation table and the comparison of ways to share the array.
#pragma once

#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/figure.h"

namespace memwall {

// As many, with the same names, whatever value a fact of the card has.
std::vector<Figure> systolic_figures(const System& system);

}  // namespace memwall
