// figures.h - what follows from a hardwired chip's card: its identities, and the claims of its maker beside
// what the same numbers say when like is compared with like. README.md explains each group.
#pragma once

#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/figure.h"

namespace memwall {

// Only what the card has the facts for. Throws ConfigError as the card's readers do.
std::vector<Figure> hardwired_figures(const System& system);

}  // namespace memwall
