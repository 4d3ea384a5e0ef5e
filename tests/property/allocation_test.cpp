// The clocks are called for every step of every sweep: after a first run they must not allocate. This program
// is linked with a counting operator new.
#include <gtest/gtest.h>

#include "bench/allocation_count.h"
#include "memwall/program/clock.h"

namespace memwall {
namespace {

// `wide` chains of `tasks` tasks side by side, all on one resource.
Program chains(int wide, int tasks, std::int64_t repeat) {
  Program program;
  program.resources = {{"memory", Amount::bytes, false, 1e12, 1e12, {}, Category::weights}};
  program.labels = {"op"};
  for (int w = 0; w < wide; ++w) {
    Block block{"chain", repeat, {}, {}};
    for (int t = 0; t < tasks; ++t) {
      Task& task = block.tasks.emplace_back();
      add_demand(task, 0, Category::weights, 1000 + w, 1000 + t);
      if (t > 0) {
        add_predecessor(task, t - 1);
      }
    }
    program.blocks.push_back(block);
  }
  return program;
}

TEST(Allocation, TheCounterCounts) {
  const std::int64_t before = allocation_count();
  const auto number = std::make_unique<int>(1);
  EXPECT_EQ(allocation_count() - before, *number);
}

TEST(Allocation, TheScheduleClockKeepsItsBuffers) {
  const Program large = chains(3, 40, 50), small = chains(2, 10, 1000);
  ScheduleClock clock;
  clock.run(large);
  clock.execute(large);
  const std::int64_t before = allocation_count();
  clock.run(small);
  clock.execute(small);
  clock.run(large);
  clock.execute(large);
  EXPECT_EQ(allocation_count() - before, 0);
}

TEST(Allocation, TheBoundClockNeverAllocates) {
  const Program program = chains(4, 500, 10);
  const std::int64_t before = allocation_count();
  bound_time(program);
  EXPECT_EQ(allocation_count() - before, 0);
}

}  // namespace
}  // namespace memwall
