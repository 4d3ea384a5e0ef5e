#include "memwall/processors/dimc/core_shape.h"

#include <gtest/gtest.h>

#include "tests/support/check_property.h"

namespace memwall {
namespace {

CoreShape corsair_core() {
  CoreShape core;
  core.inputs = 64;
  core.column_bits = 512;
  core.reload_bytes_per_cycle = 64;
  core.pipeline_cycles = 8;
  return core;
}

// 64 x 64 in 8 cycles; 64 x 128 of 4 bits in 4; 64 x 32 of 16 bits in 16.
TEST(CoreShape, ProductsTakeACyclePerActivationBit) {
  const CoreShape core = corsair_core();
  EXPECT_EQ(product_cycles(core, 8), 8);
  EXPECT_EQ(macs_per_cycle(core, 8, 8), 64 * 64 / 8.0);
  EXPECT_EQ(macs_per_cycle(core, 4, 4), 64 * 128 / 4.0);
  EXPECT_EQ(macs_per_cycle(core, 16, 16), 64 * 32 / 16.0);
  EXPECT_EQ(macs_per_cycle(core, 4, 8), 64 * 128 / 8.0);
}

// 4,096 bytes at 64 per cycle: 64 cycles, as long as 8 products of 8 bits or 16 of 4.
TEST(CoreShape, ReloadIsHiddenFromABatchOn) {
  EXPECT_EQ(reload_cycles(corsair_core()), 64);
  EXPECT_EQ(saturating_vectors(corsair_core(), 8), 8);
  EXPECT_EQ(saturating_vectors(corsair_core(), 4), 16);
}

TEST(CoreShape, SeveralBitsPerCycleRoundUp) {
  CoreShape core = corsair_core();
  core.bits_per_cycle = 3;
  EXPECT_EQ(product_cycles(core, 8), 3);
}

// 10 tiles, 8 vectors: R = P = 64.
TEST(CoreShape, StreamOfTilesByHand) {
  EXPECT_EQ(stream_cycles(corsair_core(), 10, 8, 8), 64 + 64 + 9 * 64 + 8);
  EXPECT_EQ(stream_cycles(corsair_core(), 10, 1, 8), 64 + 8 + 9 * 64 + 8);      // reload bound
  EXPECT_EQ(stream_cycles(corsair_core(), 10, 20, 8), 64 + 160 + 9 * 160 + 8);  // compute bound
}

TEST(CoreShape, TheScheduleHasNoHazardAndEndsWithTheClosedForm) {
  check_property(300, [] {
    CoreShape core;
    core.inputs = pick(1, 65);
    core.column_bits = pick(1, 600);
    core.bits_per_cycle = pick(1, 4);
    core.weight_sets = pick(1, 6);
    core.reload_bytes_per_cycle = pick(1, 65);
    core.pipeline_cycles = pick(0, 9);
    const int tiles = pick(1, 20), vectors = pick(1, 20), bits = pick(1, 17);
    const std::vector<TileTimes> times = plan_stream(core, tiles, vectors, bits);
    for (std::size_t i = 0; i < times.size(); ++i) {
      RC_ASSERT(times[i].compute_begin >= times[i].reload_begin + reload_cycles(core));
      RC_ASSERT(times[i].compute_end == times[i].compute_begin + vectors * product_cycles(core, bits));
      if (i > 0) {
        RC_ASSERT(times[i].compute_begin >= times[i - 1].compute_end);
        RC_ASSERT(times[i].reload_begin >= times[i - 1].reload_begin + reload_cycles(core));
      }
      if (i >= static_cast<std::size_t>(core.weight_sets)) {
        RC_ASSERT(times[i].reload_begin >= times[i - static_cast<std::size_t>(core.weight_sets)].compute_end);
      }
    }
    RC_ASSERT(times.back().compute_end + core.pipeline_cycles == stream_cycles(core, tiles, vectors, bits));
  });
}

}  // namespace
}  // namespace memwall
