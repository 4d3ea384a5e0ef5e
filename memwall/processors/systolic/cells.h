// cells.h - what one cell of the array multiplies and adds, by number format. Every sum is exact.
//
//   int8    32-bit sums in the array, beyond it doubles: whole numbers below 2^53
//   fp8     e4m3; products are multiples of 2^-18 below 2^18, sums are 64-bit integers of that unit
//   wide    bf16, and fp4 with its block scale as one small float; WideSum
#pragma once

#include <cmath>
#include <cstdint>

#include "memwall/processors/systolic/wide_sum.h"

namespace memwall {

// Packed: an operand, or several side by side, as fold_product.h reads them.
struct Int8Cell {
  using Operand = std::int16_t;
  using Packed = std::int32_t;
  using Sum = std::int32_t;  // of one column: at most 2^16 products of 2^14
  using Total = double;
  static Operand operand(float value) { return static_cast<Operand>(value); }
  static void multiply_add(Sum& sum, Operand a, Operand b) { sum += a * b; }
};

struct Fp8Cell {
  using Operand = std::int32_t;  // of 2^-9, the smallest e4m3
  using Packed = double;
  using Sum = std::int64_t;
  using Total = std::int64_t;
  static constexpr int kUnit = -9;
  static Operand operand(float value) { return static_cast<Operand>(std::ldexp(value, -kUnit)); }
  static void multiply_add(Sum& sum, Operand a, Operand b) { sum += static_cast<std::int64_t>(a) * b; }
  static double value(Total total) { return std::ldexp(static_cast<double>(total), 2 * kUnit); }
};

struct WideCell {
  struct Operand {
    std::int32_t mantissa = 0, exponent = 0;
  };
  using Packed = Operand;
  using Sum = WideSum;
  using Total = WideSum;
  // Any float: 24 bits and a power of two, trailing zeros taken off.
  static Operand operand(float value) {
    constexpr int kBits = 24;
    int exponent = 0;
    auto mantissa = static_cast<std::int32_t>(std::ldexp(std::frexp(value, &exponent), kBits));
    exponent -= kBits;
    while (mantissa != 0 && mantissa % 2 == 0) {
      mantissa /= 2;
      ++exponent;
    }
    return {mantissa, mantissa == 0 ? 0 : exponent};
  }
  static void multiply_add(Sum& sum, const Operand& a, const Operand& b) {
    if (a.mantissa != 0 && b.mantissa != 0) {
      sum.add(static_cast<std::int64_t>(a.mantissa) * b.mantissa, a.exponent + b.exponent);
    }
  }
  static double value(const Total& total) { return total.value(); }
};

}  // namespace memwall
