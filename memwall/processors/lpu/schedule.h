// schedule.h - what a compiler hands to the chips: instructions with their cycles, and the memory they start
// from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memwall/processors/lpu/geometry.h"
#include "memwall/processors/lpu/instruction.h"

namespace memwall {

// One vector of bytes in a memory slice.
struct VectorAddress {
  std::int32_t chip = 0;
  Hemisphere side = Hemisphere::east;
  std::int16_t slice = 1;  // distance from the VXM
  std::int16_t bank = 0;
  std::int32_t row = 0;
  bool operator==(const VectorAddress&) const = default;
};

struct MemoryImage {
  VectorAddress address;
  std::vector<std::uint8_t> bytes;  // one per lane
};

// A link of a chip: number l is unit l / 2 of the west side when l is even, of the east side when odd.
struct LinkEnd {
  std::int32_t chip = -1, link = -1;  // -1: nothing on the other side
};
inline constexpr int kLinksPerChip = 16;

struct LpuSchedule {
  LpuGeometry geometry;
  std::int32_t chips = 1;
  std::int32_t wire_cycles = 1, flight_cycles = 1;  // of a vector on a link, deskew included
  std::vector<LinkEnd> links;                       // [chip][kLinksPerChip], empty for one chip
  std::vector<LpuInstruction> instructions;         // any order
  std::vector<std::vector<std::int16_t>> tables;    // permutations: [lane] -> source lane
  std::vector<std::string> labels;
  std::vector<MemoryImage> image;
};

// A bug of the compiler or of an editing hand that a run of the chips shows. Never a stall: the cycle is lost
// or the value is wrong, so the run ends.
struct LpuScheduleError {
  std::int64_t cycle = 0;
  std::int32_t chip = 0;
  std::string slice, instruction, what;
};
std::string to_text(
    const LpuScheduleError& error);  // "cycle 812, chip 0, MXM_E0 pass, 'pass E30:int8': nothing on E30"

// By cycle, then chip, queue and bank; else in the order given.
void sort_instructions(LpuSchedule& schedule);
// The first instruction that no chip of this geometry could dispatch: fields out of range, a queue that
// dispatches twice in a cycle, two accesses to a bank. REQUIRES: sorted.
std::optional<LpuScheduleError> check_instructions(const LpuSchedule& schedule);

}  // namespace memwall
