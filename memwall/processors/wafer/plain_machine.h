// plain_machine.h - the mesh machine as its rules read: every router and core, every cycle. The twin of
// machine.h.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/wafer/machine.h"

namespace memwall {

struct PlainResult {
  MeshResult counts;
  std::vector<std::uint16_t> memory;  // of all cores, row-major
};

// REQUIRES: the program passes verify. Stops when nothing has moved for as long as the longest instruction
// takes.
PlainResult run_plainly(const MeshProgram& program, const MeshMachineTiming& timing);

}  // namespace memwall
