// half.h - fp16 arithmetic as a core does it: one rounding to nearest even per instruction.
//
// The same values as tensor/small_float.h, without its generality; half_test.cpp compares all 65,536.
#pragma once

#include <bit>
#include <cstdint>

namespace memwall {

inline float half_to_float(std::uint16_t half) {
  // The exponent is scaled by a product, so that subnormals need no case of their own.
  constexpr float kScale = 0x1p112F;
  constexpr std::uint32_t kInfinity = 0x7F800000;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7FFF) << 13;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * kScale);
  if ((half & 0x7C00) == 0x7C00) {
    bits |= kInfinity;
  }
  return std::bit_cast<float>(bits | (static_cast<std::uint32_t>(half & 0x8000) << 16));
}

inline std::uint16_t float_to_half(float value) {
  constexpr float kSmallestNormal = 0x1p-14F;
  constexpr std::uint32_t kOverflow = 0x477FF000;  // 65520: rounds to infinity
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude >= kOverflow) {
    const bool is_nan = magnitude > 0x7F800000;
    return static_cast<std::uint16_t>(sign | (is_nan ? 0x7E00 : 0x7C00));
  }
  if (magnitude < std::bit_cast<std::uint32_t>(kSmallestNormal)) {
    // Adding a half makes the last bit of the sum 2^-24, the step of subnormals.
    const float sum = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(sum) - 0x3F000000));
  }
  const std::uint32_t rounded = magnitude + 0xFFF + ((magnitude >> 13) & 1);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000) >> 13));
}

inline std::uint16_t half_add(std::uint16_t a, std::uint16_t b) {
  return float_to_half(half_to_float(a) + half_to_float(b));
}
// The product is exact, the sum is rounded to fp32 and then to fp16.
inline std::uint16_t half_multiply_add(std::uint16_t a, std::uint16_t b, std::uint16_t sum) {
  return float_to_half(half_to_float(a) * half_to_float(b) + half_to_float(sum));
}

}  // namespace memwall
