// lpu.h - processors whose compiler decides every cycle, with weights and cache in the SRAM of many chips.
//
// README.md of this folder: the mechanism, the equations, what is estimated.
#pragma once

#include <memory>

#include "memwall/processors/processor.h"

namespace memwall {

std::unique_ptr<Processor> make_lpu();

}  // namespace memwall
