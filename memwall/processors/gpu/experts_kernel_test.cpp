// Questions: how many experts does a step touch, and what do they cost?
#include "memwall/processors/gpu/experts_kernel.h"

#include <gtest/gtest.h>

namespace memwall {
namespace {

GpuSpec h100() { return read_gpu_spec(read_system("1xh100")); }

Experts mixtral() {
  Experts experts;
  experts.num_experts = 8;
  experts.experts_per_token = 2;
  experts.width = 4096;
  experts.intermediate = 14336;
  return experts;
}

double total(const GpuSpec& spec, const Experts& experts, double tokens, ExpertsSplit split = {}) {
  double seconds = 0;
  for (const ExpertsKernel& kernel : experts_costs(spec, experts, tokens, {}, split)) {
    seconds += alone_seconds(spec, kernel.cost);
  }
  return seconds;
}

TEST(ExpertsKernel, OneTokenTouchesTopKExperts) {
  const ExpertsLoad load = busiest_load(mixtral(), 1, {}, {});
  EXPECT_DOUBLE_EQ(load.experts, 2);
  EXPECT_DOUBLE_EQ(load.pairs, 2);
}

// 8 (1 - (3/4)^16) = 7.92 of 8.
TEST(ExpertsKernel, ManyTokensTouchAlmostAll) {
  EXPECT_NEAR(busiest_load(mixtral(), 16, {}, {}).experts, 7.92, 0.01);
  EXPECT_LE(busiest_load(mixtral(), 1e6, {}, {}).experts, 8);
}

TEST(ExpertsKernel, WeightsOfTouchedExpertsAreReadOnce) {
  const GpuSpec spec = h100();
  double weights = 0;
  for (const ExpertsKernel& kernel : experts_costs(spec, mixtral(), 1, {}, {})) {
    weights += kernel.cost.memory == Category::weights ? kernel.cost.hbm.useful : 0;
  }
  const double expected = 2 * 3.0 * 4096 * 14336 * 2;
  EXPECT_NEAR(weights, expected, 0.001 * expected);
}

// Experts 0 and 1 on the first chip, 2 and 3 on the second, which has 40 + 3 of 50 pairs: tiles of 16 for it
// are ceil(40 / 16) + ceil(3 / 16).
TEST(ExpertsKernel, DealtLoadsAreCountedExactly) {
  Experts four = mixtral();
  four.num_experts = 4;
  Routing dealt;
  dealt.kind = Routing::Kind::dealt;
  dealt.histogram = {7, 0, 40, 3};
  const ExpertsLoad load = busiest_load(four, 25, dealt, {2, 1});
  EXPECT_DOUBLE_EQ(load.pairs, 43);
  EXPECT_DOUBLE_EQ(load.experts, 2);
  EXPECT_DOUBLE_EQ(load.row_tiles[1], 3 + 1);
}

// 256 tokens over 8 experts, 64 each, spread by +- 14: between one and two tiles of 64, 2.5 on average of 32.
TEST(ExpertsKernel, ExpectedTilesFollowTheSpreadOfCounts) {
  const ExpertsLoad load = busiest_load(mixtral(), 256, {}, {});
  EXPECT_DOUBLE_EQ(load.pairs, 512);
  EXPECT_NEAR(load.row_tiles[3], 8 * 1.5, 0.01);
  EXPECT_NEAR(load.row_tiles[2], 8 * 2.5, 0.4);
  EXPECT_NEAR(load.row_tiles[5], 8, 0.01);
}

// Every expert of the layer is sorted into, every one held costs its offsets when scales come in blocks.
TEST(ExpertsKernel, ManyExpertsTakeTimeWhateverTheTokens) {
  const GpuSpec spec = h100();
  Experts few = mixtral(), many = few;
  few.width = many.width = 128;
  few.intermediate = many.intermediate = 128;
  many.num_experts = 264;
  const double more = total(spec, many, 1) - total(spec, few, 1);
  EXPECT_NEAR(more, 2 * 256 * spec.gemm.per_expert.value, 0.1e-6);
  few.weight = few.activation = many.weight = many.activation = Format::fp8_block;
  const double with_scales = total(spec, many, 1) - total(spec, few, 1);
  EXPECT_NEAR(with_scales - more, 256 * spec.gemm.per_scaled_group.value, 0.1e-6);
}

// Kernels that gather pass the rows of all experts, those that sort only the rows of experts held.
TEST(ExpertsKernel, GatheringPassesRowsOfAbsentExperts) {
  const GpuSpec spec = h100();
  const auto combine = [&](ExpertRows rows) {
    return experts_costs(spec, mixtral(), 4096, {}, {8, 1}, {rows, false}).back().cost;
  };
  const double row = 4096 * 2.0;
  EXPECT_DOUBLE_EQ(combine(ExpertRows::sorted).hbm.useful + combine(ExpertRows::sorted).l2.useful,
                   (1024 + 4096) * row);
  EXPECT_DOUBLE_EQ(combine(ExpertRows::gathered).hbm.useful + combine(ExpertRows::gathered).l2.useful,
                   (8192 + 4096) * row);
}

TEST(ExpertsKernel, BothSplitsShortenTheWork) {
  const GpuSpec spec = read_gpu_spec(read_system("8xh100"));
  const double alone = total(spec, mixtral(), 64);
  EXPECT_LT(total(spec, mixtral(), 64, {8, 1}), 0.3 * alone);
  EXPECT_LT(total(spec, mixtral(), 64, {1, 8}), 0.3 * alone);
}

TEST(ExpertsKernel, SkewLoadsTheBusiestGroup) {
  Routing skewed;
  skewed.kind = Routing::Kind::power_law;
  skewed.exponent = 1.2;
  Experts many = mixtral();
  many.num_experts = 128;
  many.experts_per_token = 8;
  const ExpertsLoad even = busiest_load(many, 1024, {}, {16, 1});
  const ExpertsLoad uneven = busiest_load(many, 1024, skewed, {16, 1});
  EXPECT_DOUBLE_EQ(even.pairs, 1024.0 * 8 / 16);
  EXPECT_GT(uneven.pairs, 1.3 * even.pairs);
  EXPECT_LE(uneven.experts, 8);
}

TEST(ExpertsKernel, TimeNeverFallsAsTokensGrow) {
  const GpuSpec spec = h100();
  double before = 0;
  for (double tokens = 1; tokens < 1e5; tokens *= 2) {
    const double now = total(spec, mixtral(), tokens);
    EXPECT_GE(now, before * 0.98) << tokens;
    before = now;
  }
}

}  // namespace
}  // namespace memwall
