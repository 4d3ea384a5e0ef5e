#include "memwall/processors/dimc/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/dimc/test_support.h"

namespace memwall {
namespace {

using dimc_test::card_named;
using testing::HasSubstr;

Placement placed(const std::string& model, const std::string& plan, const Need& need, int cards) {
  return place_dimc(card_named("corsair"), read_model(model), parse_plan(plan), need, cards);
}

std::string refusal(const std::string& model, const std::string& plan, int cards,
                    const std::string& chip = "corsair") {
  try {
    place_dimc(card_named(chip), read_model(model), parse_plan(plan), Need{}, cards);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

// Llama-3.1-8B: 32 layers of 4096 x (4096 + 2 x 1024) + 4096^2 + 3 x 4096 x 14336 values, and the head of
// 128256 x 4096, at 8.25 bits over 64 chiplets; its table of the same size is in LPDDR. The cache is 2 x 8 x
// 128 x 32 values per token.
TEST(DimcPlacement, WeightsAndCacheAreDividedOverAllChiplets) {
  const Placement placement = placed("llama-3.1-8b", "tp8", {60, 1024, 60}, 8);
  ASSERT_TRUE(placement.fits) << placement.refusal;
  const double layer = 4096.0 * 6144 + 4096.0 * 4096 + 3 * 4096.0 * 14336;
  const double table = 128256.0 * 4096;
  EXPECT_DOUBLE_EQ(placement.memory[0].weights.value, (32 * layer + table) * 8.25 / 8 / 64);
  EXPECT_DOUBLE_EQ(placement.memory[0].kv.value, 60 * 1024.0 * 2 * 8 * 128 * 32 * 8.25 / 8 / 64);
  EXPECT_DOUBLE_EQ(placement.memory[1].weights.value, table * 8.25 / 8 / 64);
  EXPECT_EQ(placement.memory[1].kv, Bytes(0));
}

TEST(DimcPlacement, ModesMoveWeightsAndCache) {
  const Need need{8, 1024, 8};
  const auto levels = [&](const std::string& mode) {
    return placed("llama-3.1-8b", "tp8 mode=" + mode, need, 8).memory;
  };
  EXPECT_EQ(levels("performance")[0].kv, levels("mixed")[1].kv);
  EXPECT_EQ(levels("mixed")[0].weights, levels("performance")[0].weights);
  EXPECT_EQ(levels("capacity")[0].weights, Bytes(0));
  EXPECT_EQ(levels("capacity")[1].weights,
            levels("performance")[0].weights + levels("performance")[1].weights);
}

// 70.6e9 values at 8.25 bits are 72.8 GB; a card's chiplets hold 2.048 GB.
TEST(DimcPlacement, WhatDoesNotFitSaysByHowMuchAndHowManyCardsWould) {
  const Placement placement = placed("llama-3.1-70b", "tp8 mode=performance", {1, 1024, 1}, 8);
  EXPECT_FALSE(placement.fits);
  EXPECT_THAT(placement.refusal, HasSubstr("sram short by "));
  EXPECT_THAT(placement.refusal, HasSubstr("per chiplet"));
  EXPECT_EQ(placement.smallest_chips, 64);
  EXPECT_TRUE(placed("llama-3.1-70b", "tp8 mode=capacity", {1, 1024, 1}, 8).fits);
}

TEST(DimcPlacement, CapacityOfContextIsWhereTheCacheIs) {
  const Placement placement = placed("llama-3.1-8b", "tp8", {1, 1024, 1}, 8);
  const std::int64_t tokens = placement.kv_capacity_tokens;
  EXPECT_TRUE(placed("llama-3.1-8b", "tp8", {1, tokens, 1}, 8).fits);
  EXPECT_FALSE(placed("llama-3.1-8b", "tp8", {1, tokens + 1, 1}, 8).fits);
}

TEST(DimcPlacement, AMacroAndATooWideFormatAreValuesNotErrors) {
  EXPECT_EQ(place_dimc(card_named("colonnade"), read_model("gpt2"), Plan{}, Need{}, 1).refusal,
            "a bare macro: it has no memory for a model");
  DimcCard card = card_named("corsair");
  card.widths = {4};
  EXPECT_EQ(place_dimc(card, read_model("llama-3.1-405b-fp8"), Plan{}, Need{}, 1).refusal.substr(0, 12),
            "no width for");
}

TEST(DimcPlacement, PlansThatDoNotDivideAreRefused) {
  EXPECT_THAT(refusal("llama-3.1-8b", "tp16", 8),
              HasSubstr("plan: found tp16, expected tp * pp * dp of at most the system's 8 cards"));
  EXPECT_THAT(refusal("llama-3.1-8b", "pp3", 8),
              HasSubstr("pp: found 3, expected a divisor of the model's runs of equal layers = 32"));
  EXPECT_THAT(refusal("llama-3.1-8b", "tp2 ep2", 8),
              HasSubstr("ep: found 2, expected 1 for a model without routed experts"));
  EXPECT_THAT(refusal("gpt-oss-120b", "tp4 ep8", 8),
              HasSubstr("ep: found 8, expected a divisor of tp = 4 and of num_experts = 128"));
  EXPECT_THAT(refusal("llama-3.1-8b", "tp8 mode=fast", 8),
              HasSubstr("mode: found 'fast', expected performance, mixed or capacity"));
}

TEST(DimcPlacement, CandidatesAreLegalAndCoverEveryMode) {
  const DimcCard card = card_named("corsair");
  for (const char* name : {"llama-3.1-70b", "gpt-oss-120b", "deepseek-v3", "gemma-3-27b"}) {
    const Model model = read_model(name);
    const std::vector<Plan> plans = dimc_plans(card, model, 8);
    EXPECT_FALSE(plans.empty());
    bool has_capacity = false;
    for (const Plan& plan : plans) {
      EXPECT_NO_THROW(place_dimc(card, model, plan, Need{}, 8)) << to_text(plan);
      has_capacity = has_capacity || plan.mode == "capacity";
    }
    EXPECT_TRUE(has_capacity);
  }
}

// 8 heads over 64 chiplets: one head each, its tokens dealt to 8. Three heads over 8: all three on each, an
// eighth of the tokens. Latents: one head.
TEST(DimcPlacement, CacheIsDividedByHeadsThenByTokens) {
  Attention attention;
  attention.kv_heads = 8;
  EXPECT_EQ(cache_share(attention, 64).heads, 1);
  EXPECT_EQ(cache_share(attention, 64).ranges, 8);
  attention.kv_heads = 3;
  EXPECT_EQ(cache_share(attention, 8).heads, 3);
  EXPECT_EQ(cache_share(attention, 8).ranges, 8);
  attention.latent = 512;
  EXPECT_EQ(cache_share(attention, 8).ranges, 8);
}

TEST(DimcPlacement, StagesHaveEqualNumbersOfRuns) {
  const Model model = read_model("deepseek-v3");  // 3 dense and 58 expert layers
  const auto stages = stage_runs(model, 1);
  ASSERT_EQ(stages.size(), 1u);
  EXPECT_EQ(stages[0].size(), model.groups.size());
  EXPECT_EQ(stage_runs(read_model("llama-3.1-70b"), 8)[7][0].repeat, 10);
}

}  // namespace
}  // namespace memwall
