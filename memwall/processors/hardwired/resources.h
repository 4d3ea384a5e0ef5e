// resources.h - the resources of a hardwired program, by index.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/hardwired/card.h"
#include "memwall/program/program.h"

namespace memwall {

// Delays: what the one token that is followed waits for. Their amounts are counted as messages whatever they
// are, because the bytes and operations are counted at the units below, for all tokens.
inline constexpr std::int32_t kCycles = 0;        // of the clock
inline constexpr std::int32_t kLinkLatency = 1;   // exchanges
inline constexpr std::int32_t kLinkProtocol = 2;  // exchanges, the fitted cost of each
inline constexpr std::int32_t kLinkWire = 3;      // bytes through one link
inline constexpr std::int32_t kSpillWait = 4;     // bytes from HBM
// Units that all tokens share.
inline constexpr std::int32_t kArrays = 5;       // operations of the wired arrays
inline constexpr std::int32_t kVector = 6;       // operations of attention
inline constexpr std::int32_t kBuffer = 7;       // bytes of cache
inline constexpr std::int32_t kHbm = 8;          // bytes of spilled cache
inline constexpr std::int32_t kColumnLinks = 9;  // bytes over the links of one chip to its column
inline constexpr std::int32_t kRowLinks = 10;
inline constexpr std::int32_t kResourceCount = 11;

// Units that the card does not have get the rate of the clock; nothing demands them. `array_width`: outputs
// of all arrays of one chip. `vector_macs`: multiply-accumulates that the vector unit does per cycle.
std::vector<Resource> hardwired_resources(const HardwiredCard& card, double array_width, double vector_macs);

}  // namespace memwall
