// kernel_variant.h - one of several ways in which a chip can run one kernel, as `memwall op --split` lists
// them.
#pragma once

#include <string>

#include "memwall/core/units.h"

namespace memwall {

struct KernelVariant {
  std::string name;        // "16 x 1 parts, weight stationary"
  Seconds time;            // of the arithmetic alone, fed as its ports allow
  double utilization = 0;  // useful arithmetic over what the cells could do in that time, in (0, 1]
  std::string limit;       // what sets the pace: "load", "weight port"
};

}  // namespace memwall
