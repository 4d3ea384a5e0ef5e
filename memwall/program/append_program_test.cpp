#include "memwall/program/append_program.h"

#include <gtest/gtest.h>

#include "memwall/program/ledger.h"

namespace memwall {
namespace {

Resource memory(double rate) {
  return {"memory", Amount::bytes, false, rate, rate, Joules(1e-12), Category::weights};
}

// Two reads side by side, three times, then a read: 3 * 2 + 1 reads of a kilobyte on each of `replicas`
// chips.
Program reads(double replicas) {
  Program program;
  program.resources = {memory(1e9)};
  program.labels = {"read"};
  program.replicas = replicas;
  Task task;
  add_demand(task, 0, Category::weights, 1e3, 1e3);
  program.blocks = {{"twice", 3, {task, task}, {}}, {"once", 1, {task}, {0}}};
  return program;
}

TEST(AppendProgram, TakesAsLongAndAsMuchEnergyAsAlone) {
  const Program part = reads(8);
  Program whole;
  ProgramBuilder builder(whole);
  builder.open_block("all", 1, {});
  builder.append(part, "chip", {});
  verify(whole);
  ScheduleClock clock;
  const Ledger alone = make_ledger(part, clock), appended = make_ledger(whole, clock);
  EXPECT_EQ(appended.time.value, 7e-6);
  EXPECT_EQ(appended.time, alone.time);
  EXPECT_EQ(appended.bytes, alone.bytes);
  EXPECT_DOUBLE_EQ(appended.dynamic_energy.value, alone.dynamic_energy.value);
  ASSERT_EQ(whole.resources.size(), 1u);
  EXPECT_EQ(whole.resources[0].name, "chip.memory");
  EXPECT_EQ(whole.resources[0].peak_rate, 8e9);
}

// One after the other on two pools, then at once.
TEST(AppendProgram, WaitsForTheFrontier) {
  Program whole;
  ProgramBuilder builder(whole);
  builder.open_block("in turn", 1, {});
  builder.append(reads(1), "b", builder.append(reads(1), "a", {}));
  builder.open_block("at once", 1, {0});
  builder.append(reads(1), "a", {});
  builder.append(reads(1), "b", {});
  verify(whole);
  EXPECT_EQ(ScheduleClock().run(whole).time.value, 3 * 7e-6);
}

// Six tasks are more than one can wait for.
TEST(AppendProgram, JoinsLongFrontiers) {
  Program part = reads(1);
  part.blocks = {{"six", 1, std::vector<Task>(6, part.blocks[1].tasks[0]), {}}};
  Program whole;
  ProgramBuilder builder(whole);
  builder.open_block("all", 1, {});
  const Frontier six = builder.append(part, "a", {});
  EXPECT_EQ(six.size(), 6u);
  Task last;
  add_demand(last, builder.add_resource(memory(1e9)), Category::weights, 1e3, 1e3);
  EXPECT_EQ(builder.append(last, "last", six).size(), 1u);
  verify(whole);
  EXPECT_EQ(ScheduleClock().run(whole).time.value, 7e-6);
}

}  // namespace
}  // namespace memwall
