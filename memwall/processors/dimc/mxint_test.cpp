#include "memwall/processors/dimc/mxint.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "memwall/tensor/reference.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

CoreShape core_of_blocks(int block) {
  CoreShape core;
  core.inputs = 2 * block;
  core.column_bits = 64;
  core.reload_bytes_per_cycle = 8;
  core.block_inputs = block;
  return core;
}

// 1.5 has the exponent 0, so a step is 2^-6: 96. 0.01 is 0.64 steps, so 1; half a step is a tie and goes to
// 0.
TEST(MxInt, TheLargestValueOfABlockSetsItsStep) {
  const std::vector<float> values = {1.5F, -0.01F, 0.0078125F, 0};
  const MxBlocks blocks = to_mxint(values, 1, 4, 8, 32);
  EXPECT_EQ(blocks.exponents, std::vector<std::int16_t>{-6});
  EXPECT_EQ(blocks.values, (std::vector<std::int32_t>{96, -1, 0, 0}));
  EXPECT_EQ(to_float(blocks), (std::vector<float>{1.5F, -0.015625F, 0, 0}));
}

// 1.999 is 127.9 steps of 2^-6: the largest integer is 127.
TEST(MxInt, SaturatesWhereRoundingWouldOverflow) {
  EXPECT_EQ(to_mxint(std::vector<float>{1.999F}, 1, 1, 8, 32).values.front(), 127);
  EXPECT_EQ(to_mxint(std::vector<float>{-1.999F}, 1, 1, 4, 32).values.front(), -7);
}

TEST(MxInt, BlocksHaveTheirOwnExponentsAndTheLastMayBeShort) {
  const std::vector<float> values = {64, 1, 0.5F, 0.25F, 0};
  const MxBlocks blocks = to_mxint(values, 1, 5, 8, 2);
  EXPECT_EQ(blocks.blocks(), 3);
  EXPECT_EQ(blocks.exponents, (std::vector<std::int16_t>{0, -7, -133}));
  EXPECT_EQ(to_float(blocks), values);
}

TEST(MxInt, ErrorIsAtMostHalfAStepWhereNothingSaturates) {
  check_property(200, [] {
    const int bits = pick(4, 17), length = pick(1, 80);
    std::mt19937 random(static_cast<unsigned>(pick(0, 1 << 30)));
    std::normal_distribution<float> normal;
    std::vector<float> values(static_cast<std::size_t>(length));
    for (float& value : values) {
      value = normal(random);
    }
    const MxBlocks blocks = to_mxint(values, 1, length, bits, 32);
    const std::vector<float> back = to_float(blocks);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool saturated = std::abs(blocks.values[i]) == (1 << (bits - 1)) - 1;
      const double step = std::ldexp(1.0, blocks.exponents[i / 32]);
      RC_ASSERT(std::abs(back[i] - values[i]) <= (saturated ? 1.0 : 0.5) * step);
    }
  });
}

// The exponents stay within what double adds exactly, so machine and reference must agree to the last bit.
TEST(MxInt, TheCoresProductIsTheReferenceProductOfTheDecodedValues) {
  check_property(100, [] {
    const int block = pick(1, 33), m = pick(1, 4), k = pick(1, 120), n = pick(1, 12);
    const int x_bits = pick(2, 9), w_bits = 1 << pick(1, 4);
    std::mt19937 random(static_cast<unsigned>(pick(0, 1 << 30)));
    std::uniform_real_distribution<float> uniform(-4, 4);
    const auto draw = [&](int count) {
      std::vector<float> values(static_cast<std::size_t>(count));
      for (float& value : values) {
        value = uniform(random);
      }
      return values;
    };
    const MxBlocks x = to_mxint(draw(m * k), m, k, x_bits, block);
    const MxBlocks w = to_mxint(draw(n * k), n, k, w_bits, block);
    const std::vector<float> columns = to_float(w);
    std::vector<float> matrix(columns.size());
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < k; ++j) {
        matrix[static_cast<std::size_t>(j * n + i)] = columns[static_cast<std::size_t>(i * k + j)];
      }
    }
    const CoreShape core = core_of_blocks(block);
    const MxProduct product = multiply(core, x, w);
    RC_ASSERT(product.y == reference::matmul(to_float(x), matrix, m, k, n));
    RC_ASSERT(product.cycles ==
              stream_cycles(core, CoreMachine(core, w_bits, x_bits).tiles(k, n), m, x_bits));
  });
}

}  // namespace
}  // namespace memwall
