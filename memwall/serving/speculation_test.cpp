// Two toy systems: a pass reads 2 GB of weights and 512 kB of cache per token of context at 1 TB/s per chip,
// after a launch of 10 us. With one chip and a context of 1000: 10 us + 2.512 ms; with four chips a quarter
// of the bytes.
#include "memwall/serving/speculation.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/serving/toy_processor.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

constexpr double kSlow = 10e-6 + 2.512e-3, kFast = 10e-6 + 2.512e-3 / 4;

OpenSystem open_toy(int chips) { return {toy_system(chips), std::make_unique<ToyProcessor>()}; }

SpeculationQuery toy_query() {
  SpeculationQuery query;
  query.target = toy_model();
  query.draft = toy_model();
  query.context = 1000;
  query.drafted = {4};
  query.acceptance = {0.5};
  query.transfer = Seconds(100e-6);
  return query;
}

std::string refusal(SpeculationQuery query) {
  try {
    speculate(query, open_toy(1), open_toy(4));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Speculation, ExpectedTokensAreAGeometricSum) {
  EXPECT_DOUBLE_EQ(expected_tokens(4, 0.5), 1.9375);  // (1 - 1/32) / (1/2)
  EXPECT_DOUBLE_EQ(expected_tokens(4, 1), 5);
  EXPECT_DOUBLE_EQ(expected_tokens(4, 0), 1);
  check_property(100, [] {
    const int drafted = pick(1, 64);
    const double a = pick(0, 1000) / 1000.0;
    RC_ASSERT(std::abs(expected_tokens(drafted, a) - (1 - std::pow(a, drafted + 1)) / (1 - a)) < 1e-9);
  });
}

// Drafts: 4 passes of the four chips; verification: one pass of the one chip, for a token or five (the
// weights are what takes the time); 100 us each way.
TEST(Speculation, ARoundIsDraftsTransfersAndAVerdict) {
  const SpeculationResult result = speculate(toy_query(), open_toy(1), open_toy(4));
  ASSERT_EQ(result.points.size(), 1u);
  const SpeculationPoint& point = result.points[0];
  EXPECT_NEAR(point.draft.value, 4 * kFast, 1e-9);
  EXPECT_NEAR(point.verify.value, kSlow, 1e-9);
  EXPECT_NEAR(point.round.value, 4 * kFast + kSlow + 200e-6, 1e-9);
  EXPECT_NEAR(point.tokens_per_s_per_user, 1.9375 / point.round.value, 1e-6);
  EXPECT_NEAR(point.speedup, 1.9375 * kSlow / point.round.value, 1e-6);
  EXPECT_NEAR(result.alone_tokens_per_s_per_user, 1 / kSlow, 1e-6);
}

// The same drafter on the target's one chip: four slow passes and the verdict.
TEST(Speculation, IsComparedWithTheDrafterBesideTheTarget) {
  const SpeculationPoint point = speculate(toy_query(), open_toy(1), open_toy(4)).points[0];
  EXPECT_NEAR(*point.speedup_together, 5 * kSlow / (4 * kFast + kSlow + 200e-6), 1e-6);
}

// 1 pJ per byte on every chip, and 100 W per chip of both systems all the while.
TEST(Speculation, EnergyIsThatOfBothSystems) {
  const SpeculationPoint point = speculate(toy_query(), open_toy(1), open_toy(4)).points[0];
  const double dynamic = 5 * 2.512e9 * 1e-12;
  EXPECT_NEAR(point.j_per_token, (dynamic + 500 * point.round.value) / 1.9375, 1e-6);
}

TEST(Speculation, PointsAreInOrderOfAcceptanceThenDrafts) {
  SpeculationQuery query = toy_query();
  query.acceptance = {0.9, 0.1};
  query.drafted = {1, 3};
  const SpeculationResult result = speculate(query, open_toy(1), open_toy(4));
  ASSERT_EQ(result.points.size(), 4u);
  EXPECT_EQ(result.points[1].drafted, 3);
  EXPECT_EQ(result.points[1].acceptance, 0.9);
  EXPECT_EQ(result.points[2].acceptance, 0.1);
}

// A sequence of 300,000 tokens has 154 GB of cache; a chip has 100 GB.
TEST(Speculation, ASideThatDoesNotFitIsAValue) {
  SpeculationQuery query = toy_query();
  query.context = 300000;
  const SpeculationResult result = speculate(query, open_toy(1), open_toy(4));
  EXPECT_FALSE(result.target.fits);
  EXPECT_TRUE(result.draft.fits);
  EXPECT_TRUE(result.points.empty());
}

TEST(Speculation, BadQueriesAreRefused) {
  SpeculationQuery query = toy_query();
  query.drafted = {65};
  EXPECT_EQ(refusal(query), "gamma: found 65, expected a whole number from 1 to 64");
  query = toy_query();
  query.acceptance = {1.5};
  EXPECT_EQ(refusal(query), "acceptance: found 1.500000, expected a number from 0 to 1");
  query = toy_query();
  query.acceptance.clear();
  EXPECT_EQ(refusal(query), "gamma and acceptance: found none, expected at least one of each");
  query = toy_query();
  query.draft.vocab_size += 1;
  EXPECT_THAT(refusal(query), testing::HasSubstr("draft model: found a vocabulary of "));
  query = toy_query();
  query.transfer.reset();
  EXPECT_EQ(refusal(query),
            "transfer: found no scale_out.latency on either card, expected a time such as '5 us'");
}

}  // namespace
}  // namespace memwall
