#include "memwall/tensor/small_float.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace memwall {
namespace {

enum class Top {
  infinity,  // the highest exponent holds infinity and NaN
  nan,       // only the highest pattern is NaN
  values     // every pattern is a value
};

struct Layout {
  std::string_view name;
  int exponent_bits, mantissa_bits, bias;
  Top top;
};

const Layout& layout(SmallFloat format) {
  static constexpr Layout kLayouts[] = {
      {"fp16", 5, 10, 15, Top::infinity}, {"bf16", 8, 7, 127, Top::infinity},
      {"fp8_e4m3", 4, 3, 7, Top::nan},    {"fp8_e5m2", 5, 2, 15, Top::infinity},
      {"fp4_e2m1", 2, 1, 1, Top::values}, {"e8m0", 8, 0, 127, Top::values},
  };
  return kLayouts[static_cast<int>(format)];
}

constexpr std::uint16_t kScaleNan = 255;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::uint16_t encode_scale(float value) {
  if (std::isnan(value)) {
    return kScaleNan;
  }
  if (value <= 0) {
    return 0;
  }
  const int exponent = std::isinf(value) ? 127 : std::ilogb(value);
  return static_cast<std::uint16_t>(std::clamp(exponent + 127, 0, 254));
}

// The largest finite magnitude's pattern.
std::uint16_t largest(const Layout& of) {
  const int all = (1 << (of.exponent_bits + of.mantissa_bits)) - 1;
  switch (of.top) {
    case Top::infinity:
      return static_cast<std::uint16_t>(all - (1 << of.mantissa_bits));
    case Top::nan:
      return static_cast<std::uint16_t>(all - 1);
    case Top::values:
      break;
  }
  return static_cast<std::uint16_t>(all);
}

}  // namespace

std::string_view name(SmallFloat format) { return layout(format).name; }

int bits(SmallFloat format) {
  const Layout& of = layout(format);
  return (format == SmallFloat::e8m0 ? 0 : 1) + of.exponent_bits + of.mantissa_bits;
}

float decode(SmallFloat format, std::uint16_t bits) {
  if (format == SmallFloat::e8m0) {
    return bits == kScaleNan ? kNan : std::ldexp(1.0F, bits - 127);
  }
  const Layout& of = layout(format);
  const int mantissa = bits & ((1 << of.mantissa_bits) - 1);
  const int exponent = (bits >> of.mantissa_bits) & ((1 << of.exponent_bits) - 1);
  const float sign = ((bits >> (of.mantissa_bits + of.exponent_bits)) & 1) != 0 ? -1.0F : 1.0F;
  const int highest = (1 << of.exponent_bits) - 1;
  if (of.top == Top::infinity && exponent == highest) {
    return mantissa != 0 ? kNan : sign * std::numeric_limits<float>::infinity();
  }
  if (of.top == Top::nan && exponent == highest && mantissa == (1 << of.mantissa_bits) - 1) {
    return kNan;
  }
  const int significand = exponent == 0 ? mantissa : mantissa + (1 << of.mantissa_bits);
  return sign *
         std::ldexp(static_cast<float>(significand), std::max(exponent, 1) - of.bias - of.mantissa_bits);
}

std::uint16_t encode(SmallFloat format, float value) {
  if (format == SmallFloat::e8m0) {
    return encode_scale(value);
  }
  const Layout& of = layout(format);
  const int sign = std::signbit(value) ? 1 << (of.mantissa_bits + of.exponent_bits) : 0;
  const int highest = ((1 << of.exponent_bits) - 1) << of.mantissa_bits;
  if (std::isnan(value)) {
    const int nan = of.top == Top::values     ? 0
                    : of.top == Top::infinity ? highest + (1 << (of.mantissa_bits - 1))
                                              : highest + (1 << of.mantissa_bits) - 1;
    return static_cast<std::uint16_t>(nan);
  }
  const int beyond = of.top == Top::infinity ? highest : largest(of);
  const float magnitude = std::abs(value);
  if (std::isinf(value)) {
    return static_cast<std::uint16_t>(sign | beyond);
  }
  // In units of the last place of the value's binade, or of the subnormals.
  const int exponent = magnitude == 0 ? 1 - of.bias : std::max(std::ilogb(magnitude), 1 - of.bias);
  const float places = std::ldexp(magnitude, of.mantissa_bits - exponent);
  const float down = std::floor(places), rest = places - down;
  int significand = static_cast<int>(down);
  if (rest > 0.5F || (rest == 0.5F && significand % 2 != 0)) {
    ++significand;
  }
  // A carry out of the significand is the next binade: patterns are in order of magnitude.
  const int pattern = ((exponent + of.bias - 1) << of.mantissa_bits) + significand;
  return static_cast<std::uint16_t>(sign | (pattern > largest(of) ? beyond : pattern));
}

}  // namespace memwall
