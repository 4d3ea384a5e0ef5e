#include "memwall/processors/systolic/wide_sum.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "memwall/processors/systolic/cells.h"

namespace memwall {
namespace {

TEST(WideSum, NothingIsLostBetweenTheExtremes) {
  WideSum sum;
  sum.add(1, 250);
  sum.add(3, -266);  // the smallest product of two bf16 is 2^-266
  sum.add(-1, 250);
  EXPECT_EQ(sum.value(), std::ldexp(3, -266));
  sum.add(-3, -266);
  EXPECT_EQ(sum, WideSum());
}

TEST(WideSum, RoundsOnceToNearestEven) {
  const auto value = [](std::int64_t high, std::int64_t low) {
    WideSum sum;
    sum.add(high, 54);
    sum.add(low, 0);
    return sum.value();
  };
  const double step = std::ldexp(1, 54 - 52);  // of a double just above 2^54
  EXPECT_EQ(value(1, 1), std::ldexp(1, 54));
  EXPECT_EQ(value(1, 2), std::ldexp(1, 54));             // a tie goes to even
  EXPECT_EQ(value(1, 3), std::ldexp(1, 54) + step);      // above the tie
  EXPECT_EQ(value(1, 6), std::ldexp(1, 54) + 2 * step);  // a tie again, the other way
  EXPECT_EQ(value(-1, -3), -std::ldexp(1, 54) - step);
}

// Sums of integers, against 64-bit integers, with carries and borrows through the limbs.
TEST(WideSum, AgreesWithIntegers) {
  std::mt19937_64 random(3);
  for (const int exponent : {0, 20, -300, -7}) {
    WideSum sum, reversed;
    std::int64_t expected = 0;
    std::vector<std::int64_t> terms;
    for (int i = 0; i < 1000; ++i) {
      terms.push_back(static_cast<std::int64_t>(random() >> 22) - (std::int64_t{1} << 41));
      expected += terms.back();
      sum.add(terms.back(), exponent);
    }
    for (auto term = terms.rbegin(); term != terms.rend(); ++term) {
      WideSum one;
      one.add(*term, exponent);
      reversed += one;
    }
    EXPECT_EQ(sum.value(), std::ldexp(static_cast<double>(expected), exponent));
    EXPECT_EQ(sum, reversed);
  }
}

TEST(WideCell, OperandsAreExact) {
  for (const float value : {0.0F, 1.0F, -0.375F, 3.0e38F, 9.1835e-41F, 448.0F, -6.0F}) {
    const WideCell::Operand operand = WideCell::operand(value);
    EXPECT_EQ(std::ldexp(static_cast<double>(operand.mantissa), operand.exponent),
              static_cast<double>(value));
  }
}

}  // namespace
}  // namespace memwall
