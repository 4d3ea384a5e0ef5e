#include "memwall/tensor/small_float.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace memwall {
namespace {

using enum SmallFloat;

TEST(SmallFloat, DecodesKnownPatterns) {
  EXPECT_EQ(decode(fp16, 0x3c00), 1.0F);
  EXPECT_EQ(decode(fp16, 0x7bff), 65504.0F);
  EXPECT_EQ(decode(fp16, 0x0001), std::ldexp(1.0F, -24));
  EXPECT_EQ(decode(bf16, 0x4049), 3.140625F);
  EXPECT_EQ(decode(fp8_e4m3, 0x7e), 448.0F);
  EXPECT_EQ(decode(fp8_e5m2, 0x7b), 57344.0F);
  EXPECT_EQ(decode(fp4_e2m1, 0x7), 6.0F);
  EXPECT_EQ(decode(fp4_e2m1, 0x9), -0.5F);
  EXPECT_EQ(decode(e8m0, 127), 1.0F);
  EXPECT_TRUE(std::isnan(decode(fp8_e4m3, 0x7f)));
  EXPECT_TRUE(std::isnan(decode(e8m0, 255)));
}

// Every finite pattern comes back, and halfway between neighbours the even one wins.
TEST(SmallFloat, EncodesToTheNearestAndTiesToEven) {
  for (const SmallFloat format : {fp16, bf16, fp8_e4m3, fp8_e5m2, fp4_e2m1}) {
    const int patterns = 1 << (bits(format) - 1);
    for (int low = 0; low + 1 < patterns; ++low) {
      const float value = decode(format, static_cast<std::uint16_t>(low));
      const float next = decode(format, static_cast<std::uint16_t>(low + 1));
      if (!std::isfinite(value)) {
        continue;
      }
      EXPECT_EQ(encode(format, value), low) << name(format);
      if (std::isfinite(next) && format != bf16) {  // the middle of two bf16 values is a float as well
        const float middle = 0.5F * value + 0.5F * next;
        EXPECT_EQ(encode(format, middle), low % 2 == 0 ? low : low + 1) << name(format) << ' ' << low;
        EXPECT_EQ(encode(format, std::nextafter(middle, next)), low + 1) << name(format);
      }
    }
  }
}

TEST(SmallFloat, SaturatesOrOverflowsAsTheFormatSays) {
  EXPECT_EQ(round_to(fp8_e4m3, 1e9F), 448.0F);
  EXPECT_EQ(round_to(fp4_e2m1, -1e9F), -6.0F);
  EXPECT_EQ(round_to(fp16, 65519.0F), 65504.0F);
  EXPECT_EQ(round_to(fp16, 65520.0F), std::numeric_limits<float>::infinity());
  EXPECT_EQ(round_to(fp8_e5m2, -1e9F), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(round_to(bf16, std::numeric_limits<float>::quiet_NaN())));
  EXPECT_EQ(round_to(e8m0, 3.9F), 2.0F);
  EXPECT_EQ(encode(e8m0, 0), 0);
}

}  // namespace
}  // namespace memwall
