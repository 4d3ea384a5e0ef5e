// sim_time.h - simulated time as an integer, so that equal times are equal and runs repeat to the byte.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>

#include "memwall/core/units.h"

namespace memwall {

// Picoseconds, signed 64 bits: a range of 106 days.
struct SimTime {
  std::int64_t ps = 0;
  constexpr auto operator<=>(const SimTime&) const = default;
  constexpr SimTime operator+(SimTime other) const { return {ps + other.ps}; }
  constexpr SimTime operator-(SimTime other) const { return {ps - other.ps}; }
  constexpr SimTime& operator+=(SimTime other) { return ps += other.ps, *this; }
};

// Rounds up: work never finishes before its time. The only place where seconds become SimTime.
// REQUIRES: 0 <= time < 106 days.
inline SimTime to_sim_time(Seconds time) { return {static_cast<std::int64_t>(std::ceil(time.value * 1e12))}; }
constexpr Seconds to_seconds(SimTime time) { return Seconds(static_cast<double>(time.ps) * 1e-12); }

}  // namespace memwall
