#include "memwall/program/ledger.h"

#include <array>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace memwall {
namespace {

// Two layers of a GEMM (1 ns launch, 4 kB at 4 TB/s, 2000 useful of 3000 charged ops at 6 Tops/s) followed by
// a second GEMM of the same label and a norm that competes with it for the memory.
Program two_layers() {
  Program program;
  program.resources = {{"hbm", Amount::bytes, false, 4e12, 4e12, Joules(1e-11), Category::weights},
                       {"tensor", Amount::ops, false, 8e12, 6e12, Joules(1e-12), Category::arithmetic},
                       {"launch", Amount::messages, true, 1e9, 1e9, Joules(0), Category::overhead}};
  program.labels = {"gemm", "norm"};
  program.replicas = 2;
  program.static_power = Watts(100);
  Task gemm;
  add_demand(gemm, 2, Category::overhead, 0, 1);
  add_demand(gemm, 0, Category::weights, 4000, 4000);
  add_demand(gemm, 1, Category::arithmetic, 2000, 3000);
  Task again = gemm;
  add_predecessor(again, 0);
  Task norm;
  norm.label = 1;
  add_predecessor(norm, 0);
  add_demand(norm, 0, Category::kv, 2000, 8000);
  program.blocks = {{"layer", 2, {gemm, again, norm}, {}}};
  return program;
}

// A layer: gemm 0-2 ns; norm ready at 2, serves 2-4; gemm again ready at 3, waits for the memory until 4,
// ends at 5. Two layers: 10 ns.
TEST(Ledger, AccountsForTimeBytesAndEnergy) {
  const Program program = two_layers();
  ScheduleClock clock;
  const Ledger ledger = make_ledger(program, clock);
  EXPECT_DOUBLE_EQ(ledger.time.value, 10e-9);
  EXPECT_DOUBLE_EQ(ledger.bound.value, 2 * 2.5e-9);  // memory: 10 kB useful a layer at 4 TB/s
  // Path of a layer: launch 1, weights 1, launch 1, waiting for the norm's kv 1, weights 1.
  EXPECT_THAT(ledger.shares, testing::Pointwise(testing::DoubleEq(), {0.4, 0.2, 0.0, 0.0, 0.4}));
  EXPECT_EQ(ledger.bound_by, "weights");

  EXPECT_DOUBLE_EQ(ledger.bytes.value, 2 * 2 * 16000);
  EXPECT_DOUBLE_EQ(ledger.ops.value, 2 * 2 * 4000);
  EXPECT_DOUBLE_EQ(ledger.dynamic_energy.value, 2 * 2 * (16000 * 1e-11 + 6000 * 1e-12));
  EXPECT_DOUBLE_EQ(ledger.static_energy.value, 100 * 10e-9);
  EXPECT_DOUBLE_EQ(ledger.energy().value, (ledger.dynamic_energy + ledger.static_energy).value);
}

// Two layers on two replicas: weights 8 kB and KV 8 kB a layer at 10 pJ/B, 6000 ops a layer at 1 pJ; static
// energy is overhead.
TEST(Ledger, SplitsEnergyLikeTime) {
  const Program program = two_layers();
  ScheduleClock clock;
  const Ledger ledger = make_ledger(program, clock);
  EXPECT_DOUBLE_EQ(ledger.energies[0].value, 2 * 2 * 8000 * 1e-11);
  EXPECT_DOUBLE_EQ(ledger.energies[1].value, 2 * 2 * 8000 * 1e-11);
  EXPECT_DOUBLE_EQ(ledger.energies[2].value, 2 * 2 * 6000 * 1e-12);
  EXPECT_DOUBLE_EQ(ledger.energies[4].value, 100 * 10e-9);
  const std::array<double, kCategoryCount> shares = ledger.energy_shares();
  EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-15);
}

TEST(Ledger, HasALinePerBlockAndLabel) {
  const Program program = two_layers();
  ScheduleClock clock;
  const Ledger ledger = make_ledger(program, clock);
  ASSERT_EQ(ledger.lines.size(), 2u);
  const LedgerLine& gemm = ledger.lines[0];
  EXPECT_EQ(gemm.block + "/" + gemm.label, "layer/gemm");
  EXPECT_EQ(gemm.tasks, 4);
  EXPECT_DOUBLE_EQ(gemm.busy.value, 8e-9);
  EXPECT_DOUBLE_EQ(gemm.waiting.value, 2e-9);
  EXPECT_DOUBLE_EQ(gemm.on_path.value, 10e-9);
  EXPECT_DOUBLE_EQ(gemm.bytes.value, 16000);
  EXPECT_DOUBLE_EQ(gemm.ops.value, 8000);
  EXPECT_DOUBLE_EQ(gemm.energy.value, 2 * 4 * (4000 * 1e-11 + 3000 * 1e-12));
  const LedgerLine& norm = ledger.lines[1];
  EXPECT_EQ(norm.tasks, 2);
  EXPECT_DOUBLE_EQ(norm.busy.value, 4e-9);
  EXPECT_DOUBLE_EQ(norm.on_path.value, 0);
}

TEST(Ledger, HasALinePerResource) {
  const Program program = two_layers();
  ScheduleClock clock;
  const Ledger ledger = make_ledger(program, clock);
  ASSERT_EQ(ledger.resources.size(), 3u);
  EXPECT_DOUBLE_EQ(ledger.resources[0].busy.value, 8e-9);
  EXPECT_DOUBLE_EQ(ledger.resources[0].utilization, 0.8);
  EXPECT_DOUBLE_EQ(ledger.resources[0].useful, 20000);
  EXPECT_DOUBLE_EQ(ledger.resources[0].charged, 32000);
  EXPECT_DOUBLE_EQ(ledger.resources[1].busy.value, 2e-9);
  EXPECT_DOUBLE_EQ(ledger.resources[2].busy.value, 4e-9);
  EXPECT_EQ(ledger.resources[2].utilization, 0);  // a delay has no queue to be full
}

TEST(Ledger, PrintsBothTables) {
  const Program program = two_layers();
  ScheduleClock clock;
  EXPECT_EQ(to_text(make_ledger(program, clock)),
            R"(time 10.0 ns, bound 5.00 ns, bound by weights
share of time: weights 0.400 kv 0.200 arithmetic 0.000 communication 0.000 overhead 0.400
share of energy: weights 0.192 kv 0.192 arithmetic 0.014 communication 0.000 overhead 0.601
ops 16.0 kop, bytes 64.0 kB, energy 1.66 uJ (dynamic 664 nJ, static 1.00 uJ)
operator      tasks    on path       busy    waiting      bytes        ops     energy
layer/gemm        4    10.0 ns    8.00 ns    2.00 ns    16.0 kB   8.00 kop     344 nJ
layer/norm        2        0 s    4.00 ns        0 s    16.0 kB       0 op     320 nJ
resource       busy utilization     useful    charged     energy
hbm         8.00 ns       0.800      2e+04    3.2e+04     640 nJ
tensor      2.00 ns       0.200      8e+03    1.2e+04    24.0 nJ
launch      4.00 ns       0.000          0          4        0 J
)");
}

TEST(Ledger, AnEmptyProgramIsAllOverhead) {
  ScheduleClock clock;
  const Ledger ledger = make_ledger(Program{}, clock);
  EXPECT_EQ(ledger.time.value, 0);
  EXPECT_EQ(ledger.bound_by, "overhead");
}

}  // namespace
}  // namespace memwall
