// Questions: do collectives move the bytes of their algorithm, pick the faster one, and slow down across
// domains?
#include "memwall/processors/gpu/collective.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

// As the cards were before anything was fitted.
GpuSpec spec_of(const std::string& name) {
  System system = read_system(name);
  for (Pool& pool : system.pools) {
    pool.chip = pool.chip.without_calibration();
  }
  return read_gpu_spec(system);
}
double sent(const GpuSpec& spec, const KernelCost& cost) {
  return cost.link.charged / spec.scale_up.sustained();
}

TEST(Collective, OneChipCostsNothing) {
  const KernelCost cost = all_reduce_cost(spec_of("8xh100"), 1e6, 1);
  EXPECT_EQ(alone_seconds(spec_of("8xh100"), cost), 0);
}

// One shot: every chip reads (p - 1) B after 2.8 accesses, 0.07 of that more per doubling of the chips.
TEST(Collective, CustomAllReduceReadsEveryPeerOnce) {
  const GpuSpec spec = spec_of("8xh100");
  KernelCost cost = all_reduce_cost(spec, 8192, 8, AllReduceAlgorithm::custom);
  EXPECT_NEAR(cost.delay(GpuDelay::hop), 2.8 * 1.21, 1e-9);
  EXPECT_NEAR(sent(spec, cost), 7 * 8192 / spec.scale_up.peer, 1e-6);
  const double expected = 2.8 * 1.21 * 1e-6 + 7 * 8192 / (0.64 * 450e9);
  EXPECT_NEAR(alone_seconds(spec, cost), expected, 1e-9);
}

// 16 KiB over 4 chips: 5.2 accesses and 6 steps of 0.8, (6 + 0.5) / 4 B at 0.45 of the ring's rate.
TEST(Collective, ShortNcclMessagesTakeTheLowLatencyProtocol) {
  const GpuSpec spec = spec_of("8xh100");
  const double expected = 10e-6 + 6.5 / 4 * 16384 / (0.45 * 0.78 * 450e9);
  EXPECT_NEAR(alone_seconds(spec, all_reduce_cost(spec, 16384, 4, AllReduceAlgorithm::nccl)), expected, 1e-9);
}

// 1 GB over 8 chips: (14 + 0.5) / 8 GB each at 0.86 of 450 GB/s, the switches add; 16.4 accesses to start,
// 16 x sqrt(2) to fill the pipe.
TEST(Collective, BulkNcclRunsAtTheWire) {
  const GpuSpec spec = spec_of("8xh100");
  const double time = alone_seconds(spec, all_reduce_cost(spec, 1e9, 8, AllReduceAlgorithm::nccl));
  EXPECT_NEAR(time, 14.5 / 8 * 1e9 / (0.86 * 450e9) + (16.4 + 16 * std::sqrt(2)) * 1e-6, 1e-8);
}

TEST(Collective, AutomaticIsTheFasterOfBothAsFarAsPeersHaveBuffers) {
  const GpuSpec spec = spec_of("8xh100");
  for (const double bytes : {1e3, 1e5, 1e6, 8e6, 1e7, 1e9}) {
    const double custom = alone_seconds(spec, all_reduce_cost(spec, bytes, 8, AllReduceAlgorithm::custom));
    const double nccl = alone_seconds(spec, all_reduce_cost(spec, bytes, 8, AllReduceAlgorithm::nccl));
    const double best = alone_seconds(spec, all_reduce_cost(spec, bytes, 8));
    EXPECT_DOUBLE_EQ(best, bytes > (8 << 20) ? nccl : std::min(custom, nccl)) << bytes;
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
  EXPECT_GT(across, 1.3 * inside);
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
  const KernelCost two = all_reduce_cost(spec, 1e9, 2, AllReduceAlgorithm::nccl);
  const KernelCost eight = all_reduce_cost(spec, 1e9, 8, AllReduceAlgorithm::nccl);
  EXPECT_NEAR(two.link.charged / (2.5 / 2), 7 * eight.link.charged / (14.5 / 8), 1);
}

TEST(Collective, RefusesAnUnknownAlgorithm) {
  EXPECT_THROW(parse_all_reduce("tree"), ConfigError);
  EXPECT_EQ(parse_all_reduce("auto"), AllReduceAlgorithm::automatic);
}

}  // namespace
}  // namespace memwall
