// What runs for every step of every sweep: after a first time it must not allocate. This program is linked
// with a counting operator new.
#include <memory>

#include <gtest/gtest.h>

#include "memwall/model/read_model.h"
#include "memwall/program/clock.h"
#include "memwall/serving/open_system.h"
#include "tests/support/allocation_count.h"

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

TEST(Allocation, WorkOfAStepNeverAllocates) {
  for (const char* card : {"llama-3.1-70b", "gpt-oss-120b", "deepseek-v3"}) {
    const Model model = read_model(card);
    Step step{{{64, 1, 4096}, {1, 512, 1024}}, parse_routing("power_law:1.2")};
    const std::int64_t before = allocation_count();
    double macs = 0;
    for_each_operator(model, [&](const Operator& op, std::int64_t) { macs += work(op, step).macs; });
    EXPECT_EQ(allocation_count(), before) << card;
    EXPECT_GT(macs, 0);
  }
}

// Prefill, decode and both at once, of few and of many sequences.
std::vector<Step> many_steps() {
  std::vector<Step> steps;
  for (const std::int64_t count : {1, 2, 7, 216, 300}) {
    for (const std::int64_t past : {0, 1, 127, 128, 2048}) {
      for (const std::int64_t fresh : {1, 2, 33}) {
        steps.push_back({{{count, fresh, past}}, {}});
        steps.push_back({{{count, fresh, past}, {3, 1, past / 2}}, {}});
      }
    }
  }
  return steps;
}

TEST(Allocation, LoweringKeepsItsBuffers) {
  struct Case {
    const char *model, *system;
  };
  ProcessorRegistry processors("processor family");
  register_builtin_processors(processors);
  for (const Case& each :
       {Case{"llama-3.1-70b", "8xh100"}, Case{"gpt-oss-120b", "hnlpu-16"}, Case{"llama-3.1-8b", "taalas-hc1"},
        Case{"llama-3.1-8b", "taalas-hc1-second-pass"}, Case{"llama-3.1-70b", "sohu-8"},
        Case{"gpt-oss-120b", "tpu-v6e-8"}, Case{"gpt2", "1xsplittable"}}) {
    const OpenSystem open = open_system(each.system, processors);
    const Model model = read_model(each.model);
    const Plan plan = open.processor->candidate_plans(model, open.system).front();
    const Placement placement = open.processor->place(model, open.system, plan, {});
    ASSERT_TRUE(placement.fits) << placement.refusal;
    const std::unique_ptr<PlacedModel> placed = open.processor->load(model, open.system, placement, {});
    Program program;
    placed->lower({{{2, 40, 0}}, {}}, program);
    placed->lower({{{1, 1, 10}}, {}}, program);
    for (const Step& step : many_steps()) {
      const std::int64_t before = allocation_count();
      placed->lower(step, program);
      EXPECT_EQ(allocation_count(), before) << each.system << ": " << step.new_tokens() << " new tokens";
    }
  }
}

}  // namespace
}  // namespace memwall
