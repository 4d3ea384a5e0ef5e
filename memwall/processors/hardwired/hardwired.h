// hardwired.h - processors whose weights are wires or mask ROM: nothing is fetched, one model runs.
//
// The mechanism, its equations and what is not modelled are in README.md beside this file.
#pragma once

#include <memory>

#include "memwall/processors/processor.h"

namespace memwall {

std::unique_ptr<Processor> make_hardwired();

}  // namespace memwall
