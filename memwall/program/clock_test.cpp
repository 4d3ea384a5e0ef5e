// Hand-computed schedules. Rates are 1e12 amounts per second, so that an amount is its time in picoseconds.
#include "memwall/program/clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

constexpr std::int32_t kMemory = 0, kMatrix = 1, kLaunch = 2;

Program two_resources() {
  Program program;
  program.resources = {{"memory", Amount::bytes, false, 1e12, 1e12, {}, Category::weights},
                       {"matrix", Amount::ops, false, 1e12, 1e12, {}, Category::arithmetic},
                       {"launch", Amount::messages, true, 1e12, 1e12, {}, Category::overhead}};
  program.labels = {"op"};
  return program;
}

Task task(std::initializer_list<Demand> demands, std::initializer_list<std::int32_t> predecessors = {}) {
  Task result;
  for (const Demand& demand : demands) {
    add_demand(result, demand.resource, demand.category, demand.useful, demand.charged);
  }
  for (std::int32_t predecessor : predecessors) {
    add_predecessor(result, predecessor);
  }
  return result;
}
Demand weights(double amount) { return {kMemory, Category::weights, amount, amount}; }
Demand kv(double amount) { return {kMemory, Category::kv, amount, amount}; }
Demand arithmetic(double amount) { return {kMatrix, Category::arithmetic, amount, amount}; }
Demand launch(double amount) { return {kLaunch, Category::overhead, 0, amount}; }

// weights, kv, arithmetic, communication, overhead
std::array<std::int64_t, kCategoryCount> path_ps(const Timing& timing) {
  std::array<std::int64_t, kCategoryCount> result;
  for (std::size_t c = 0; c < result.size(); ++c) {
    result[c] = std::llround(timing.on_path[c].value * 1e12);
  }
  return result;
}
std::int64_t time_ps(const Timing& timing) { return std::llround(timing.time.value * 1e12); }

TEST(Schedule, ATaskSpendsItsDelaysThenWorksOnAllDemandsAtOnce) {
  Program program = two_resources();
  program.blocks = {{"b", 1, {task({launch(5), weights(30), launch(2), arithmetic(20)})}, {}}};
  ScheduleClock clock;
  std::vector<TaskSpan> spans;
  const Timing timing = clock.execute(program, &spans);
  EXPECT_EQ(time_ps(timing), 7 + 30);
  EXPECT_THAT(path_ps(timing), testing::ElementsAre(30, 0, 0, 0, 7));
  EXPECT_EQ(spans, (std::vector<TaskSpan>{{0, 0, 0, SimTime{7}, SimTime{7}, SimTime{37}}}));
}

TEST(Schedule, DemandsOnOneResourceAreServedBackToBack) {
  Program program = two_resources();
  program.blocks = {{"b", 1, {task({weights(30), arithmetic(35), kv(10)})}, {}}};
  ScheduleClock clock;
  EXPECT_EQ(time_ps(clock.run(program)), 40);
  EXPECT_THAT(path_ps(clock.run(program)), testing::ElementsAre(30, 10, 0, 0, 0));
}

// Task 0 holds memory until 10 and matrix until 4. Task 1 needs both and begins at 10; task 2 needs only the
// matrix unit, but came after task 1 and queues behind it.
TEST(Schedule, QueuesAreFirstComeFirstServed) {
  Program program = two_resources();
  program.blocks = {{"b",
                     1,
                     {task({weights(10), arithmetic(4)}), task({launch(1), kv(5), arithmetic(7)}),
                      task({launch(2), arithmetic(1)})},
                     {}}};
  ScheduleClock clock;
  std::vector<TaskSpan> spans;
  const Timing timing = clock.execute(program, &spans);
  EXPECT_EQ(spans, (std::vector<TaskSpan>{{0, 0, 0, SimTime{0}, SimTime{0}, SimTime{10}},
                                          {0, 1, 0, SimTime{1}, SimTime{10}, SimTime{17}},
                                          {0, 2, 0, SimTime{2}, SimTime{17}, SimTime{18}}}));
  // The path is task 2 alone: 2 of launch, 15 of waiting for task 1's arithmetic, 1 of its own.
  EXPECT_THAT(path_ps(timing), testing::ElementsAre(0, 0, 16, 0, 2));
  EXPECT_EQ(clock.totals()[1], (TaskTotals{SimTime{8}, SimTime{9}, SimTime{0}}));
  EXPECT_EQ(clock.totals()[2], (TaskTotals{SimTime{3}, SimTime{15}, SimTime{18}}));
}

TEST(Schedule, EqualReadinessGoesByTaskNumber) {
  Program program = two_resources();
  program.blocks = {{"late", 1, {task({weights(3)}), task({weights(5)})}, {}},
                    {"early", 1, {task({weights(2)})}, {}}};
  ScheduleClock clock;
  std::vector<TaskSpan> spans;
  clock.execute(program, &spans);
  EXPECT_EQ(spans[0].end.ps, 3);
  EXPECT_EQ(spans[1].end.ps, 8);
  EXPECT_EQ(spans[2].end.ps, 10);
}

TEST(Schedule, ADemandOfNothingDoesNotQueue) {
  Program program = two_resources();
  program.blocks = {{"b", 1, {task({weights(10)}), task({weights(0), arithmetic(4)})}, {}}};
  ScheduleClock clock;
  EXPECT_EQ(time_ps(clock.run(program)), 10);
  EXPECT_EQ(clock.totals()[1].waiting.ps, 0);
}

// Two chains into one task: the path follows the one that finishes last.
TEST(Schedule, ThePathFollowsThePredecessorThatFinishedLast) {
  Program program = two_resources();
  program.blocks = {
      {"b", 3, {task({weights(10)}), task({arithmetic(25)}), task({kv(4)}, {0, 1}), task({}, {2})}, {}},
      {"end", 1, {task({launch(6)})}, {0}}};
  ScheduleClock clock;
  const Timing timing = clock.run(program);
  EXPECT_EQ(time_ps(timing), 3 * 29 + 6);
  EXPECT_THAT(path_ps(timing), testing::ElementsAre(0, 12, 75, 0, 6));
  EXPECT_EQ(clock.totals()[0].on_path.ps, 0);
  EXPECT_EQ(clock.totals()[1].on_path.ps, 75);
}

TEST(Schedule, TimesRoundUpToAPicosecond) {
  Program program = two_resources();
  program.resources[kMemory].sustained_rate = 0.8e12;
  program.blocks = {{"b", 1, {task({weights(10)}), task({weights(1)}, {0})}, {}}};
  ScheduleClock clock;
  EXPECT_EQ(time_ps(clock.run(program)), 13 + 2);  // 12.5 and 1.25
}

TEST(Schedule, BlocksWithoutTasksPassTimeOn) {
  Program program = two_resources();
  program.blocks = {
      {"a", 2, {task({weights(10)})}, {}}, {"nothing", 5, {}, {0}}, {"c", 1, {task({kv(1)})}, {1}}};
  ScheduleClock clock;
  EXPECT_EQ(time_ps(clock.run(program)), 21);
  EXPECT_THAT(path_ps(clock.run(program)), testing::ElementsAre(20, 1, 0, 0, 0));
  EXPECT_EQ(time_ps(bound_time(program)), 21);
}

// Two loops side by side that compete for the memory; a plain execution would take minutes. The shortened
// one differs by its first and last repetitions.
TEST(Schedule, FastForwardsLoopsThatCompete) {
  Program program = two_resources();
  program.blocks = {{"a", 400'000'000, {task({weights(3), arithmetic(5)})}, {}},
                    {"b", 300'000'000, {task({kv(2)}), task({launch(4)}, {0})}, {}}};
  const auto scaled = [&](std::int64_t shrink) {
    Program small = program;
    small.blocks[0].repeat /= shrink;
    small.blocks[1].repeat /= shrink;
    return small;
  };
  ScheduleClock clock;
  const Timing timing = clock.run(program);
  const Timing small = clock.execute(scaled(100'000));
  EXPECT_NEAR(timing.time.value, small.time.value * 100'000, 1e-4 * timing.time.value);
}

TEST(Schedule, RefusesProgramsLongerThanItsIntegers) {
  Program program = two_resources();
  program.blocks = {{"b", 1'000'000'000'000, {task({weights(1e9)})}, {}}};
  ScheduleClock clock;
  const auto refusal = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::string expected = "simulated time: found 1.00 Gs, expected at most 1.00 Ms";
  EXPECT_EQ(refusal([&] { clock.run(program); }), expected);
  EXPECT_EQ(refusal([&] { bound_time(program); }), expected);
  program.blocks = {{"b", 1, {task({weights(1e300)})}, {}}};
  EXPECT_NE(refusal([&] { clock.run(program); }), "accepted");
  EXPECT_NE(refusal([&] { bound_time(program); }), "accepted");
}

TEST(Schedule, AnEmptyProgramTakesNoTime) {
  ScheduleClock clock;
  EXPECT_EQ(time_ps(clock.run(Program{})), 0);
  EXPECT_EQ(time_ps(bound_time(Program{})), 0);
}

// Critical path: useful delay 0, then the slower of 10 / 2 and 8 on peak rates; twice; then 3.
TEST(Bound, TakesTheCriticalPathAtPeakRates) {
  Program program = two_resources();
  program.resources[kMemory].peak_rate = 2e12;
  program.blocks = {{"b", 2, {task({launch(5), weights(10), arithmetic(8)})}, {}},
                    {"c", 1, {task({kv(6)})}, {0}}};
  EXPECT_EQ(time_ps(bound_time(program)), 2 * 8 + 3);
  EXPECT_THAT(path_ps(bound_time(program)), testing::ElementsAre(0, 3, 16, 0, 0));
}

TEST(Bound, AUsefulDelayIsPartOfThePath) {
  Program program = two_resources();
  program.blocks = {{"b", 1, {task({{kLaunch, Category::communication, 4, 9}, weights(10)})}, {}}};
  EXPECT_EQ(time_ps(bound_time(program)), 14);
  EXPECT_THAT(path_ps(bound_time(program)), testing::ElementsAre(10, 0, 0, 4, 0));
}

TEST(Bound, TakesTheBusiestResourceWhenItIsLonger) {
  Program program = two_resources();
  program.blocks = {{"b", 3, {task({weights(10)}), task({kv(4)}), task({arithmetic(11)})}, {}}};
  EXPECT_EQ(time_ps(bound_time(program)), 3 * 14);
  EXPECT_THAT(path_ps(bound_time(program)), testing::ElementsAre(30, 12, 0, 0, 0));
}

}  // namespace
}  // namespace memwall
