// dimc.h - digital in-memory compute: storage and arithmetic in one place.
//
// README.md of this folder has the mechanism, the equations and the sources.
#pragma once

#include <memory>

#include "memwall/processors/processor.h"

namespace memwall {

std::unique_ptr<Processor> make_dimc();

}  // namespace memwall
