// Questions: is every lowered program sound, and never faster than its bound?
#include "memwall/processors/gpu/gpu_lowering.h"

#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "memwall/core/data_files.h"
#include "memwall/model/model_parts.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/gpu/gpu_processor.h"
#include "memwall/program/clock.h"
#include "memwall/program/ledger.h"
#include "memwall/program/power_limit.h"

namespace memwall {
namespace {

Plan plan_of(int tp, int pp = 1, int dp = 1, int ep = 1) {
  Plan plan;
  plan.tp = tp;
  plan.pp = pp;
  plan.dp = dp;
  plan.ep = ep;
  return plan;
}

// Loads without asking whether memory suffices: the timing does not depend on it.
std::unique_ptr<PlacedModel> load(const std::string& model, const std::string& system, const Plan& plan,
                                  const LowerOptions& options = {}) {
  Placement placement;
  placement.plan = plan;
  return make_gpu()->load(read_model(model), read_system(system), placement, options);
}

Program lowered(const PlacedModel& placed, const Slice& slice) {
  Step step;
  step.slices = {slice};
  Program program;
  placed.lower(step, program);
  return program;
}

double time_of(const Program& program) {
  ScheduleClock clock;
  return clock.run(program).time.value;
}

std::set<std::string> labels_of(const Program& program) {
  std::set<std::string> used;
  for (const Block& block : program.blocks) {
    for (const Task& task : block.tasks) {
      used.insert(program.labels[static_cast<std::size_t>(task.label)]);
    }
  }
  return used;
}

// Every model card on every box, in every plan worth trying, in eager and in graph mode.
TEST(GpuLowering, EveryPlanGivesASoundProgramAboveItsBound) {
  const auto gpu = make_gpu();
  for (const std::string& name : card_names("models")) {
    const Model model = read_model(name);
    for (const char* box : {"8xh100", "2xb200", "16xh200", "72xgb300", "8xmi355x"}) {
      const System system = read_system(box);
      for (const Plan& plan : gpu->candidate_plans(model, system)) {
        SCOPED_TRACE(name + " on " + box + " as " + to_text(plan));
        Placement placement;
        placement.plan = plan;
        for (const bool eager : {false, true}) {
          LowerOptions options;
          options.eager = eager;
          const auto placed = gpu->load(model, system, placement, options);
          Step step;
          step.slices = {{3, 1, 900}, {1, 100, 50}};
          Program program;
          placed->lower(step, program);
          ASSERT_NO_THROW(verify(program));
          EXPECT_LE(bound_time(program).time.value, time_of(program));
          EXPECT_EQ(program.replicas, plan.tp * plan.dp);
        }
      }
    }
  }
}

RC_GTEST_PROP(GpuLowering, BoundIsNeverAboveTheSchedule, ()) {
  const int tp = 1 << *rc::gen::inRange(0, 4);
  const auto placed =
      load(*rc::gen::element<std::string>("llama-3.1-8b", "gpt-oss-20b"),
           "8x" + *rc::gen::element<std::string>("a100", "h100", "b300", "mi300x"), plan_of(tp, 1, 8 / tp));
  Step step;
  for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
    step.slices.push_back(
        {*rc::gen::inRange(1, 300), *rc::gen::inRange(1, 2000), *rc::gen::inRange(0, 20000)});
  }
  Program program;
  placed->lower(step, program);
  verify(program);
  RC_ASSERT(bound_time(program).time.value <= time_of(program));
}

// At one sequence and a short context the bound is the weights: 16.06 GB less the embedding over 3.35 TB/s.
TEST(GpuLowering, SingleTokenBoundIsTheWeightsOverTheBandwidth) {
  const Program program = lowered(*load("llama-3.1-8b", "1xh100", plan_of(1)), {1, 1, 0});
  const double weights = 2 * (8030261248.0 - 128256.0 * 4096);
  EXPECT_NEAR(bound_time(program).time.value, weights / 3.35e12, 0.01 * weights / 3.35e12);
  EXPECT_GT(time_of(program), 1.1 * weights / 3.35e12);
  EXPECT_LT(time_of(program), 1.8 * weights / 3.35e12);
}

TEST(GpuLowering, OperationsAreThoseOfTheModel) {
  const Model model = read_model("llama-3.1-8b");
  Step step;
  step.slices = {{4, 1, 1000}, {1, 300, 0}};
  double macs = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    macs += static_cast<double>(repeat) * work(op, step).macs;
  });
  for (const Plan& plan : {plan_of(1), plan_of(4)}) {
    const auto placed = load("llama-3.1-8b", "4xh100", plan);
    Program program;
    placed->lower(step, program);
    double ops = 0;
    for (const Block& block : program.blocks) {
      for (const Task& task : block.tasks) {
        for (int i = 0; i < task.demand_count; ++i) {
          const Demand& demand = task.demands[static_cast<std::size_t>(i)];
          const std::string& name = program.resources[static_cast<std::size_t>(demand.resource)].name;
          ops += name == "tensor.bf16" ? static_cast<double>(block.repeat) * demand.useful : 0;
        }
      }
    }
    EXPECT_NEAR(ops * program.replicas, 2 * macs, 1e-9 * macs) << to_text(plan);
  }
}

// Row-split GEMMs end in a sum: two all-reduces a layer, one after the embedding, and the logits gathered.
TEST(GpuLowering, TensorParallelismAddsItsCollectives) {
  EXPECT_EQ(labels_of(lowered(*load("llama-3.1-8b", "8xh100", plan_of(1)), {1, 1, 100})).count("all_reduce"),
            0u);
  const Program program = lowered(*load("llama-3.1-8b", "8xh100", plan_of(8)), {1, 1, 100});
  int reductions = 0;
  for (const Task& task : program.blocks.at(1).tasks) {
    reductions += program.labels[static_cast<std::size_t>(task.label)] == "all_reduce" ? 1 : 0;
  }
  EXPECT_EQ(reductions, 2);
  EXPECT_EQ(labels_of(program).count("gather_logits"), 1u);
}

// Residual adds run in the norm after them.
TEST(GpuLowering, ResidualAddsAreFused) {
  const std::set<std::string> labels =
      labels_of(lowered(*load("llama-3.1-8b", "1xh100", plan_of(1)), {1, 1, 9}));
  for (const std::string& label : labels) {
    EXPECT_EQ(label.find("residual"), std::string::npos) << label;
  }
}

TEST(GpuLowering, ExpertsOverDataParallelChipsExchangeTokens) {
  const auto labels = labels_of(lowered(*load("deepseek-v3", "8xh200", plan_of(1, 1, 8, 8)), {64, 1, 1000}));
  EXPECT_EQ(labels.count("experts.dispatch"), 1u);
  EXPECT_EQ(labels.count("experts.combine"), 1u);
  const auto replicated =
      labels_of(lowered(*load("deepseek-v3", "8xh200", plan_of(8, 1, 1, 8)), {64, 1, 1000}));
  EXPECT_EQ(replicated.count("experts.dispatch"), 0u);
}

// Four stages take as long together as one chip of a quarter of the width would, and the transfers; four
// batches are under way.
TEST(GpuLowering, PipelinesAddUpTheirStages) {
  const auto flat = load("llama-3.1-70b", "2xh100", plan_of(2));
  const auto piped = load("llama-3.1-70b", "8xh100", plan_of(2, 4));
  EXPECT_EQ(flat->batches_in_flight(), 1);
  EXPECT_EQ(piped->batches_in_flight(), 4);
  const double one = time_of(lowered(*flat, {8, 1, 1000})), four = time_of(lowered(*piped, {8, 1, 1000}));
  EXPECT_GT(four, one);
  EXPECT_LT(four, 1.02 * one);
  // All chips draw their static power; useful work is that of the chips that a token passes.
  EXPECT_EQ(lowered(*piped, {8, 1, 1000}).replicas, 2);
  EXPECT_DOUBLE_EQ(lowered(*piped, {8, 1, 1000}).static_power.value,
                   4 * lowered(*flat, {8, 1, 1000}).static_power.value);
}

TEST(GpuLowering, DataParallelGroupsShareTheSequences) {
  const double whole = time_of(lowered(*load("llama-3.1-8b", "8xh100", plan_of(1, 1, 8)), {64, 1, 4000}));
  const double eighth = time_of(lowered(*load("llama-3.1-8b", "1xh100", plan_of(1)), {8, 1, 4000}));
  EXPECT_NEAR(whole, eighth, 1e-9);
}

// The host dispatches a kernel in 6 us: small kernels wait for it, large ones do not.
TEST(GpuLowering, EagerModeIsBoundByTheHost) {
  LowerOptions eager;
  eager.eager = true;
  const auto graph = load("smollm2-135m", "1xh100", plan_of(1));
  const auto host = load("smollm2-135m", "1xh100", plan_of(1), eager);
  EXPECT_GT(time_of(lowered(*host, {1, 1, 100})), 1.3 * time_of(lowered(*graph, {1, 1, 100})));
  EXPECT_LT(time_of(lowered(*host, {16, 2048, 0})), 1.1 * time_of(lowered(*graph, {16, 2048, 0})));
}

TEST(GpuLowering, NarrowActivationsAreQuantisedFirst) {
  EXPECT_EQ(
      labels_of(lowered(*load("llama-3.1-405b-fp8", "8xh100", plan_of(8)), {1, 1, 9})).count("down.quantise"),
      1u);
  EXPECT_EQ(
      labels_of(lowered(*load("llama-3.1-405b", "8xh200", plan_of(8)), {1, 1, 9})).count("down.quantise"),
      0u);
}

TEST(GpuLowering, APartOfAModelHasItsOperatorsOnly) {
  Placement placement;
  placement.plan = plan_of(1);
  const Model ffn = part_of(read_model("llama-3.1-8b"), {OpRole::ffn});
  const auto placed = make_gpu()->load(ffn, read_system("1xh100"), placement, {});
  const std::set<std::string> labels = labels_of(lowered(*placed, {1, 1, 100}));
  EXPECT_EQ(labels.count("down"), 1u);
  EXPECT_EQ(labels.count("attention"), 0u);
  EXPECT_EQ(labels.count("host"), 0u);
}

TEST(GpuLowering, MoreWorkNeverTakesLess) {
  const auto placed = load("llama-3.1-8b", "1xb200", plan_of(1));
  double before = 0;
  for (const std::int64_t batch : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}) {
    const double now = time_of(lowered(*placed, {batch, 1, 2000}));
    EXPECT_GE(now, before);
    before = now;
  }
  EXPECT_LT(time_of(lowered(*placed, {32, 1, 500})), time_of(lowered(*placed, {32, 1, 50000})));
}

// A chip at work draws more than half of its limit and never more than it; prefill would, and slows down.
TEST(GpuLowering, PowerIsOfTheRightOrder) {
  ScheduleClock clock;
  for (const Slice& slice : {Slice{1, 1, 1000}, Slice{64, 1, 4000}, Slice{8, 4096, 0}}) {
    Program program = lowered(*load("llama-3.1-8b", "1xh100", plan_of(1)), slice);
    const Ledger ledger = ledger_within_power(program, clock);
    const double watts = ledger.energy().value / ledger.time.value;
    EXPECT_GT(watts, 350);
    EXPECT_LE(watts, 700);
    EXPECT_EQ(ledger.clock_share < 1, slice.new_tokens > 1);
  }
}

// 61 layers over 4 stages of 16, 15, 15 and 15: 61 / 16 batches are in flight, not 4.
TEST(GpuLowering, TheSlowestStageSetsThePace) {
  EXPECT_DOUBLE_EQ(load("deepseek-v3", "32xh200", plan_of(8, 4))->batches_in_flight(), 61.0 / 16);
  EXPECT_DOUBLE_EQ(load("llama-3.1-70b", "8xh100", plan_of(2, 4))->batches_in_flight(), 4);
}

// The last line of a step is the host's: a time between steps and one for each sequence.
TEST(GpuLowering, HostTimeGrowsWithSequences) {
  const GpuSpec spec = read_gpu_spec(read_system("1xh100"));
  const auto placed = load("llama-3.1-8b", "1xh100", plan_of(1));
  const auto host = [&](std::int64_t batch) {
    ScheduleClock clock;
    const Ledger ledger = make_ledger(lowered(*placed, {batch, 1, 100}), clock);
    return ledger.lines.back().busy.value;
  };
  EXPECT_NEAR(host(1), (spec.host_step + spec.host_sequence).value, 1e-11);
  EXPECT_NEAR(host(65) - host(1), 64 * spec.host_sequence.value, 1e-11);
}

// NVLink is awake on every chip of a plan of several, and only there.
TEST(GpuLowering, LinksTakePowerOnceThereAreSeveralChips) {
  const double one = lowered(*load("llama-3.1-8b", "8xh100", plan_of(1)), {8, 1, 1000}).static_power.value;
  const double two = lowered(*load("llama-3.1-8b", "8xh100", plan_of(2)), {8, 1, 1000}).static_power.value;
  const double links = read_gpu_spec(read_system("8xh100")).link_power.value;
  EXPECT_DOUBLE_EQ(two, 2 * (one + links));
}

}  // namespace
}  // namespace memwall
