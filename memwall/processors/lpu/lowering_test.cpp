#include "memwall/processors/lpu/lowering.h"

#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/model/model_parts.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/lpu/lpu.h"
#include "memwall/processors/lpu/placement.h"
#include "memwall/processors/lpu/test_support.h"
#include "memwall/program/ledger.h"

namespace memwall {
namespace {

using lpu_test::card_named;

Step decode(std::int64_t sequences, std::int64_t context) { return {{{sequences, 1, context}}, {}}; }
Step prefill(std::int64_t sequences, std::int64_t tokens) { return {{{sequences, tokens, 0}}, {}}; }

double seconds(const PlacedModel& model, const Step& step) {
  Program program;
  model.lower(step, program);
  verify(program);
  ScheduleClock clock;
  return clock.run(program).time.value;
}

std::vector<Step> many_steps() {
  std::vector<Step> steps;
  for (const std::int64_t count : {1, 3, 64}) {
    for (const std::int64_t past : {0, 100, 3000}) {
      steps.push_back(decode(count, past));
      steps.push_back({{{count, 700, past}, {2, 1, 50}}, {}});
    }
  }
  return steps;
}

class EveryModel : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(EveryModel, BoundIsNeverAboveTheScheduleAndStorageIsReused) {
  const auto [name, chip] = GetParam();
  const Model model = read_model(name);
  for (const Plan& plan : {parse_plan("tp1"), parse_plan("tp8 pp9"), parse_plan("tp64 pp4 dp2")}) {
    const LpuModel placed(model, card_named(chip), plan);
    ScheduleClock clock;
    Program reused;
    for (const Step& step : many_steps()) {
      placed.lower(step, reused);
      Program fresh;
      placed.lower(step, fresh);
      verify(fresh);
      EXPECT_EQ(to_text(reused), to_text(fresh));
      EXPECT_LE(bound_time(fresh).time, clock.run(fresh).time);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lpu, EveryModel,
                         testing::Combine(testing::Values("llama-3.1-8b", "gpt-oss-120b", "deepseek-v3",
                                                          "gpt2"),
                                          testing::Values("lpu-v1", "lp30")));

// A dense layer's task times add up to the closed form that is held against executed schedules: norm, QKV,
// rope, attention, o, norm, gate and up, down, and the two additions and the gate that hang on the matrices'
// chains.
TEST(LpuLowering, LayerIsTheClosedForm) {
  const LpuCard card = card_named("lp30");
  const Model model = read_model("llama-3.1-8b");
  for (const int tp : {1, 8}) {
    Plan plan;
    plan.tp = tp;
    const LpuModel placed(model, card, plan);
    Program program;
    placed.lower(decode(1, 2000), program);
    for (Block& block : program.blocks) {
      if (block.name == model.groups.front().name) {
        block.repeat = 1;
        block.after.clear();
        program.blocks = {block};
        break;
      }
    }
    ScheduleClock clock;
    const double cycles = clock.run(program).time.value * card.clock.value;
    const DecoderLayerShape shape{4096, 32, 8, 128, 14336, 1, 2000};
    EXPECT_NEAR(cycles / layer_cycles(card.geometry, link_timing(card), tp, shape), 1, 0.01) << tp;
  }
}

TEST(LpuLowering, PartsAreLoweredUnderTheLayersName) {
  const Model model = read_model("gpt-oss-120b");
  const Plan plan = parse_plan("tp8 pp9");
  const LpuCard card = card_named("lp30");
  const std::set<OpRole> ffn = {OpRole::ffn}, attention = {OpRole::embed, OpRole::attention, OpRole::head};
  const auto labels = [&](const std::set<OpRole>& roles) {
    Program program;
    LpuModel(part_of(model, roles), card, plan).lower(decode(4, 100), program);
    verify(program);
    std::string text;
    bool named = false;
    for (const Block& block : program.blocks) {
      named = named || block.name == model.groups.front().name;
      for (const Task& task : block.tasks) {
        text += program.labels[static_cast<std::size_t>(task.label)] + " ";
      }
    }
    EXPECT_TRUE(named);
    return text;
  };
  const std::string of_ffn = labels(ffn), of_attention = labels(attention);
  EXPECT_EQ(of_ffn.find("qkv"), std::string::npos);
  EXPECT_EQ(of_ffn.find("host"), std::string::npos);
  EXPECT_EQ(of_ffn.find("head"), std::string::npos);
  EXPECT_NE(of_ffn.find("experts"), std::string::npos);
  EXPECT_EQ(of_attention.find("experts"), std::string::npos);
  EXPECT_NE(of_attention.find("qkv"), std::string::npos);
}

// A prefill in chunks through a pipeline: never slower than in one piece, and the more stages the better.
TEST(LpuLowering, PrefillFlowsThroughThePipeline) {
  const Model model = read_model("llama-3.1-8b");
  const LpuCard card = card_named("lp30");
  const double one = seconds(LpuModel(model, card, parse_plan("tp8")), prefill(1, 4096));
  const double piped = seconds(LpuModel(model, card, parse_plan("tp8 pp16")), prefill(1, 4096));
  EXPECT_LT(piped, one / 4);
  EXPECT_GT(piped, one / 16);
}

TEST(LpuLowering, ExchangeOverheadIsPaidPerExchange) {
  const Model model = read_model("llama-2-7b");
  LpuCard card = card_named("lpu-v1");
  const Plan plan = parse_plan("tp8 pp9");
  const double fitted = seconds(LpuModel(model, card, plan), decode(1, 100));
  card.links.exchange_overhead = Seconds(1e-9);
  const double bare = seconds(LpuModel(model, card, plan), decode(1, 100));
  EXPECT_NEAR(fitted - bare, (2 * 32 + 8) * (20e-6 - 1e-9), 1e-8);
}

TEST(LpuPlacement, ChipsFollowFromArithmetic) {
  const auto chips = [](const char* model, const char* system) {
    const System opened = read_system(system);
    const Placement placement = make_lpu()->place(read_model(model), opened, parse_plan("tp1"), {1, 1024, 1});
    return placement.smallest_chips;
  };
  // 16 bits: a layer of 1.71 GB on eight chips of 226 MB each, 80 of them, and a stage for the output matrix.
  // 8 bits: on four. Neither is the 576 that the press gives: 72 nodes of eight do not divide 80 layers.
  EXPECT_EQ(chips("llama-2-70b", "groq-576"), 648);
  EXPECT_EQ(chips("llama-2-70b-w8a16", "groq-576"), 324);
  EXPECT_EQ(chips("llama-3.1-8b", "groqrack"), 70);
}

TEST(LpuPlacement, SaysWhatIsMissing) {
  const System system = read_system("groqrack");
  const Placement placement =
      make_lpu()->place(read_model("llama-3.1-70b"), system, parse_plan("tp8 pp9"), {1, 1024, 1});
  EXPECT_FALSE(placement.fits);
  EXPECT_EQ(placement.refusal.find("sram short by "), 0u) << placement.refusal;
}

TEST(LpuPlacement, AnFfnPoolHoldsNoCacheAndNoHead) {
  const System system = read_system("lpx-rack");
  const Model model = read_model("llama-3.1-70b");
  const Plan plan = parse_plan("tp8 pp20");
  const Need need{4, 4096, 4};
  const Placement whole = make_lpu()->place(model, system, plan, need);
  const Placement ffn = make_lpu()->place(part_of(model, {OpRole::ffn}), system, plan, need);
  EXPECT_EQ(ffn.memory.front().kv.value, 0);
  EXPECT_LT(ffn.memory.front().weights, whole.memory.front().weights);
}

TEST(LpuPlacement, PlansThatDoNotDivideAreRefused) {
  const System system = read_system("groqrack");
  const Model model = read_model("llama-3.1-8b");
  const auto refusal = [&](const char* plan) {
    try {
      make_lpu()->place(model, system, parse_plan(plan), {1, 1024, 1});
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("placed");
  };
  EXPECT_EQ(refusal("tp8 pp10"), "plan: found tp8 pp10, expected at most the 72 chips of groqrack");
  EXPECT_EQ(refusal("tp8 ep8"),
            "plan: found tp8 ep8, expected no ep and no mode: experts are divided over tp");
  EXPECT_EQ(refusal("tp1 pp60"),
            "plan: found tp1 pp60, expected at most 37 stages: 32 with layers and 5 with the output matrix");
  EXPECT_EQ(refusal("tp72"), "plan: found tp72, expected tp of at most 64");
}

}  // namespace
}  // namespace memwall
