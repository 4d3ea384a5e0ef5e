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
