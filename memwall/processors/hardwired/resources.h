// resources.h - the resources of a hardwired program, and where each stands in its list.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/hardwired/card.h"
#include "memwall/program/program.h"

namespace memwall {

// Delays hold what the one token that is followed waits for. Their amounts are messages whatever they count,
// because bytes and operations are counted at the shared units, for all tokens. -1: the card has none.
struct HardwiredResources {
  std::vector<Resource> list;
  std::int32_t cycles = -1;         // delay, of the clock
  std::int32_t arrays = -1;         // unit, operations of the wired arrays
  std::int32_t vector = -1;         // unit, operations of attention
  std::int32_t buffer = -1;         // unit, bytes of cache
  std::int32_t spill_wait = -1;     // delay, bytes of cache from HBM
  std::int32_t hbm = -1;            // unit, bytes of spilled cache
  std::int32_t link_latency = -1;   // delay, exchanges
  std::int32_t link_protocol = -1;  // delay, exchanges: the fitted cost of each
  std::int32_t link_wire = -1;      // delay, bytes through one link
  std::int32_t column_links = -1;   // unit, bytes over the links of one chip to its column
  std::int32_t row_links = -1;

  Resource& operator[](std::int32_t index) { return list[static_cast<std::size_t>(index)]; }
};

// `array_width`: outputs of all arrays of one chip. `vector_macs`: multiply-accumulates that the vector unit
// does per cycle.
HardwiredResources hardwired_resources(const HardwiredCard& card, double array_width, double vector_macs);

}  // namespace memwall
