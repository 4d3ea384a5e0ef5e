#include "memwall/serving/fact_sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/serving/toy_processor.h"

namespace memwall {
namespace {

const Step kDecode{{{1, 1, 1000}}, {}};

SweepQuestion step_time(const Processor& processor) {
  return [&processor](const System& system) {
    return ask_step(toy_model(), kDecode, system, processor, std::nullopt, {});
  };
}

void expect_refused(const std::string& fact, const std::vector<std::string>& values,
                    const std::string& message) {
  const ToyProcessor processor;
  try {
    sweep_fact(toy_system(1), fact, values, step_time(processor));
    ADD_FAILURE() << "accepted, expected: " << message;
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(message));
  }
}

// The toy reads 2 GB and 512 MB at 1 TB/s after a launch of 10 us, estimated as 5 to 20.
TEST(FactSweep, GoesOverTheRangeOfAnEstimate) {
  const ToyProcessor processor;
  const FactSweep sweep = sweep_fact(toy_system(1), "launch", {}, step_time(processor));
  ASSERT_EQ(sweep.points.size(), 9U);
  EXPECT_EQ(sweep.fact, "launch");
  EXPECT_DOUBLE_EQ(sweep.points.front().value, 5e-6);
  EXPECT_DOUBLE_EQ(sweep.points.back().value, 20e-6);
  const double read = sweep.points.front().answer.value - 5e-6;
  for (const SweptPoint& point : sweep.points) {
    EXPECT_NEAR(point.answer.value, read + point.value, 1e-9) << point.text;
    EXPECT_NEAR(point.answer.tokens_per_s * point.answer.value, 1, 1e-9);
  }
  EXPECT_TRUE(sweep.points[4].is_card);  // in the middle of the ratios
}

TEST(FactSweep, TakesValuesInAnyUnitAndAddsTheCardsOwn) {
  const ToyProcessor processor;
  const FactSweep sweep =
      sweep_fact(toy_system(1), "memory.bandwidth", {"2 TB/s", "500 GB/s"}, step_time(processor));
  ASSERT_EQ(sweep.points.size(), 3U);
  EXPECT_EQ(sweep.points[0].text, "500 GB/s");
  EXPECT_TRUE(sweep.points[1].is_card);
  EXPECT_GT(sweep.points[0].answer.value, 1.9 * sweep.points[1].answer.value);
}

TEST(FactSweep, WhatDoesNotFitIsAnAnswer) {
  const ToyProcessor processor;
  const FactSweep sweep = sweep_fact(toy_system(1), "memory.capacity", {"1 GB"}, step_time(processor));
  EXPECT_FALSE(sweep.points[0].answer.refusal.empty());
  EXPECT_TRUE(sweep.points[1].answer.refusal.empty());
}

TEST(FactSweep, NamesWhatIsWrong) {
  expect_refused("lunch", {}, "--fact: found 'lunch', expected");
  expect_refused("memory.bandwidth", {}, "memory.bandwidth: found a fact without a range, expected --values");
  expect_refused("launch", {"3 B"},
                 "--values: found '3 B', expected a value such as");
  expect_refused("launch", {"3"}, "--values: found '3'");
  expect_refused("launch", {"soon"}, "--values: found 'soon'");
}

TEST(FactSweep, AFigureThatIsNoneIsRefused) {
  const ToyProcessor processor;
  EXPECT_THROW(ask_figure("peak", toy_system(1), processor), ConfigError);
}

}  // namespace
}  // namespace memwall
