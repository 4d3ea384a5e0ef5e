// Questions: how many experts does a step touch, and what do they cost?
#include "memwall/processors/gpu/experts_kernel.h"

#include <gtest/gtest.h>

#include "memwall/processors/gpu/grouped_gemm.h"

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
// are ceil(40 / 16) + ceil(3 / 16), of which two are full; one more is on the other chip.
TEST(ExpertsKernel, DealtLoadsAreCountedExactly) {
  Experts four = mixtral();
  four.num_experts = 4;
  Routing dealt;
  dealt.kind = Routing::Kind::dealt;
  dealt.histogram = {7, 0, 40, 3};
  const std::size_t sixteen = tile_height_index(16);
  const ExpertsLoad load = busiest_load(four, 25, dealt, {2, 1});
  EXPECT_DOUBLE_EQ(load.pairs, 43);
  EXPECT_DOUBLE_EQ(load.experts, 2);
  EXPECT_DOUBLE_EQ(load.row_tiles[sixteen], 3 + 1);
  EXPECT_DOUBLE_EQ(load.full_tiles[sixteen], 2);
  EXPECT_DOUBLE_EQ(load.all_tiles[sixteen], 3 + 1 + 1);
}

// The second dealing has 30 + 20 pairs on the first chip: means of 43 and 50, of 2 and 2, of 4 and 2 + 2.
TEST(ExpertsKernel, SeveralDealingsAreAveraged) {
  Experts four = mixtral();
  four.num_experts = 4;
  Routing dealt;
  dealt.kind = Routing::Kind::dealt;
  dealt.histogram = {7, 0, 40, 3, 30, 20, 0, 0};
  const ExpertsLoad load = busiest_load(four, 25, dealt, {2, 1});
  EXPECT_DOUBLE_EQ(load.pairs, 46.5);
  EXPECT_DOUBLE_EQ(load.experts, 2);
  EXPECT_DOUBLE_EQ(load.row_tiles[tile_height_index(16)], 4);
}

// 256 tokens over 8 experts, 64 each, spread by +- 14: between one and two tiles of 64, 2.5 on average of 32.
TEST(ExpertsKernel, ExpectedTilesFollowTheSpreadOfCounts) {
  const ExpertsLoad load = busiest_load(mixtral(), 256, {}, {});
  EXPECT_DOUBLE_EQ(load.pairs, 512);
  EXPECT_NEAR(load.row_tiles[3], 8 * 1.5, 0.01);
  EXPECT_NEAR(load.row_tiles[2], 8 * 2.5, 0.4);
  EXPECT_NEAR(load.row_tiles[5], 8, 0.01);
}

// Every expert of the layer is looked at, every one held is a group of both GEMMs, and has its scales when
// they come in blocks.
TEST(ExpertsKernel, ManyExpertsTakeTimeWhateverTheTokens) {
  const GpuSpec spec = h100();
  Experts few = mixtral(), many = few;
  few.width = many.width = 128;
  few.intermediate = many.intermediate = 128;
  many.num_experts = 264;
  const double more = total(spec, many, 1) - total(spec, few, 1);
  EXPECT_NEAR(more, 256 * (spec.experts.per_expert.value + 2 * spec.experts.per_group.value), 0.1e-6);
  few.weight = few.activation = many.weight = many.activation = Format::fp8_block;
  const double with_scales = total(spec, many, 1) - total(spec, few, 1);
  EXPECT_NEAR(with_scales - more, 2 * 256 * spec.experts.per_scaled_group.value, 0.1e-6);
}

// Five kernels more, and every logit sorted at 40 G a second, beside the operations of the choice.
TEST(ExpertsKernel, ChoosingManyExpertsTakesGeneralKernels) {
  const GpuSpec spec = h100();
  Experts sixteen = mixtral(), more = sixteen;
  sixteen.num_experts = more.num_experts = 512;
  sixteen.experts_per_token = 16;
  more.experts_per_token = 17;
  const auto stall = [&](const Experts& experts) {
    KernelCost cost = experts_costs(spec, experts, 1024, {}, {}).front().cost;
    return cost.delay(GpuDelay::stall) * kStall.value;
  };
  EXPECT_NEAR(stall(more) - stall(sixteen), 5 * spec.experts.start.value + 1024 * 512 / 40e9, 0.1e-6);
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

// 128 rows by 16 columns, a step of 0.25 us for 64 values of k: 8 experts with 128 rows each, so that every
// tile is full, and twice as long with half of the rows.
TEST(ExpertsKernel, AnUntunedLayerRunsTheFirstKernel) {
  const GpuSpec spec = h100();
  GroupedGemm shape;
  shape.n = 4096;
  shape.k = 2048;
  shape.kernel = GroupedKernel::first;
  const auto seconds = [&](double tokens) {
    Routing even;
    even.kind = Routing::Kind::dealt;
    even.histogram.assign(8, 1);
    shape.load = busiest_load(mixtral(), tokens, even, {});
    return alone_seconds(spec, grouped_gemm_cost(spec, shape)) - spec.gemm.start.value;
  };
  const double full = 8.0 * (4096 / 16) * (2048 / 64) * 0.25e-6 / 132;
  EXPECT_NEAR(seconds(512), full, 0.01 * full);
  EXPECT_NEAR(seconds(256), 2 * full, 0.01 * full);
  shape.kernel = GroupedKernel::tuned;
  EXPECT_LT(seconds(512), 0.5 * full);
}

// With one expert of eight on a chip, by_count takes the tile for eight times the rows that come.
TEST(ExpertsKernel, TilesByCountGrowWithTheChips) {
  const GpuSpec spec = read_gpu_spec(read_system("8xb300"));
  Experts packed = mixtral();
  packed.weight = Format::mxfp4;
  packed.activation = Format::fp8;
  const auto up = [&](int ep) {
    return alone_seconds(spec, experts_costs(spec, packed, 64, {}, {ep, 1})[2].cost);
  };
  EXPECT_GT(8 * up(8), 2 * up(1));
}

// vLLM's table: 64 tokens take tiles of 16 rows by blocks of scales, 65 tiles of 64.
TEST(ExpertsKernel, GeneratedTilesFollowTheTokens) {
  const GpuSpec spec = read_gpu_spec(read_system("1xb200"));
  Experts blocks = mixtral();
  blocks.num_experts = 128;
  blocks.weight = blocks.activation = Format::fp8_block;
  const auto up = [&](double tokens) {
    return alone_seconds(spec, experts_costs(spec, blocks, tokens, {}, {}, {ExpertRows::gathered})[2].cost);
  };
  EXPECT_GT(up(65) - up(64), 10 * (up(64) - up(63)));
}

// 4 experts with 1, 5, 40 and 200 rows need 1 + 1 + 1 + 4 tiles of 64, and read four sets of weights.
TEST(GroupedGemm, TilesAreCountedByGroup) {
  const GpuSpec spec = h100();
  Experts four = mixtral();
  four.num_experts = 4;
  four.experts_per_token = 1;
  Routing dealt;
  dealt.kind = Routing::Kind::dealt;
  dealt.histogram = {1, 5, 40, 200};
  GroupedGemm shape;
  shape.load = busiest_load(four, 246, dealt, {});
  EXPECT_EQ(shape.load.row_tiles[tile_height_index(64)], 7);
  shape.n = 1024;
  shape.k = 4096;
  const KernelCost cost = grouped_gemm_cost(spec, shape);
  EXPECT_DOUBLE_EQ(cost.tensor.useful, 2.0 * 246 * 1024 * 4096);
  EXPECT_GE(cost.hbm.useful, 4.0 * 2 * 1024 * 4096);
  // What may stay in L2 between two runs is not read again.
  shape.resident = 4.0 * 2 * 1024 * 4096;
  EXPECT_LT(grouped_gemm_cost(spec, shape).hbm.charged, 0.7 * cost.hbm.charged);
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
