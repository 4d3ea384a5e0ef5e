// wide_sum.h - an accumulator in which no product of small floats is ever rounded.
//
// A two's complement fixed-point number of 640 bits whose lowest bit is 2^-300: it holds sums of up to 2^40
// products of two floats of magnitude below 2^130, which bf16 and block-scaled fp4 are. Adding is exact, so
// the order of a sum does not matter (Kulisch accumulation).
#pragma once

#include <array>
#include <cstdint>

namespace memwall {

class WideSum {
 public:
  // Adds product * 2^exponent. REQUIRES: -300 <= exponent and the sum stays below 2^338.
  void add(std::int64_t product, int exponent);
  WideSum& operator+=(const WideSum& other);
  bool operator==(const WideSum&) const = default;
  // Rounded once, to nearest, ties to even.
  double value() const;

 private:
  static constexpr int kLowest = -300;  // exponent of bit 0
  std::array<std::uint64_t, 10> limbs_{};
};

}  // namespace memwall
