// small_float.h - the floating-point formats of inference chips, converted to and from float.
//
// fp16, bf16: IEEE 754 binary16, bfloat16. fp8_e4m3 (no infinities, one NaN pattern, largest 448), fp8_e5m2
// (IEEE-like, largest 57344): OCP 8-bit floating point specification. fp4_e2m1 (largest 6), e8m0 (a power of
// two, 2^(bits - 127), no zero, 255 is NaN): OCP microscaling formats specification 1.0.
#pragma once

#include <cstdint>
#include <string_view>

namespace memwall {

enum class SmallFloat { fp16, bf16, fp8_e4m3, fp8_e5m2, fp4_e2m1, e8m0 };
std::string_view name(SmallFloat format);
int bits(SmallFloat format);

// Exact: every value of these formats is a float.
float decode(SmallFloat format, std::uint16_t bits);

// Round to nearest, ties to even. Beyond the largest value: infinity where the format has one (fp16, bf16,
// fp8_e5m2), else the largest value (fp8_e4m3, fp4_e2m1, e8m0). NaN becomes the format's NaN; fp4_e2m1 has
// none: its zero. e8m0: the power of two not above the value; zero and negative values become its smallest.
std::uint16_t encode(SmallFloat format, float value);

inline float round_to(SmallFloat format, float value) { return decode(format, encode(format, value)); }

}  // namespace memwall
