// The cycle-level core against the reference product, its closed form, and its own plain twin.
#include "memwall/processors/dimc/machine.h"

#include <random>

#include <gtest/gtest.h>

#include "memwall/tensor/reference.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

CoreShape small_core() {
  CoreShape core;
  core.inputs = 8;
  core.column_bits = 32;
  core.reload_bytes_per_cycle = 4;  // a row per cycle
  core.pipeline_cycles = 3;
  core.bank_columns = 2;
  core.block_inputs = 4;
  return core;
}

std::vector<std::int32_t> random_values(std::size_t count, int bits, std::mt19937& random) {
  std::uniform_int_distribution<std::int32_t> any(-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
  std::vector<std::int32_t> values(count);
  for (std::int32_t& value : values) {
    value = any(random);
  }
  return values;
}

struct Case {
  CoreShape core;
  int weight_bits = 8, activation_bits = 8, m = 1, k = 1, n = 1;
  std::vector<std::int32_t> x, w;
};
Case random_case() {
  Case c;
  c.core.block_inputs = pick(1, 5);
  c.core.inputs = c.core.block_inputs * pick(1, 40);
  c.weight_bits = pick(1, 9);
  c.core.column_bits = c.weight_bits * pick(1, 9);
  c.core.bits_per_cycle = pick(1, 4);
  c.core.weight_sets = pick(1, 5);
  c.core.reload_bytes_per_cycle = pick(1, 20);
  c.core.pipeline_cycles = pick(0, 9);
  c.core.bank_columns = pick(1, 5);
  c.activation_bits = pick(1, 9);
  c.m = pick(1, 5);
  c.k = pick(1, 100);
  c.n = pick(1, 20);
  std::mt19937 random(static_cast<unsigned>(pick(0, 1 << 30)));
  c.x = random_values(static_cast<std::size_t>(c.m) * c.k, c.activation_bits, random);
  c.w = random_values(static_cast<std::size_t>(c.k) * c.n, c.weight_bits, random);
  return c;
}

TEST(DimcMachine, ProductsAreExactForEveryShapeAndWidth) {
  check_property(200, [] {
    const Case c = random_case();
    const CoreMachine machine(c.core, c.weight_bits, c.activation_bits);
    RC_ASSERT(machine.multiply(c.x, c.w, c.m, c.k, c.n).y == reference::matmul(c.x, c.w, c.m, c.k, c.n));
  });
}

TEST(DimcMachine, CyclesAreTheClosedForm) {
  check_property(200, [] {
    const Case c = random_case();
    const CoreMachine machine(c.core, c.weight_bits, c.activation_bits);
    RC_ASSERT(machine.multiply(c.x, c.w, c.m, c.k, c.n).cycles ==
              stream_cycles(c.core, machine.tiles(c.k, c.n), c.m, c.activation_bits));
  });
}

TEST(DimcMachine, CountingBitsGivesWhatTheAddersGive) {
  check_property(100, [] {
    const Case c = random_case();
    const CoreMachine machine(c.core, c.weight_bits, c.activation_bits);
    const auto plain = machine.multiply(c.x, c.w, c.m, c.k, c.n, CoreMachine::Detail::toggles);
    const auto fast = machine.multiply(c.x, c.w, c.m, c.k, c.n);
    RC_ASSERT(plain.y == fast.y);
    RC_ASSERT(plain.block_sums == fast.block_sums);
    RC_ASSERT(plain.cycles == fast.cycles);
  });
}

// 8 x 4 weights of 8 bits at 4 bytes per cycle: 8 cycles of reload; 8 bits: 8 cycles of product; 3 of
// pipeline.
TEST(DimcMachine, OneTileTakesReloadProductAndPipeline) {
  std::mt19937 random(1);
  const auto x = random_values(8, 8, random), w = random_values(32, 8, random);
  EXPECT_EQ(CoreMachine(small_core(), 8, 8).multiply(x, w, 1, 8, 4).cycles, 8 + 8 + 3);
  // Three tiles: the second and third reload run beside the products before them.
  const auto long_x = random_values(24, 8, random), long_w = random_values(96, 8, random);
  EXPECT_EQ(CoreMachine(small_core(), 8, 8).multiply(long_x, long_w, 1, 24, 4).cycles, 8 + 3 * 8 + 3);
}

TEST(DimcMachine, OneWeightSetCannotOverlap) {
  CoreShape core = small_core();
  core.weight_sets = 1;
  std::mt19937 random(2);
  const auto x = random_values(24, 8, random), w = random_values(96, 8, random);
  EXPECT_EQ(CoreMachine(core, 8, 8).multiply(x, w, 1, 24, 4).cycles, 3 * (8 + 8) + 3);
}

// The last row arrives in the last cycle of the reload: computing a cycle early misses it.
TEST(DimcMachine, AScheduleThatReadsATileTooEarlyComputesGarbage) {
  const CoreMachine machine(small_core(), 8, 8);
  const std::vector<std::int32_t> x(8, -1), w(32, 1);
  std::vector<TileTimes> schedule = plan_stream(small_core(), 1, 1, 8);
  const auto good = machine.run(schedule, x, w, 1, 8, 4, CoreMachine::Detail::results);
  EXPECT_EQ(good.y, std::vector<std::int64_t>(4, -8));
  schedule[0].compute_begin -= 1;
  schedule[0].compute_end -= 1;
  const auto bad = machine.run(schedule, x, w, 1, 8, 4, CoreMachine::Detail::results);
  EXPECT_NE(bad.y, good.y);
}

// Two tiles in one set with the second reload begun too soon: the first product sees weights of both.
TEST(DimcMachine, AReloadThatDoesNotWaitOverwritesWhatIsInUse) {
  CoreShape core = small_core();
  core.weight_sets = 1;
  const CoreMachine machine(core, 8, 8);
  std::vector<std::int32_t> x(16, -1), w(64, 1);
  std::fill(w.begin() + 32, w.end(), 5);
  std::vector<TileTimes> schedule = plan_stream(core, 2, 1, 8);
  const auto good = machine.run(schedule, x, w, 1, 16, 4, CoreMachine::Detail::results);
  EXPECT_EQ(good.y, std::vector<std::int64_t>(4, -48));
  schedule[1].reload_begin = schedule[0].compute_begin;
  EXPECT_NE(machine.run(schedule, x, w, 1, 16, 4, CoreMachine::Detail::results).y, good.y);
}

// x = 1 in 2 bits is 01: the lines of 4 rows rise once. Each product rises with them: w = 3 in 3 bits has two
// ones. Tree of 4: two sums of 6 (110, two ones each) and one of 12 (1100, two ones). The accumulator takes
// 0, then 12.
TEST(DimcMachine, TogglesOfAProductByHand) {
  CoreShape core;
  core.inputs = core.block_inputs = 4;
  core.column_bits = 3;
  core.reload_bytes_per_cycle = 8;
  const CoreMachine machine(core, 3, 2);
  const std::vector<std::int32_t> x(4, 1), w(4, 3);
  const Toggles toggles = machine.multiply(x, w, 1, 4, 1, CoreMachine::Detail::toggles).toggles;
  EXPECT_EQ(toggles.input_lines, 4);
  EXPECT_EQ(toggles.products, 4 * 2);
  EXPECT_EQ(toggles.tree, 2 * 2 + 2);
  EXPECT_EQ(toggles.accumulators, 2);
  EXPECT_EQ(toggles.cells, 4 * 2);
}

TEST(DimcMachine, RowsAndColumnsThatAreSwitchedOffDoNotToggle) {
  std::mt19937 random(3);
  CoreShape core = small_core();
  const auto x = random_values(4, 8, random), w = random_values(8, 8, random);
  const auto run = [&] {
    return CoreMachine(core, 8, 8).multiply(x, w, 1, 4, 2, CoreMachine::Detail::toggles).toggles;
  };
  const Toggles gated = run();
  core.block_inputs = 8;  // the whole core is one block and one bank: idle rows are on, but hold zeros
  core.bank_columns = 4;
  const Toggles whole = run();
  EXPECT_EQ(gated.products, whole.products);
  EXPECT_LT(gated.tree, whole.tree);  // the level above carries the sums further
}

}  // namespace
}  // namespace memwall
