// neuron_hardener.h - weight files as banks of hardwired neurons of one chip's silicon.
#pragma once

#include <memory>

#include "memwall/hardware/system.h"
#include "memwall/processors/harden.h"

namespace memwall {

// REQUIRES: has_neurons(system.chip()). Throws ConfigError for a fact that is missing or out of range.
std::unique_ptr<Hardener> make_neuron_hardener(const System& system);

}  // namespace memwall
