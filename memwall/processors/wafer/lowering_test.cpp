#include "memwall/processors/wafer/lowering.h"

#include <gtest/gtest.h>

#include "memwall/processors/wafer/test_support.h"

namespace memwall {
namespace {

using wafer_test::card_of;
using wafer_test::decode;
using wafer_test::placed;
using wafer_test::prefill;
using wafer_test::seconds;

struct Case {
  std::string model, system, plan;
};

std::vector<Case> cases() {
  return {{"llama-3.1-8b", "cs-3", "tp1"},
          {"llama-3.1-8b", "cs-2", "tp1 mode=ktree-d420-p600"},
          {"llama-3.1-70b", "cs-3-4", "tp1 pp4 mode=chain"},
          {"gpt-oss-120b", "cs-3-8", "tp1 pp8"},
          {"llama-3.1-8b", "cs-3-4", "tp1 pp2 dp2"}};
}

std::vector<Step> many_steps() {
  std::vector<Step> steps;
  for (const std::int64_t count : {1, 3, 40}) {
    for (const std::int64_t past : {0, 1, 127, 4095}) {
      for (const std::int64_t fresh : {1, 4, 700}) {
        steps.push_back({{{count, fresh, past}}, {}});
        steps.push_back({{{count, fresh, past}, {2, 1, past}}, {}});
      }
    }
  }
  return steps;
}

TEST(WaferLowering, BoundIsNeverAboveTheSchedule) {
  for (const Case& each : cases()) {
    const Placement placement = placed(each.model, each.system, each.plan, {1, 4096, 4096});
    ASSERT_TRUE(placement.fits) << each.model << placement.refusal;
    const WaferModel model(read_model(each.model), card_of(each.system), placement.plan);
    ScheduleClock clock;
    Program program;
    for (const Step& step : many_steps()) {
      model.lower(step, program);
      verify(program);
      EXPECT_LE(bound_time(program).time, clock.run(program).time) << each.model << " " << each.plan;
    }
  }
}

TEST(WaferLowering, ReusedProgramEqualsAFreshOne) {
  const Placement placement = placed("gpt-oss-120b", "cs-3-8", "tp1 pp8", {1, 4096, 4096});
  const WaferModel model(read_model("gpt-oss-120b"), card_of("cs-3-8"), placement.plan);
  Program reused;
  for (const Step& step : many_steps()) {
    model.lower(step, reused);
    Program fresh;
    model.lower(step, fresh);
    EXPECT_EQ(to_text(reused), to_text(fresh));
  }
}

// A pipeline of R regions takes R sequences in the time of one; the next one costs its turn.
TEST(WaferLowering, SequencesFollowOneAnotherThroughTheRegions) {
  const Placement placement = placed("llama-3.1-8b", "cs-3", "tp1 mode=ktree-d195x377", {16, 2048, 16});
  const WaferModel model(read_model("llama-3.1-8b"), card_of("cs-3"), placement.plan);
  EXPECT_EQ(model.decode_share().regions, 12);
  EXPECT_EQ(model.decode_share().layers_per_region, 3);
  EXPECT_EQ(model.decode_share().used, 11);
  const auto at = [&](std::int64_t sequences) {
    return seconds("llama-3.1-8b", "cs-3", placement, decode(sequences, 2048));
  };
  EXPECT_DOUBLE_EQ(at(10), at(1));
  EXPECT_GT(at(12), at(1));
  EXPECT_LT(at(22), 2 * at(1));
}

// Drafts to verify are no prompt: no grid changes, and on 32 wafers, where a batch of them has no room, they
// follow one another a region apart.
TEST(WaferLowering, FewTokensOfASequenceFollowOneAnotherOnTheDecodeGrid) {
  const Placement placement = placed("llama-3.1-405b", "cs-3-32", "tp1 pp32 mode=chain", {1, 4096, 4096});
  const auto verify_drafts = [&](std::int64_t drafts) {
    return seconds("llama-3.1-405b", "cs-3-32", placement, {{{1, drafts + 1, 1024}}, {}});
  };
  const double alone = seconds("llama-3.1-405b", "cs-3-32", placement, decode(1, 1024));
  const WaferModel model(read_model("llama-3.1-405b"), card_of("cs-3-32"), placement.plan);
  const double region = model.decode_share().layers_per_region / 126.0;
  for (const std::int64_t drafts : {2, 4, 8, 16}) {
    EXPECT_LE(verify_drafts(drafts), (1 + static_cast<double>(drafts) * region) * 1.02 * alone) << drafts;
    EXPECT_GT(verify_drafts(drafts), alone);
  }
}

// From the first prompt in to the last one out: every further one costs the fullest region's share.
TEST(WaferLowering, PromptsFollowOneAnother) {
  const Placement placement = placed("llama-3.1-70b", "cs-3-8", "tp1 pp8", {3, 1024, 1024});
  const auto at = [&](std::int64_t sequences) {
    return seconds("llama-3.1-70b", "cs-3-8", placement, prefill(sequences, 1024));
  };
  EXPECT_NEAR((at(3) - at(2)) / (at(2) - at(1)), 1, 1e-6);
  EXPECT_NEAR((at(2) - at(1)) / at(1), 1 / 8.0, 0.02);
}

}  // namespace
}  // namespace memwall
