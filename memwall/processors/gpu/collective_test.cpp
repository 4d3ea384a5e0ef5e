// Questions: do collectives move the bytes of their algorithm, pick the faster one, and slow down across
// domains?
#include "memwall/processors/gpu/collective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

GpuSpec spec_of(const std::string& system) { return read_gpu_spec(read_system(system)); }
double sent(const GpuSpec& spec, const KernelCost& cost) {
  return cost.link.charged / std::max(spec.scale_up.ring, spec.scale_up.peer);
}

TEST(Collective, OneChipCostsNothing) {
  const KernelCost cost = all_reduce_cost(spec_of("8xh100"), 1e6, 1);
  EXPECT_EQ(alone_seconds(spec_of("8xh100"), cost), 0);
}

// Small: one shot, (p - 1) B, one hop. Larger: two shots, 2 (p - 1) / p B, two hops.
TEST(Collective, CustomAllReduceTakesOneShotThenTwo) {
  const GpuSpec spec = spec_of("8xh100");
  KernelCost small = all_reduce_cost(spec, 8192, 8, AllReduceAlgorithm::custom);
  EXPECT_EQ(small.delay(GpuDelay::hop), 1);
  EXPECT_NEAR(sent(spec, small), 7 * 8192 / spec.scale_up.peer, 1e-6);
  KernelCost large = all_reduce_cost(spec, 4e6, 8, AllReduceAlgorithm::custom);
  EXPECT_EQ(large.delay(GpuDelay::hop), 2);
  EXPECT_NEAR(sent(spec, large), 2.0 * 7 / 8 * 4e6 / spec.scale_up.peer, 1e-3);
}

// 1 GB over 8 chips: 1.75 GB each at 0.82 of 450 GB/s.
TEST(Collective, BulkNcclRunsAtTheWire) {
  const GpuSpec spec = spec_of("8xh100");
  const double time = alone_seconds(spec, all_reduce_cost(spec, 1e9, 8, AllReduceAlgorithm::nccl));
  EXPECT_NEAR(time, 1.75e9 / (0.82 * 450e9), 0.05 * time);
}

TEST(Collective, AutomaticIsTheFasterOfBoth) {
  const GpuSpec spec = spec_of("8xh100");
  for (const double bytes : {1e3, 1e5, 1e6, 1e7, 1e9}) {
    const double custom = alone_seconds(spec, all_reduce_cost(spec, bytes, 8, AllReduceAlgorithm::custom));
    const double nccl = alone_seconds(spec, all_reduce_cost(spec, bytes, 8, AllReduceAlgorithm::nccl));
    const double best = alone_seconds(spec, all_reduce_cost(spec, bytes, 8));
    EXPECT_DOUBLE_EQ(best, std::min(custom, nccl)) << bytes;
  }
}

TEST(Collective, TimeGrowsWithBytesAndChips) {
  const GpuSpec spec = spec_of("8xb200");
  double before = 0;
  for (double bytes = 256; bytes < 1e9; bytes *= 2) {
    const double now = alone_seconds(spec, all_reduce_cost(spec, bytes, 8));
    EXPECT_GE(now, before);
    EXPECT_GE(now, alone_seconds(spec, all_reduce_cost(spec, bytes, 2)) * 0.999);
    before = now;
  }
}

// The bound charges no more than an in-switch reduction needs: B bytes per chip and direction.
TEST(Collective, UsefulBytesAreAtMostThoseCharged) {
  const GpuSpec spec = spec_of("16xh100");
  for (const int chips : {2, 4, 8, 16}) {
    for (const KernelCost& cost : {all_reduce_cost(spec, 1e6, chips), all_gather_cost(spec, 1e6, chips),
                                   all_to_all_cost(spec, 1e6, chips)}) {
      EXPECT_LE(cost.link.useful, cost.link.charged);
      EXPECT_LE(cost.out_link.useful, cost.out_link.charged);
      EXPECT_LE(cost.link.useful, 1e6);
    }
  }
}

TEST(Collective, AcrossDomainsTheNetworkDecides) {
  const GpuSpec spec = spec_of("16xh100");
  const double inside = alone_seconds(spec, all_reduce_cost(spec, 1e6, 8));
  const double across = alone_seconds(spec, all_reduce_cost(spec, 1e6, 16));
  EXPECT_GT(across, 2 * inside);
  EXPECT_GT(all_to_all_cost(spec, 1e6, 16).out_link.charged, 0);
  EXPECT_EQ(all_to_all_cost(spec, 1e6, 8).out_link.charged, 0);
  EXPECT_GT(alone_seconds(spec, send_cost(spec, 1e6, true)),
            alone_seconds(spec, send_cost(spec, 1e6, false)));
}

// 72 chips of a GB200 rack are one domain.
TEST(Collective, ARackIsOneDomain) {
  const GpuSpec spec = spec_of("72xgb200");
  EXPECT_EQ(all_reduce_cost(spec, 1e6, 72).out_link.charged, 0);
}

// Two chips of a mesh of eight share one of seven links.
TEST(Collective, AMeshLendsEachPairOneLink) {
  const GpuSpec spec = spec_of("8xmi300x");
  const KernelCost two = all_reduce_cost(spec, 1e6, 2, AllReduceAlgorithm::nccl);
  const KernelCost eight = all_reduce_cost(spec, 1e6, 8, AllReduceAlgorithm::nccl);
  EXPECT_NEAR(two.link.charged / 1e6, 7 * eight.link.charged / 1.75e6, 1e-6);
}

TEST(Collective, RefusesAnUnknownAlgorithm) {
  EXPECT_THROW(parse_all_reduce("tree"), ConfigError);
  EXPECT_EQ(parse_all_reduce("auto"), AllReduceAlgorithm::automatic);
}

}  // namespace
}  // namespace memwall
