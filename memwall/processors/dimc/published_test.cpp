// Corsair's published Llama rates: reproduced by one communication constant, and what that rests on.
#include <gtest/gtest.h>

#include "memwall/processors/dimc/test_support.h"

namespace memwall {
namespace {

using dimc_test::decode;
using dimc_test::edited_system;
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

}  // namespace
}  // namespace memwall
