// figures.h - identities of a wafer's card, and experiments on it that others ran on hardware.
#pragma once

#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/figure.h"

namespace memwall {

// Times of experiments hang on the clock; the same experiment stands in cycles beside it.
std::vector<Figure> wafer_figures(const System& system);

}  // namespace memwall
