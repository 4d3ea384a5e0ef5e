// systolic.h - processors built around systolic arrays: one big one as in Google's TPUs, or one that splits.
//
// The mechanism, its equations and what is not modelled are in README.md beside this file.
#pragma once

#include <memory>

#include "memwall/processors/processor.h"

namespace memwall {

std::unique_ptr<Processor> make_systolic();

}  // namespace memwall
