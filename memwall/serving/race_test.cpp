// The toy system: weights 2 GB, KV 512 kB per token, 1 TB/s and 100 Top/s per chip, launch 10 us. A step on
// one chip takes launch + max((2 GB + KV) / (1 TB/s), 2 * 1e9 * tokens / (100 Top/s)).
#include "memwall/serving/race.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/serving/estimates.h"
#include "memwall/serving/phases.h"
#include "memwall/serving/run_step.h"
#include "memwall/serving/toy_processor.h"

namespace memwall {
namespace {

using testing::HasSubstr;

constexpr double kTick = 3e-12;  // the schedule clock rounds each part of a task up to picoseconds

RaceQuery toy_query() {
  RaceQuery query;
  query.model = toy_model();
  query.prompt = 1000;
  query.output = 11;
  query.batch = 2;
  query.plan = Plan{};
  query.with_estimates = false;
  return query;
}

TEST(Race, TimesAndRatesFollowFromTheSteps) {
  const RaceResult result = race(toy_query(), toy_system(1), ToyProcessor());
  ASSERT_TRUE(result.fits);
  // Prefill of 2 x 1000 tokens: 2 * 1e9 * 2000 ops / 100 Top/s = 40 ms, above 2 GB / 1 TB/s.
  EXPECT_NEAR(result.ttft.value, 10e-6 + 40e-3, kTick);
  // Decode at a context of 1005: 2 GB + 2 * 1005 * 512 kB = 3.02912 GB.
  EXPECT_NEAR(result.tpot.value, 10e-6 + 3.02912e-3, kTick);
  EXPECT_DOUBLE_EQ(result.tokens_per_s_per_user, 1 / result.tpot.value);
  EXPECT_DOUBLE_EQ(result.tokens_per_s, 2 / result.tpot.value);
  EXPECT_DOUBLE_EQ(result.tokens_per_s_per_chip, 2 / result.tpot.value);
  EXPECT_NEAR(result.end_to_end.value, result.ttft.value + 10 * result.tpot.value, kTick);
  EXPECT_EQ(result.prefill.bound_by, "arithmetic");
  EXPECT_EQ(result.decode.bound_by, "weights");
  EXPECT_NEAR(result.decode.bound_fraction(), 3.02912 / 3.03912, 1e-9);
}

TEST(Race, EnergyIsPrefillAndDecodeOverOutputTokens) {
  const RaceResult result = race(toy_query(), toy_system(1), ToyProcessor());
  // Dynamic 1 pJ per byte; static 100 W all the time.
  const double prefill = 2e9 * 1e-12 + 100 * result.ttft.value;
  const double decode = 3.02912e9 * 1e-12 + 100 * result.tpot.value;
  EXPECT_NEAR(result.j_per_token, (prefill + 10 * decode) / 22, 1e-9);
}

TEST(Race, RooflineIsOfTheChipsAtWork) {
  RaceQuery query = toy_query();
  query.plan->tp = 4;
  const RaceResult result = race(query, toy_system(4), ToyProcessor());
  EXPECT_DOUBLE_EQ(result.peak_ops.value, 400e12);
  EXPECT_DOUBLE_EQ(result.peak_bandwidth.value, 4e12);
  EXPECT_EQ(result.arithmetic, "compute");
  EXPECT_EQ(result.memory_level, "memory");
  EXPECT_NEAR(result.decode.ops_per_byte(), 2 * 1e9 * 2 / 3.02912e9, 1e-9);
}

TEST(Race, PicksTheFastestPlan) {
  RaceQuery query = toy_query();
  query.plan.reset();
  const RaceResult result = race(query, toy_system(8), ToyProcessor());
  EXPECT_EQ(result.plan.tp, 8);
  EXPECT_TRUE(result.plan_was_chosen);
  EXPECT_FALSE(race(toy_query(), toy_system(8), ToyProcessor()).plan_was_chosen);
}

TEST(Race, BatchesInFlightRaiseThroughputNotSpeed) {
  const RaceResult one = race(toy_query(), toy_system(1), ToyProcessor(1));
  const RaceResult three = race(toy_query(), toy_system(1), ToyProcessor(3));
  EXPECT_EQ(three.users, 6);
  EXPECT_DOUBLE_EQ(three.tokens_per_s_per_user, one.tokens_per_s_per_user);
  EXPECT_DOUBLE_EQ(three.tokens_per_s, 3 * one.tokens_per_s);
  EXPECT_DOUBLE_EQ(three.memory[0].kv.value, 3 * one.memory[0].kv.value);  // their caches are held at once
  EXPECT_LT(three.j_per_token, one.j_per_token);                           // static power is shared
}

TEST(Race, BatchesInFlightAreLimitedByRoomForCaches) {
  // 98 GB of room holds 191,406 tokens of 512 kB: 189 sequences of 1011 tokens, of 100 x 2 wanted.
  EXPECT_EQ(race(toy_query(), toy_system(1), ToyProcessor(100)).users, 189);
}

TEST(Race, WhatDoesNotFitIsAValue) {
  RaceQuery query = toy_query();
  query.batch = 1000;  // 1,011,000 tokens of 512 kB and 2 GB of weights: 519.6 GB
  query.plan.reset();
  const RaceResult result = race(query, toy_system(4), ToyProcessor());
  EXPECT_FALSE(result.fits);
  EXPECT_EQ(result.refusal, "memory too small");
  EXPECT_EQ(result.smallest_chips, 6);
  EXPECT_EQ(result.plan.tp, 4);  // nearest to fitting
}

TEST(Race, RefusesWhatCannotBeAsked) {
  const auto message = [](auto change) {
    RaceQuery query = toy_query();
    change(query);
    try {
      race(query, toy_system(1), ToyProcessor());
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message([](RaceQuery& query) { query.prompt = 0; }),
            "prompt: found 0, expected a whole number from 1 to 2^30");
  EXPECT_EQ(message([](RaceQuery& query) { query.batch = -1; }),
            "batch: found -1, expected a whole number from 1 to 2^30");
  EXPECT_THAT(message([](RaceQuery& query) { query.plan->tp = 2; }), HasSubstr("at most 1 chips"));
  EXPECT_NE(message([](RaceQuery& query) { query.model.max_positions = 1010; }), "no error");
  EXPECT_EQ(message([](RaceQuery& query) { query.model.max_positions = 1011; }), "no error");
}

TEST(Phases, PrefillIsCutIntoEqualSteps) {
  RaceQuery query = toy_query();  // 2 x 1000 tokens
  EXPECT_EQ(prefill_steps(query).size(), 1u);
  query.max_step_tokens = 800;
  std::vector<Slice> slices;
  for (const Step& step : prefill_steps(query)) {
    slices.push_back(step.slices.at(0));
  }
  EXPECT_EQ(slices, (std::vector<Slice>{{2, 334, 0}, {2, 334, 334}, {2, 332, 668}}));
  query.max_step_tokens = 1;  // fewer than sequences: one token of each
  EXPECT_EQ(prefill_steps(query).size(), 1000u);
}

TEST(Pareto, NoPointBeatsAnother) {
  RaceQuery query = toy_query();
  query.plan.reset();
  const std::vector<ParetoPoint> points = pareto_sweep(query, toy_system(8), ToyProcessor());
  ASSERT_GT(points.size(), 4u);
  for (const ParetoPoint& a : points) {
    for (const ParetoPoint& b : points) {
      EXPECT_FALSE(a.tokens_per_s_per_user > b.tokens_per_s_per_user &&
                   a.tokens_per_s_per_chip >= b.tokens_per_s_per_chip);
    }
  }
  // Batch 512 needs 2 GB + 512 * 1011 * 512 kB = 267 GB, batch 1024 532 GB: both fit eight chips.
  EXPECT_EQ(points.back().batch, 1024);
  EXPECT_EQ(pareto_sweep(query, toy_system(4), ToyProcessor()).back().batch, 512);
}

TEST(Estimates, MoveTheAnswerOverTheirRange) {
  const std::vector<Sensitivity> estimates =
      estimate_sensitivity(toy_query(), toy_system(1), ToyProcessor(), Plan{});
  ASSERT_EQ(estimates.size(), 1u);  // nothing reads the other one
  EXPECT_EQ(estimates[0].fact, "launch");
  EXPECT_EQ(estimates[0].card, "toy");
  EXPECT_NEAR(estimates[0].tpot_low.value, 5e-6 + 3.02912e-3, kTick);
  EXPECT_NEAR(estimates[0].tpot_high.value, 20e-6 + 3.02912e-3, kTick);
  EXPECT_NEAR(estimates[0].ttft_high.value, 20e-6 + 40e-3, kTick);
  EXPECT_NEAR(estimates[0].tpot_swing, 15e-6 / 3.03912e-3, 1e-9);
}

TEST(Estimates, WithoutARangeAreListedWhenInUse) {
  System system = toy_system(1);
  for (const char* key : {"launch", "unused"}) {
    system.pools[0].chip.facts[key].low.reset();
    system.pools[0].chip.facts[key].high.reset();
  }
  const std::vector<Sensitivity> estimates =
      estimate_sensitivity(toy_query(), system, ToyProcessor(), Plan{});
  ASSERT_EQ(estimates.size(), 1u);
  EXPECT_EQ(estimates[0].fact, "launch");
  EXPECT_FALSE(estimates[0].has_range);
}

TEST(RunStep, PicksThePlanOfLeastTimeAndSumsTheMix) {
  const Step mixed{{{64, 1, 4096}, {1, 512, 0}}, {}};
  const StepResult result = run_step(toy_model(), mixed, toy_system(2), ToyProcessor(), {}, {});
  ASSERT_TRUE(result.placement.fits);
  EXPECT_EQ(result.placement.plan.tp, 2);
  // 64 * 4096 tokens of 512 kB and 2 GB, over two chips: longer than 576 tokens of arithmetic.
  const double expected = 10e-6 + (64 * 4096 * 512e3 + 2e9) / 2e12;
  EXPECT_NEAR(result.ledger.time.value, expected, kTick);
  ASSERT_EQ(result.estimates.size(), 1u);
  EXPECT_NEAR(result.estimates[0].high[0], expected + 10e-6, kTick);
}

}  // namespace
}  // namespace memwall
