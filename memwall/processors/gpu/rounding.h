// rounding.h - floor and ceil of amounts, by conversion: std::floor is a call on a plain x86-64.
#pragma once

#include <cstdint>

namespace memwall {

inline constexpr double kAlwaysWhole = 4503599627370496;  // from 2^52 on a double has no fraction

// REQUIRES: value >= 0.
inline double down(double value) {
  return value >= kAlwaysWhole ? value : static_cast<double>(static_cast<std::int64_t>(value));
}
inline double up(double value) {
  const double whole = down(value);
  return whole < value ? whole + 1 : whole;
}

}  // namespace memwall
