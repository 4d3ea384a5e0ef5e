#include "memwall/processors/hardwired/lowering.h"

#include <gtest/gtest.h>

#include "memwall/processors/hardwired/test_support.h"

namespace memwall {
namespace {

using hardwired_test::card_named;
using hardwired_test::decode;
using hardwired_test::loaded;
using hardwired_test::prefill;
using hardwired_test::Timed;
using hardwired_test::timed;

const Block& block_named(const Program& program, const std::string& name) {
  for (const Block& block : program.blocks) {
    if (block.name == name) {
      return block;
    }
  }
  throw std::logic_error("no block " + name);
}

// Length of one repetition of the pace block, whose stages stand side by side: the slowest stage.
double pace_of(const HardwiredModel& model, const Step& step) {
  Program program;
  model.lower(step, program);
  Block pace = block_named(program, "pace");
  pace.repeat = 1;
  program.blocks = {pace};
  ScheduleClock clock;
  return clock.run(program).time.value;
}

TEST(HnlpuPipeline, SlotsAreStagesTimesLayers) { EXPECT_EQ(loaded(card_named("hnlpu")).slots(), 6 * 36); }

// One fitted constant, the protocol's cost of an exchange, puts the pipeline on the published rate.
TEST(HnlpuPipeline, ThroughputAt2KIsThePublishedOne) {
  const Timed full = timed(loaded(card_named("hnlpu")), decode(216, 2048));
  EXPECT_NEAR(216 / full.seconds() / 249960, 1, 1e-3);
  EXPECT_NEAR(full.seconds() / 216 * 1e6, 4.0006, 0.005);
}

// Without it the slowest stage takes 1.2 us (0.7 us with serial input bits only). What is left to set the
// pace are the three links of a chip to its column, which all layers share: 1.29 MB per token at 384
// GB/s, 3.36 us.
TEST(HnlpuPipeline, BareLinkArithmeticGivesMore) {
  const Timed full = timed(loaded(card_named("hnlpu")), decode(216, 2048));
  EXPECT_NEAR(216 / full.ledger.bound.value, 297.7e3, 0.1e3);
  HardwiredCard bare = card_named("hnlpu");
  bare.links->round_overhead = Seconds(1e-15);
  const Timed without = timed(loaded(bare), decode(216, 2048));
  EXPECT_NEAR(216 / without.seconds(), 297.7e3, 0.1e3);
  double column_bytes = 0;
  for (const ResourceLine& line : without.ledger.resources) {
    column_bytes += line.resource == "column links" ? line.charged / 216 : 0;
  }
  EXPECT_NEAR(column_bytes, 1.29e6, 0.005e6);
}

// Little's law: tokens in flight = rate * residence, up to the 216 slots.
TEST(HnlpuPipeline, TokensInFlightAreRateTimesResidence) {
  const HardwiredModel model = loaded(card_named("hnlpu"));
  const double pace = pace_of(model, decode(1, 2048));
  const double passage = timed(model, decode(1, 2048)).seconds();
  for (const std::int64_t sequences : {1, 8, 64, 128, 216, 400}) {
    const double residence = timed(model, decode(sequences, 2048)).seconds();  // of a token, and its queue
    const double rate = static_cast<double>(sequences) / residence;
    EXPECT_NEAR(rate * residence, sequences, 1e-9);
    EXPECT_LE(rate, 1 / pace * (1 + 1e-6));
    EXPECT_GE(residence, passage * (1 - 1e-9));
    // Below the knee passage / pace sequences do not see each other; above it they queue at the entry.
    EXPECT_NEAR(residence, std::max(passage, static_cast<double>(sequences) * pace), 1e-3 * residence);
  }
  EXPECT_LT(passage, 216 * pace);  // no more tokens inside than slots
}

// prefill of P tokens = fill + (P - 1) * pace.
TEST(HnlpuPipeline, PrefillIsAFillAndAPacePerToken) {
  const HardwiredModel model = loaded(card_named("hnlpu"));
  for (const std::int64_t tokens : {2, 17, 300}) {
    const double fill = timed(model, decode(1, tokens - 1)).seconds();  // of the last token
    const double pace = pace_of(model, prefill(1, tokens));
    EXPECT_NEAR(timed(model, prefill(1, tokens)).seconds(), fill + static_cast<double>(tokens - 1) * pace,
                1e-9);
  }
}

// At 64K the vector unit, one per chip for all 36 layers, is what 216 sequences wait for:
// 2 passes * 36 layers * 1,024 cycles each.
TEST(HnlpuPipeline, SharedVectorUnitSetsThePaceOfLongContexts) {
  const Timed full = timed(loaded(card_named("hnlpu")), decode(216, 65535));
  EXPECT_NEAR(full.seconds() / 216, 2 * 36 * 1024e-9, 1e-9);
  EXPECT_EQ(full.ledger.bound_by, "kv");
}

// One sequence: no stall while the buffer holds it, then 1 / (HBM rate seen by attention) per spilled byte.
TEST(HnlpuPipeline, StallsBeginWhenTheCacheSpills) {
  const HardwiredCard card = card_named("hnlpu");
  const HardwiredModel model = loaded(card);
  const auto waited = [&](std::int64_t context) {
    const Timed result = timed(model, decode(1, context - 1));
    double seconds = 0;
    for (const ResourceLine& line : result.ledger.resources) {
      seconds += line.resource == "hbm wait" ? line.busy.value : 0;
    }
    // The ledger adds the pace block's single repetition and the passage.
    return seconds;
  };
  const double bytes_per_token = 1024.0 * 36 / 2 / 16;
  const auto full = static_cast<std::int64_t>(card.kv_capacity.value / bytes_per_token);
  EXPECT_EQ(waited(full), 0);
  EXPECT_GT(waited(full + 1000), 0);
  const double spilled = bytes_per_token * 524288 - card.kv_capacity.value;
  const double pace_part = spilled / 36;  // one layer
  EXPECT_NEAR(waited(524288), (spilled + pace_part) / card.hbm->spilled.value, 1e-7);
}

// Published block powers at the published operating point: 16 x 308.39 W over 249,960 tokens/s.
TEST(HnlpuEnergy, IsThePublishedPowerAtThePublishedRate) {
  const Timed full = timed(loaded(card_named("hnlpu")), decode(216, 2048));
  EXPECT_NEAR(full.ledger.energy().value / 216, 16 * 308.39 / 249960, 2e-5);  // 19.7 mJ per token, chips only
  // The arrays' part: their share of the power that is not idle.
  const double active = 16 * (308.39 - 137) * 76.92 / (76.92 + 33.09 + 85.73 + 49.65) / 249960;
  double arrays = 0;
  for (const ResourceLine& line : full.ledger.resources) {
    arrays += line.resource == "wired arrays" ? line.energy.value / 216 : 0;
  }
  EXPECT_NEAR(arrays, active, 1e-3 * active);
}

TEST(Hc1, SecondUserIsFreeOrASecondPass) {
  const HardwiredModel shared = loaded(card_named("hc1")), second = loaded(card_named("hc1-second-pass"));
  const double one = timed(shared, decode(1, 1536)).seconds();
  EXPECT_DOUBLE_EQ(timed(second, decode(1, 1536)).seconds(), one);
  EXPECT_NEAR(timed(second, decode(2, 1536)).seconds(), 2 * one, 1e-9);
  // Free but for the second user's own attention: 96 cycles per layer.
  EXPECT_NEAR(timed(shared, decode(2, 1535)).seconds() - timed(shared, decode(1, 1535)).seconds(), 32 * 96e-9,
              1e-9);
  // 17 tokens are one more than a pass takes.
  EXPECT_GT(timed(shared, decode(17, 100)).seconds(), 1.9 * timed(shared, decode(16, 100)).seconds() / 1.2);
}

// From structure and estimates alone: 26,624 inputs per layer at 16 a cycle, and the head's 4,096.
TEST(Hc1, OneTokenFollowsFromStructure) {
  const Timed one = timed(loaded(card_named("hc1")), decode(1, 1536));
  EXPECT_NEAR(one.share(Category::arithmetic) * one.seconds(), (32 * 26624 + 4096) / 16 * 1e-9, 1e-8);
  EXPECT_NEAR(1 / one.seconds() / 17000, 1, 0.05);
}

TEST(Hc1, EnergyAtThePublishedRateIsTheCard) {
  const Timed one = timed(loaded(card_named("hc1-second-pass")), decode(1, 1536));
  const double idle = 75 * one.seconds(), active = (250 - 75) / 17000.0;
  EXPECT_NEAR(one.ledger.energy().value, idle + active, 1e-6);
  // Ten cards that serve ten users take ten times as much.
  const Timed ten = timed(loaded(card_named("hc1-second-pass"), 10), decode(10, 1536));
  EXPECT_NEAR(ten.ledger.energy().value, 10 * (idle + active), 1e-5);
  EXPECT_DOUBLE_EQ(ten.seconds(), one.seconds());
}

// Copies share the sequences: the fullest one sets the time, the mean what is spent.
TEST(HardwiredCopies, FullestCopySetsTheTime) {
  const HardwiredCard card = card_named("hc1-second-pass");
  const Timed three = timed(loaded(card, 3), decode(4, 1000));
  const Timed alone = timed(loaded(card), decode(2, 1000));
  EXPECT_DOUBLE_EQ(three.seconds(), alone.seconds());
  EXPECT_NEAR(three.ledger.dynamic_energy / alone.ledger.dynamic_energy, 2, 1e-9);
}

class EveryStep : public testing::TestWithParam<std::string> {};

std::vector<Step> many_steps(std::int64_t most_context) {
  std::vector<Step> steps;
  for (const std::int64_t count : {1, 2, 7, 216, 300}) {
    for (const std::int64_t past : {0, 1, 127, 128, 2048, 131071}) {
      for (const std::int64_t fresh : {1, 2, 33}) {
        if (past + fresh <= most_context) {
          steps.push_back({{{count, fresh, past}}, {}});
          steps.push_back({{{count, fresh, past}, {3, 1, past / 2}}, {}});
        }
      }
    }
  }
  return steps;
}

TEST_P(EveryStep, BoundIsNeverAboveTheSchedule) {
  const HardwiredModel model = loaded(card_named(GetParam()), GetParam() == "hnlpu" ? 1 : 3);
  ScheduleClock clock;
  Program program;
  for (const Step& step : many_steps(1 << 20)) {
    model.lower(step, program);
    verify(program);
    EXPECT_LE(bound_time(program).time, clock.run(program).time);
  }
}

TEST_P(EveryStep, ReusedProgramEqualsAFreshOne) {
  const HardwiredModel model = loaded(card_named(GetParam()));
  Program reused;
  model.lower(prefill(2, 40), reused);
  model.lower(decode(1, 10), reused);
  for (const Step& step : many_steps(4096)) {
    model.lower(step, reused);
    Program fresh;
    model.lower(step, fresh);
    EXPECT_EQ(to_text(reused), to_text(fresh));
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, EveryStep, testing::Values("hnlpu", "hc1", "hc1-second-pass"),
                         [](const auto& chip) {
                           std::string name = chip.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace memwall
