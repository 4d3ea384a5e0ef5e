#include "memwall/processors/lpu/geometry.h"

namespace memwall {

int LpuGeometry::rotation_steps() const {
  int steps = 0;
  for (long long reach = 1; reach < lanes(); reach *= rotation_radix()) {
    ++steps;
  }
  return steps;
}

}  // namespace memwall
