// resources.h - what the tasks of an lpu program demand.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/lpu/card.h"
#include "memwall/processors/lpu/sections.h"
#include "memwall/program/program.h"

namespace memwall {

struct LpuResources {
  std::vector<Resource> list;
  // Delays: cycles in which a section neither streams weights nor multiplies (transits, functional delays,
  // VXM chains), hops between chips, what an exchange costs beyond them, and the host.
  std::int32_t cycles, hop, exchange, host;
  std::int32_t sram, streams;             // bytes
  std::int32_t byte_arrays, half_arrays;  // operations
  std::int32_t links;                     // bytes, of one link
};
LpuResources lpu_resources(const LpuCard& card);

LinkTiming link_timing(const LpuCard& card);

}  // namespace memwall
