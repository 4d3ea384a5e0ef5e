// Corsair's published Llama rates: reproduced by one communication constant, and what that rests on.
#include <algorithm>

#include <gtest/gtest.h>

#include "memwall/processors/dimc/test_support.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using dimc_test::decode;
using dimc_test::timed;

constexpr double kContext = 1024;

double step_ms(const DimcCard& card, const char* model, const char* plan, std::int64_t sequences) {
  return 1e3 * timed(dimc_test::loaded(card, model, plan), decode(sequences, kContext)).seconds();
}

// 60,000 tokens/s at 1 ms on 8 cards; 30,000 at 2 ms on 64: a pipeline of eight servers, 7 sequences in each
// stage.
TEST(DimcPublished, OneConstantGivesBothLlamasWithin15Percent) {
  const DimcCard card = dimc_test::card_named("corsair");
  const double small = step_ms(card, "llama-3.1-8b", "tp8", 60);
  const double large = step_ms(card, "llama-3.1-70b", "tp8 pp8", 7);
  EXPECT_NEAR(small, 1, 0.15);
  EXPECT_NEAR(60 / small, 60, 0.15 * 60);
  EXPECT_NEAR(large, 2, 0.15 * 2);
  EXPECT_NEAR(7 * 8 / large, 30, 0.15 * 30);
}

// Without the constant both are bare link arithmetic: 27 % and 61 % short.
TEST(DimcPublished, PublishedLatenciesAndBandwidthsAloneAreTooFast) {
  DimcCard card = dimc_test::card_named("corsair");
  card.collective_overhead = Seconds(1e-12);
  EXPECT_LT(step_ms(card, "llama-3.1-8b", "tp8", 60), 0.85);
  EXPECT_LT(step_ms(card, "llama-3.1-70b", "tp8 pp8", 7), 1.0);
}

// Tensor division over the whole rack cannot: the network's bytes and hops alone take three times the 2 ms.
TEST(DimcPublished, OneTensorGroupOverTheRackIsImpossible) {
  DimcCard card = dimc_test::card_named("corsair");
  card.collective_overhead = Seconds(1e-12);
  EXPECT_GT(step_ms(card, "llama-3.1-70b", "tp64", 60), 2 * 1.15);
}

// Step times are linear in the constant: a line per model, and the constants that keep its two published
// numbers.
struct Line {
  double base = 0, slope = 0;  // milliseconds, and per microsecond
  double low = 0, high = 0;    // of the constant, microseconds
};
Line line(DimcCard card, const char* model, const char* plan, std::int64_t sequences, double published_ms,
          double users, double published_rate) {
  constexpr double kTolerance = 0.15, kFar = 10;  // microseconds
  Line result;
  card.collective_overhead = Seconds(1e-12);
  result.base = step_ms(card, model, plan, sequences);
  card.collective_overhead = Seconds(kFar * 1e-6);
  result.slope = (step_ms(card, model, plan, sequences) - result.base) / kFar;
  const double shortest =
      std::max(published_ms * (1 - kTolerance), users / (published_rate * (1 + kTolerance)));
  const double longest =
      std::min(published_ms * (1 + kTolerance), users / (published_rate * (1 - kTolerance)));
  result.low = (shortest - result.base) / result.slope;
  result.high = (longest - result.base) / result.slope;
  return result;
}

// Readings of what is not published: where the two ranges of the constant meet, and where they cannot. Rates
// are per millisecond.
TEST(DimcPublished, WhetherOneConstantIsEnoughDependsOnTheLinks) {
  struct Reading {
    const char *from, *to;
    bool is_possible;
  };
  for (const Reading& reading : {
           Reading{"", "", true},
           Reading{"partial_sum: {value: 2 B", "partial_sum: {value: 1 B", true},
           Reading{"result: {value: 2 B", "result: {value: 1 B", true},
           Reading{"bandwidth: {value: 64 GB/s", "bandwidth: {value: 512 GB/s", true},
           Reading{"partial_sum: {value: 2 B", "partial_sum: {value: 4 B", false},
           Reading{"bandwidth: {value: 1 TB/s", "bandwidth: {value: 250 GB/s", false},
           Reading{"values_per_cycle: {value: 1024", "values_per_cycle: {value: 256", false},
           Reading{"cards: {value: 2,", "cards: {value: 1,", false},
       }) {
    const DimcCard card = read_dimc_card(edited_system("1xcorsair", reading.from, reading.to));
    const Line small = line(card, "llama-3.1-8b", "tp8", 60, 1, 60, 60);
    const Line large = line(card, "llama-3.1-70b", "tp8 pp8", 7, 2, 56, 30);
    EXPECT_EQ(std::max(small.low, large.low) < std::min(small.high, large.high), reading.is_possible)
        << reading.to << ": " << small.low << " to " << small.high << ", " << large.low << " to "
        << large.high;
  }
}

}  // namespace
}  // namespace memwall
