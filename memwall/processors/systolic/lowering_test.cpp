#include "memwall/processors/systolic/lowering.h"

#include <gtest/gtest.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/systolic/kernels.h"
#include "memwall/processors/systolic/test_support.h"
#include "memwall/program/clock.h"
#include "memwall/program/ledger.h"
#include "memwall/program/power_limit.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using systolic_test::card_named;

SystolicModel loaded(const std::string& chip, const std::string& model, const std::string& plan) {
  // A system of several chips, so that the card has its links.
  return SystolicModel(read_systolic_card(read_system("8x" + chip)), read_model(model), parse_plan(plan));
}

Step decode(std::int64_t sequences, std::int64_t context) { return {{{sequences, 1, context}}, {}}; }
Step prefill(std::int64_t tokens) { return {{{1, tokens, 0}}, {}}; }
Step mixed() { return {{{32, 1, 4096}, {1, 512, 1024}}, {}}; }

Ledger timed(const SystolicModel& model, const Step& step) {
  Program program;
  model.lower(step, program);
  verify(program);
  ScheduleClock clock;
  return make_ledger(program, clock);
}

class EverySystolic : public testing::TestWithParam<std::pair<const char*, const char*>> {};

// Every program verifies, no schedule is below its bound, and a used program becomes what a fresh one is.
TEST_P(EverySystolic, ProgramsHoldTogether) {
  const SystolicModel model = loaded(GetParam().first, GetParam().second, "tp8");
  ScheduleClock clock;
  Program reused;
  for (const Step& step : {decode(1, 1), decode(1, 100), decode(64, 4096), prefill(1), prefill(2048), mixed(),
                           Step{{{3, 7, 100}, {2, 1, 50}, {1, 300, 0}}, {}}}) {
    Program fresh;
    model.lower(step, fresh);
    model.lower(step, reused);
    verify(fresh);
    EXPECT_EQ(to_text(fresh), to_text(reused));
    const double schedule = clock.run(fresh).time.value, bound = bound_time(fresh).time.value;
    EXPECT_LE(bound, schedule);
    EXPECT_NEAR(estimate(fresh).value / schedule, 1, 0.15);
    // The useful operations are those of the model, whatever way it is lowered.
    double macs = 0;
    for_each_operator(read_model(GetParam().second), [&](const Operator& op, std::int64_t repeat) {
      // What is not divided is done by every chip.
      const bool everywhere = op.split == TensorSplit::replicated && std::holds_alternative<Linear>(op.shape);
      macs += static_cast<double>(repeat) * work(op, step).macs * (everywhere ? 8 : 1);
    });
    double ops = 0;
    const Ledger ledger = make_ledger(fresh, clock);
    for (const ResourceLine& line : ledger.resources) {
      ops += line.resource.starts_with("macs") ? line.useful : 0;
    }
    EXPECT_NEAR(ops * 8 / (2 * macs), 1, 0.01);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Systolic, EverySystolic,
    testing::Values(std::pair{"tpu-v5e", "llama-3.1-8b"}, std::pair{"tpu-v6e", "gpt-oss-120b"},
                    std::pair{"tpu-ironwood", "deepseek-v3"}, std::pair{"sisa", "qwen3-32b"},
                    std::pair{"splittable", "llama-3.1-8b"}, std::pair{"splittable", "gemma-3-27b"}));

// One chip, all weights from HBM: decode of one sequence takes at least weights / (0.85 * 1638 GB/s).
TEST(SystolicDecode, IsTheWeightsOverTheBandwidth) {
  const SystolicModel model(card_named("tpu-v6e"), read_model("llama-3.1-8b"), parse_plan("tp1"));
  const Ledger ledger = timed(model, decode(1, 100));
  // The embedding's row is read, not its table.
  const double weights = weight_bytes(read_model("llama-3.1-8b")).value - 2.0 * 128256 * 4096;
  const double floor = weights / (0.85 * 1638e9);
  EXPECT_GT(ledger.time.value, floor);
  EXPECT_NEAR(ledger.time.value / floor, 1, 0.1);  // op starts and the host
  EXPECT_EQ(ledger.bound_by, "weights");
}

// A long prompt on the same chip runs near the peak of the arrays.
TEST(SystolicPrefill, IsTheArithmeticOverThePeak) {
  const SystolicCard card = card_named("tpu-v6e");
  const SystolicModel model(card, read_model("llama-3.1-8b"), parse_plan("tp1"));
  const Ledger ledger = timed(model, prefill(4096));
  const double floor = ledger.ops.value / card.peak(Format::bf16).value;
  EXPECT_GT(ledger.time.value, floor);
  EXPECT_NEAR(ledger.time.value / floor, 1, 0.2);
  EXPECT_EQ(ledger.bound_by, "arithmetic");
}

// A task of the shared program occupies its side's array as long as best_split says on those slabs.
TEST(SystolicSharing, EachSideHasItsOwnCells) {
  const SystolicModel model = loaded("splittable", "llama-3.1-8b", "tp8 mode=hbm/shared4");
  Program program;
  model.lower(mixed(), program);
  verify(program);
  double decode_peak = 0, prefill_peak = 0;
  for (const Resource& resource : program.resources) {
    decode_peak += resource.name == "macs.decode.bf16" ? resource.peak_rate : 0;
    prefill_peak += resource.name == "macs.prefill.bf16" ? resource.peak_rate : 0;
  }
  EXPECT_DOUBLE_EQ(prefill_peak / decode_peak, 12.0 / 4);
  EXPECT_DOUBLE_EQ(decode_peak + prefill_peak, card_named("splittable").peak(Format::bf16).value);
  bool both = false;
  for (const Block& block : program.blocks) {
    both = both || block.name == "prefill layers";
  }
  EXPECT_TRUE(both);
}

// The way that lower() takes is within a twentieth of the best of all by the schedule clock.
TEST(SystolicSharing, ChoiceIsTheQuickestWay) {
  const SystolicCard card = read_systolic_card(read_system("8xsplittable"));
  const Model network = read_model("llama-3.1-8b");
  ScheduleClock clock;
  Program program;
  for (const Step& step :
       {mixed(), Step{{{8, 1, 8192}, {1, 128, 0}}, {}}, Step{{{256, 1, 512}, {4, 2048, 0}}, {}}}) {
    const SystolicModel model(card, network, parse_plan("tp8 mode=hbm"));
    model.lower(step, program);
    const double chosen = clock.run(program).time.value;
    double best = chosen;
    for (const Sharing sharing : {Sharing::batched, Sharing::turns}) {
      model.lower_as(step, {sharing, 0}, program);
      best = std::min(best, clock.run(program).time.value);
    }
    for (std::int64_t slabs = 1; slabs < 16; ++slabs) {
      model.lower_as(step, {Sharing::shared, slabs}, program);
      verify(program);
      best = std::min(best, clock.run(program).time.value);
    }
    EXPECT_LE(chosen, 1.05 * best);
  }
}

// What one side waits for is in the ledger: nothing when alone, something when both read HBM.
TEST(SystolicSharing, LedgerShowsWhatEachTookFromTheOther) {
  const SystolicModel model = loaded("splittable", "llama-3.1-8b", "tp8 mode=hbm");
  Program program;
  ScheduleClock clock;
  const auto waiting = [&](const Step& step, const std::string& side) {
    model.lower_as(step, {Sharing::shared, 4}, program);
    double seconds = 0;
    for (const LedgerLine& line : make_ledger(program, clock).lines) {
      seconds += line.block.starts_with(side) ? line.waiting.value : 0;
    }
    return seconds;
  };
  EXPECT_EQ(waiting(decode(32, 4096), "decode"), 0);
  EXPECT_GT(waiting(mixed(), "decode"), 0);
  EXPECT_GT(waiting(mixed(), "prefill"), 0);
}

TEST(SystolicPipeline, StagesHandOverAndHoldMoreBatches) {
  const SystolicModel one = loaded("splittable", "llama-3.1-8b", "tp2 mode=hbm");
  const SystolicModel four = loaded("splittable", "llama-3.1-8b", "tp2 pp4 mode=hbm");
  EXPECT_EQ(four.batches_in_flight(), 4);
  // Three hops and three transfers of one token of 4096 values in 16 bits.
  const SystolicCard card = read_systolic_card(read_system("8xsplittable"));
  const double hop = card.links->latency.value + 8192 / (card.links->bandwidth.value * card.links->achieved);
  EXPECT_NEAR(timed(four, decode(1, 100)).time.value - timed(one, decode(1, 100)).time.value, 3 * hop, 1e-9);
}

TEST(SystolicKernels, GemmIsItsBestSplit) {
  const SystolicCard card = card_named("splittable");
  const auto kernels = open_systolic_kernels(card, 1);
  Program program;
  kernels->lower(GemmOp{.m = 4096, .n = 8192, .k = 8192}, program);
  verify(program);
  ScheduleClock clock;
  const double cycles = best_split(card, {4096, 8192, 8192}).cost.cycles;
  EXPECT_NEAR(clock.run(program).time.value, card.op_start.value + cycles / card.clock.value, 1e-9);
}

// With a limit of 200 W a v6e's dense product, 289 W at full clock, holds it at a lower one; arrays follow
// the clock, HBM does not.
TEST(SystolicKernels, ClockFallsToThePowerLimit) {
  const SystolicCard card =
      read_systolic_card(edited_system("1xtpu-v6e", "tdp: {value: 300 W", "tdp: {value: 200 W"));
  Program program;
  open_systolic_kernels(card, 1)->lower(GemmOp{.m = 8192, .n = 16384, .k = 16384}, program);
  ScheduleClock clock;
  const Seconds full = clock.run(program).time;
  const Seconds held = run_within_power(program, clock).time;
  EXPECT_LE(average_power(program, held), Watts(200));
  EXPECT_GT(average_power(program, held), Watts(198));
  EXPECT_NEAR(full / held, program.power.clock_share, 0.01);
  for (const Resource& resource : program.resources) {
    const bool on_clock = resource.name == "vector" || resource.name == "sram" ||
                          resource.name.starts_with("array") || resource.name.starts_with("macs");
    EXPECT_EQ(resource.follows_clock, on_clock) << resource.name;
  }
}

TEST(SystolicKernels, RefusesWhatTheChipDoesNotHave) {
  const auto kernels = open_systolic_kernels(read_systolic_card(read_system("8xtpu-v6e")), 8);
  Program program;
  EXPECT_THROW(kernels->lower(GemmOp{.format = Format::fp32, .activation = Format::fp32}, program),
               ConfigError);
  EXPECT_THROW(kernels->lower(AllReduceOp{Bytes(1), 8, "nccl"}, program), ConfigError);
  EXPECT_THROW(kernels->lower(ExpertsOp{.shape = {8, 2, 64, 64}, .routing = {}, .tp = 4, .ep = 4}, program),
               ConfigError);
  EXPECT_THROW(kernels->lower(ExpertsOp{.shape = {9, 2, 64, 64}, .routing = {}, .ep = 4}, program),
               ConfigError);
  for (const KernelOp& op :
       std::vector<KernelOp>{AllReduceOp{Bytes(1e6), 8, "auto"}, PointwiseOp{},
                             AttentionOp{{.heads = 8, .kv_heads = 8, .qk_dim = 64, .v_dim = 64}, {}},
                             ExpertsOp{.shape = {8, 2, 64, 64}, .routing = {}}}) {
    kernels->lower(op, program);
    verify(program);
  }
}

// Split along rows, a GEMV of a slab's load time: 16 slabs, a sixteenth.
TEST(SystolicVariants, BestComesFirst) {
  const auto variants = systolic_variants(card_named("splittable"), GemmOp{.m = 1, .n = 8192, .k = 8192});
  ASSERT_EQ(variants.size(), 10U);
  EXPECT_EQ(variants.front().name, "16 x 1 parts of 16 x 256, weight stationary");
  for (std::size_t i = 1; i < variants.size(); ++i) {
    EXPECT_LE(variants[i - 1].time, variants[i].time);
  }
  EXPECT_TRUE(systolic_variants(card_named("splittable"), PointwiseOp{}).empty());
}

}  // namespace
}  // namespace memwall
