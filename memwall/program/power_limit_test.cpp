// Question: what clock does a chip hold at its power limit, and what does that cost in time and energy?
#include "memwall/program/power_limit.h"

#include <gtest/gtest.h>

namespace memwall {
namespace {

enum { kTensor, kMemory, kHost };

// Arithmetic that follows the clock, 1 op a second and 100 J an op; a memory that does not, 1 B a second and
// 10 J a byte; a host that is waited for; 20 W of static power.
Program program_of(double ops, double bytes, double waits = 0) {
  Program program;
  program.resources = {{"tensor", Amount::ops, false, 1, 1, Joules(100), Category::arithmetic, true},
                       {"memory", Amount::bytes, false, 1, 1, Joules(10), Category::weights},
                       {"host", Amount::messages, true, 1, 1, Joules(0), Category::overhead, false, true}};
  program.labels = {"work"};
  program.static_power = Watts(20);
  program.power.clock = Hertz(2e9);
  Task task;
  add_demand(task, kTensor, Category::arithmetic, ops, ops);
  add_demand(task, kMemory, Category::weights, bytes, bytes);
  add_demand(task, kHost, Category::overhead, 0, waits);
  program.blocks = {{"block", 1, {task}, {}}};
  return program;
}

// 100 J of arithmetic in 1 s and 20 W: 120 W.
TEST(PowerLimit, BelowItTheClockIsFull) {
  Program program = program_of(1, 0);
  program.power.limit = Watts(120);
  ScheduleClock clock;
  EXPECT_DOUBLE_EQ(run_within_power(program, clock).time.value, 1);
  EXPECT_EQ(program.power.clock_share, 1);
  program.power.limit = Watts(0);  // none
  EXPECT_DOUBLE_EQ(run_within_power(program, clock).time.value, 1);
}

// At a fixed supply energy does not fall: 100 J / T + 20 W <= 70.05 W at T = 2 s, half the clock.
TEST(PowerLimit, AtAFixedSupplyTimeAloneLowersPower) {
  Program program = program_of(1, 0);
  program.power.limit = Watts(70.05);
  ScheduleClock clock;
  const Ledger ledger = ledger_within_power(program, clock);
  EXPECT_DOUBLE_EQ(ledger.clock_share, 0.5);
  EXPECT_DOUBLE_EQ(ledger.time.value, 2);
  EXPECT_DOUBLE_EQ(ledger.dynamic_energy.value, 100);
  EXPECT_DOUBLE_EQ(ledger.static_energy.value, 40);
  EXPECT_DOUBLE_EQ(ledger.bound.value, 1);  // the bound knows no power
}

// With alpha = 1 the clock share s needs the supply t / (1 - (1 - t) s): at s = 3/4 and t = 0.4, 0.4 / 0.55.
// Energy falls with its square, so power with s times that.
TEST(PowerLimit, AFallingSupplyLowersEnergyToo) {
  Program program = program_of(1, 0);
  program.power.voltage = {0.4, 1, 0.5};
  const double supply = 0.4 / 0.55;
  program.power.limit = Watts(20 + 100 * supply * supply * 0.75 + 1e-6);
  ScheduleClock clock;
  const Ledger ledger = ledger_within_power(program, clock);
  EXPECT_DOUBLE_EQ(ledger.clock_share, 0.75);
  EXPECT_DOUBLE_EQ(ledger.time.value, 1.333333333334);  // rounded up to a picosecond
  EXPECT_NEAR(ledger.dynamic_energy.value, 100 * supply * supply, 1e-9);
}

// 1 s of memory beside 0.4 s of arithmetic: down to 0.4 of the clock nothing is lost. 10 J + 40 J + 20 J in
// 1 s are 70 W; with the supply at 0.6 arithmetic takes 40 * 0.36 = 14.4 J.
TEST(PowerLimit, WorkThatWaitsForMemoryLosesNoTime) {
  Program program = program_of(0.4, 1);
  program.power.voltage = {0.4, 1, 0.6};
  program.power.limit = Watts(45);
  ScheduleClock clock;
  const Ledger ledger = ledger_within_power(program, clock);
  EXPECT_DOUBLE_EQ(ledger.time.value, 1);
  EXPECT_LT(ledger.clock_share, 0.75);
  EXPECT_NEAR((ledger.energy() / ledger.time).value, 45, 0.1);
  EXPECT_DOUBLE_EQ(ledger.energies[0].value, 10);  // the memory's energy does not depend on the clock
}

// 1 s of work and 3 s of waiting: 8 W of clocks flow for 1 s, static power for 4.
TEST(PowerLimit, ClocksTakeNothingAtRest) {
  Program program = program_of(1, 0, 3);
  program.power.clocked = Watts(8);
  ScheduleClock clock;
  const Ledger ledger = ledger_within_power(program, clock);
  EXPECT_DOUBLE_EQ(ledger.time.value, 4);
  EXPECT_DOUBLE_EQ(ledger.static_energy.value, 8 + 80);
  EXPECT_DOUBLE_EQ(average_power(program, ledger.time).value, (100 + 88) / 4.0);
}

// Two programs in flight draw twice the dynamic power in the same time.
TEST(PowerLimit, OverlappingProgramsShareTheLimit) {
  Program program = program_of(1, 0);
  program.power.overlap = 2;
  EXPECT_DOUBLE_EQ(average_power(program, Seconds(1)).value, 220);
}

TEST(PowerLimit, PowerStaysWithinTheLimitAndOneStepAboveDoesNot) {
  for (const double limit : {25.0, 40.0, 77.7, 110.0}) {
    Program program = program_of(1, 0.5);
    program.power.voltage = {0.35, 1.3, 0.7};
    program.power.limit = Watts(limit);
    ScheduleClock clock;
    Timing timing = run_within_power(program, clock);
    EXPECT_LE(average_power(program, timing.time).value, limit);
    set_clock(program, program.power.clock_share + 1.0 / 1024);
    timing = clock.run(program);
    EXPECT_GT(average_power(program, timing.time).value, limit);
  }
}

TEST(PowerLimit, IsNamedInTheLedger) {
  EXPECT_EQ(clock_text(Hertz(1.83e9), 0.77), "clock 1.41 GHz of 1.83 GHz: power limit");
  EXPECT_EQ(clock_text(Hertz(1.83e9), 1), "");
  EXPECT_EQ(clock_text(Hertz(0), 0.5), "");
}

}  // namespace
}  // namespace memwall
