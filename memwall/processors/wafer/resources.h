// resources.h - the resources of a wafer program, by their place in its list.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/wafer/card.h"
#include "memwall/processors/wafer/operator_cost.h"
#include "memwall/program/program.h"

namespace memwall {

// Delays of what one batch waits for: cycles of the clock under three names, and the way between wafers.
inline constexpr std::int32_t kComputeCycles = 0, kFabricCycles = 1, kIssueCycles = 2;
inline constexpr std::int32_t kEdgeLatency = 3, kEdgeWire = 4;
// Shared: all cores of the wafers of one copy, their arithmetic and their SRAM.
inline constexpr std::int32_t kCores = 5, kSram = 6;

std::vector<Resource> wafer_resources(const WaferCard& card, int wafers);
// What flows beside a program's arithmetic and memory accesses: power is measured of the whole wafer, and the
// table of the process says what those take of it. At least what the wafer takes when it idles.
Watts static_power_of(Watts measured, Watts idle, const Program& program, Seconds time);
// Demands of the three kinds of cycles, as far as there are any.
void add_cycles(const RegionCost& cost, Task& task);

}  // namespace memwall
