#include "memwall/processors/systolic/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/systolic/test_support.h"

namespace memwall {
namespace {

using systolic_test::card_named;
using testing::HasSubstr;

Plan plan_of(int tp, int pp, const std::string& mode = "") {
  Plan plan;
  plan.tp = tp;
  plan.pp = pp;
  plan.mode = mode;
  return plan;
}

const MemoryUse& level(const Placement& placement, const std::string& name) {
  for (const MemoryUse& use : placement.memory) {
    if (use.level == name) {
      return use;
    }
  }
  throw std::logic_error("no level " + name);
}

// Weights in SRAM and the cache in HBM: 16.06 GB over 40 chips, and 32 layers of 2 x 8 x 128 values in 16
// bits per token.
TEST(SystolicPlacement, WeightsAreInSramAndTheCacheInHbm) {
  const Model model = read_model("llama-3.1-8b");
  const SystolicCard card = card_named("splittable");
  const Need need{4, 1000, 4};
  const Placement placement = place_systolic(model, card, plan_of(8, 16, "sram"), need, 160);
  EXPECT_TRUE(placement.fits) << placement.refusal;
  EXPECT_EQ(level(placement, "hbm").weights, Bytes(0));
  EXPECT_DOUBLE_EQ(level(placement, "hbm").kv.value, 4 * 1000 * 32 * 2 * 8 * 128 * 2.0 / 8 / 16);
  EXPECT_GT(level(placement, "sram").weights.value, weight_bytes(model).value / 128);
  EXPECT_EQ(level(placement, "sram").capacity, card.sram_capacity - card.sram_buffers);
  const Placement in_hbm = place_systolic(model, card, plan_of(8, 16, "hbm"), need, 160);
  EXPECT_EQ(in_hbm.memory.size(), 1U);
  EXPECT_DOUBLE_EQ(level(in_hbm, "hbm").weights.value, level(placement, "sram").weights.value);
}

TEST(SystolicPlacement, SramThatIsTooSmallIsAResult) {
  const Model model = read_model("llama-3.1-8b");
  const SystolicCard card = card_named("splittable");
  const Placement placement = place_systolic(model, card, plan_of(8, 1, "sram"), {1, 100, 1}, 160);
  EXPECT_FALSE(placement.fits);
  // An eighth of the weights (16,060,522,496 bytes; norms are on every chip) against 480 MiB.
  EXPECT_THAT(placement.refusal, HasSubstr("sram short by 1.50 GB per chip"));
  EXPECT_GT(placement.smallest_chips, 0);
  EXPECT_LE(placement.smallest_chips, 8);  // in HBM one is enough
}

TEST(SystolicPlacement, RoomForTheCacheIsWhatIsLeftOfHbm) {
  const Model model = read_model("llama-3.1-8b");
  const SystolicCard card = card_named("tpu-v6e");
  const Placement placement = place_systolic(model, card, plan_of(8, 1), {1, 1000, 1}, 8);
  const MemoryUse& hbm = level(placement, "hbm");
  const double per_token = 32 * 2 * 8 * 128 * 2.0 / 8;
  EXPECT_NEAR(static_cast<double>(placement.kv_capacity_tokens),
              (hbm.capacity - hbm.weights - hbm.activations).value / per_token, 1);
}

TEST(SystolicPlacement, PlansUseTheWholeSystemFirst) {
  const Model model = read_model("llama-3.1-8b");
  const std::vector<Plan> plans = systolic_plans(model, card_named("splittable"), 128);
  ASSERT_FALSE(plans.empty());
  EXPECT_EQ(plans.front().chips(), 128);
  for (const Plan& plan : plans) {
    EXPECT_NO_THROW(place_systolic(model, card_named("splittable"), plan, {1, 1, 1}, 128)) << to_text(plan);
  }
}

TEST(SystolicPlacement, RefusesPlansThatDoNotDivide) {
  const Model model = read_model("llama-3.1-8b");
  const auto expect_refused = [&](Plan plan, const std::string& message) {
    try {
      place_systolic(model, card_named("splittable"), plan, {1, 1, 1}, 16);
      ADD_FAILURE() << "accepted, expected: " << message;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  };
  expect_refused(plan_of(3, 1), "a tp that divides num_attention_heads = 32");
  expect_refused(plan_of(1, 5), "a pp that divides the 32 layers");
  expect_refused(plan_of(8, 4), "at most the system's 16 chips");
  Plan copies = plan_of(1, 1);
  copies.dp = 2;
  expect_refused(copies, "dp1: copies of the model are systems of their own here");
  Plan experts = plan_of(4, 1);
  experts.ep = 2;
  expect_refused(experts, "ep1 or ep4, the tp");
}

TEST(SystolicMode, WordsOfAMode) {
  const SystolicCard card = card_named("splittable");
  EXPECT_TRUE(parse_mode("", card).weights_in_sram);
  EXPECT_EQ(parse_mode("sram", card).sharing, Sharing::best);
  EXPECT_EQ(parse_mode("hbm/turns", card).sharing, Sharing::turns);
  EXPECT_FALSE(parse_mode("hbm/turns", card).weights_in_sram);
  EXPECT_EQ(parse_mode("sram/shared", card).decode_slabs, 0);
  EXPECT_EQ(parse_mode("sram/shared15", card).decode_slabs, 15);
  EXPECT_EQ(parse_mode("", card_named("tpu-v6e")).sharing, Sharing::batched);
  for (const char* mode : {"dram", "sram/", "sram/shared16", "sram/shared0", "sram/sharedx", "sram/alone"}) {
    EXPECT_THROW(parse_mode(mode, card), ConfigError) << mode;
  }
  EXPECT_THROW(parse_mode("sram", card_named("tpu-v6e")), ConfigError);
  EXPECT_THROW(parse_mode("hbm/turns", card_named("tpu-v6e")), ConfigError);
}

}  // namespace
}  // namespace memwall
