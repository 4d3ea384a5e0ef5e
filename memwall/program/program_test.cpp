#include "memwall/program/program.h"

#include <cmath>
#include <functional>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace memwall {
namespace {

using testing::HasSubstr;

// One layer, twice: a GEMM after a launch, and a sum over chips that waits for it.
Program small_program() {
  Program program;
  program.resources = {
      {"hbm", Amount::bytes, false, 4e12, 3e12, Joules(5e-12), Category::weights},
      {"launch", Amount::messages, true, 1e6, 5e5, Joules(0), Category::overhead},
      {"nvlink", Amount::bytes, false, 4.5e11, 4e11, Joules(1e-11), Category::communication},
  };
  program.labels = {"qkv", "allreduce"};
  program.replicas = 8;
  program.static_power = Watts(800);
  Block layer{"layer", 2, {}, {}};
  Task gemm;
  add_demand(gemm, 1, Category::overhead, 0, 1);
  add_demand(gemm, 0, Category::weights, 3e6, 3e6);
  Task sum;
  sum.label = 1;
  add_predecessor(sum, 0);
  add_demand(sum, 2, Category::communication, 8e3, 16e3);
  layer.tasks = {gemm, sum};
  program.blocks = {layer, {"head", 1, {gemm}, {0}}};
  return program;
}

TEST(Program, CountsRepetitions) { EXPECT_EQ(small_program().task_count(), 5); }

TEST(Program, PrintsALinePerResourceBlockAndTask) {
  EXPECT_EQ(to_text(small_program()), R"(5 tasks, 8 replicas, static power 800 W
resources
  queue hbm: peak 4.00 TB/s, sustained 3.00 TB/s, 5.00 pJ each [weights]
  delay launch: peak 1e+06 messages/s, sustained 500000 messages/s, 0 J each [overhead]
  queue nvlink: peak 450 GB/s, sustained 400 GB/s, 10.0 pJ each [communication]
block layer x2
    0 qkv: launch 1 messages (useful 0 messages) [overhead]; hbm 3.00 MB [weights]
    1 allreduce after 0: nvlink 16.0 kB (useful 8.00 kB) [communication]
block head x1 after layer
    0 qkv: launch 1 messages (useful 0 messages) [overhead]; hbm 3.00 MB [weights]
)");
}

TEST(Program, RoundingDoesNotPutChargedBelowUseful) {
  Task task;
  add_demand(task, 0, Category::weights, 44888832, 44888831.99999999);
  add_demand(task, 0, Category::weights, 44888832, 44888831);
  EXPECT_EQ(task.demands[0].charged, 44888832);
  EXPECT_EQ(task.demands[1].charged, 44888831);  // no rounding: left for verify to refuse
}

TEST(Program, NamesCategories) {
  EXPECT_EQ(name(Category::weights), "weights");
  EXPECT_EQ(name(Category::overhead), "overhead");
}

TEST(Verify, AcceptsAProgramAndTheEmptyOne) {
  EXPECT_NO_THROW(verify(small_program()));
  EXPECT_NO_THROW(verify(Program{}));
}

struct Fault {
  std::function<void(Program&)> make;
  std::string message;
};

class VerifyRefuses : public testing::TestWithParam<Fault> {};

TEST_P(VerifyRefuses, NamingThePlace) {
  Program program = small_program();
  GetParam().make(program);
  try {
    verify(program);
    FAIL() << "accepted; expected: " << GetParam().message;
  } catch (const std::logic_error& error) {
    EXPECT_EQ(error.what(), "[program] " + GetParam().message);
  }
}

Demand& demand(Program& program) { return program.blocks[0].tasks[1].demands[0]; }

INSTANTIATE_TEST_SUITE_P(
    Faults, VerifyRefuses,
    testing::Values(
        Fault{[](Program& p) { p.resources[0].sustained_rate = 0; },
              "resource 'hbm': rates must be positive and finite"},
        Fault{[](Program& p) { p.resources[0].peak_rate = INFINITY; },
              "resource 'hbm': rates must be positive and finite"},
        Fault{[](Program& p) { p.resources[0].sustained_rate = 5e12; },
              "resource 'hbm': sustained rate 5000000000000 is above the peak rate 4000000000000"},
        Fault{[](Program& p) { p.resources[2].energy_per_amount = Joules(-1); },
              "resource 'nvlink': energy per amount must be finite and not negative"},
        Fault{[](Program& p) { p.replicas = 0; }, "program: replicas 0 must be at least 1"},
        Fault{[](Program& p) { p.static_power = Watts(NAN); },
              "program: static power must be finite and not negative"},
        Fault{[](Program& p) { p.power.clocked = Watts(-1); },
              "program: power limit, clocked power and clock must be finite and not negative"},
        Fault{[](Program& p) { p.power.limit = Watts(800); },
              "program: the power limit must be above the static power"},
        Fault{[](Program& p) { p.power.overlap = 0.5; }, "program: overlap 0.5 must be at least 1"},
        Fault{[](Program& p) { p.power.clock_share = 0; },
              "program: clock share 0 must be above 0 and at most 1"},
        Fault{[](Program& p) { p.resources[0].is_rest = true; }, "resource 'hbm': only a delay can be rest"},
        Fault{[](Program& p) { p.blocks[0].repeat = 0; }, "block 'layer': repeat 0 must be at least 1"},
        Fault{[](Program& p) { p.blocks[0].after = {0}; },
              "block 'layer': runs after block 0, which is not an earlier one"},
        Fault{[](Program& p) { p.blocks[0].tasks[1].label = 2; },
              "block 'layer' task 1: label 2 is out of range"},
        Fault{[](Program& p) { p.blocks[0].tasks[1].demand_count = 7; },
              "block 'layer' task 1: more demands or predecessors than a task can hold"},
        Fault{[](Program& p) { p.blocks[0].tasks[1].predecessors[0] = 1; },
              "block 'layer' task 1: predecessor 1 is not an earlier task"},
        Fault{[](Program& p) { demand(p).resource = 3; }, "block 'layer' task 1: resource 3 is out of range"},
        Fault{[](Program& p) { demand(p).useful = -1; },
              "block 'layer' task 1: amounts of 'nvlink' must be finite and not negative"},
        Fault{[](Program& p) { demand(p).charged = NAN; },
              "block 'layer' task 1: amounts of 'nvlink' must be finite and not negative"},
        Fault{[](Program& p) { demand(p).charged = 10; },
              "block 'layer' task 1: charges 10 of 'nvlink', less than the useful 8000"}));

}  // namespace
}  // namespace memwall
