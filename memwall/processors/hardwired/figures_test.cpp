// What the cards add up to, by hand.
#include "memwall/processors/hardwired/figures.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "memwall/processors/hardwired/test_support.h"

namespace memwall {
namespace {

std::map<std::string, double> figures(const std::string& system) {
  std::map<std::string, double> values;
  for (const Figure& figure : hardwired_figures(read_system(system))) {
    EXPECT_TRUE(values.emplace(figure.name, figure.value).second) << figure.name << " twice";
  }
  return values;
}

// 216 sequences x 2,048 tokens x 36 layers x 1,024 values x half a byte over 16 chips.
TEST(Figures, HeadlineCacheDoesNotFitTheBuffer) {
  const auto hnlpu = figures("hnlpu-16");
  EXPECT_NEAR(hnlpu.at("kv.headline_per_chip"), 216.0 * 2048 * 36 * 1024 * 0.5 / 16 / 1e6, 1e-6);
  EXPECT_GT(hnlpu.at("kv.headline_over_buffer"), 1.5);
  EXPECT_EQ(hnlpu.at("kv.sequences_in_buffer"), std::floor(216 * 320 / 509.607936));
}

// 573.16 mm2 x 16 / 116.8e9 weights at 138e6 transistors per mm2: fewer than the 28 of one full adder, of
// which a region needs nearly one per input.
TEST(Figures, PublishedDensityIsBelowAnAdderPerWeight) {
  const auto hnlpu = figures("hnlpu-16");
  EXPECT_NEAR(hnlpu.at("density.transistors_per_weight"), 573.16 * 16 * 138e6 / 116.8e9, 0.05);
  EXPECT_GT(hnlpu.at("density.spatial_transistors_per_weight"), 28);
  EXPECT_GT(hnlpu.at("density.turns_to_fit"), 2);
  EXPECT_LT(hnlpu.at("density.turns_to_fit"), hnlpu.at("density.turns_of_fitted_projection"));
}

TEST(Figures, LikeIsComparedWithLike) {
  const auto hnlpu = figures("hnlpu-16");
  EXPECT_NEAR(hnlpu.at("claim.rate_over_h100"), 249960.0 / 45, 1e-9);
  EXPECT_NEAR(hnlpu.at("like.rate_over_h100"), 249960.0 / 1080, 1e-9);
  EXPECT_NEAR(hnlpu.at("claim.rate_over_wse3"), 249960.0 / 2940, 1e-9);
  EXPECT_NEAR(hnlpu.at("like.per_user_over_wse3"), hnlpu.at("rate.per_user") / 2940, 1e-9);
  EXPECT_LT(hnlpu.at("like.per_user_alone_over_wse3"), 1);
}

// Published 17,000 tokens/s per user, within 20 % in either reading, for one user sees no difference; and the
// parts of such a chip take less than its 53 billion transistors and 815 mm2.
TEST(Figures, Hc1IsFeasible) {
  for (const char* system : {"taalas-hc1", "taalas-hc1-second-pass"}) {
    const auto hc1 = figures(system);
    EXPECT_NEAR(hc1.at("rate.per_user") / 17000, 1, 0.2) << system;
    EXPECT_NEAR(hc1.at("area.weight_transistors"), 8.03, 0.01);
    EXPECT_NEAR(hc1.at("area.cache_transistors"), 288e6 * 8 * 6 / 1e9, 1e-9);
    // q, k, v; o; gate and up; down: 16 lanes of adders for sums of 4,096 products up to 4 x 2^8, 8 + 15 bits
    // wide, and one bit more behind 14,336 inputs.
    const double per_layer = 6144 * 23 + 4096 * 23 + 28672 * 23 + 4096 * 24;
    EXPECT_NEAR(hc1.at("area.adder_transistors"), (32 * per_layer + 128256 * 23) * 16 * 28 / 1e9, 1e-6);
    EXPECT_LT(hc1.at("area.die_needed"), 815);
  }
}

TEST(Figures, AnyNumberOfHc1CardsStandsSideBySide) { EXPECT_EQ(read_system("100xhc1").chips(), 100); }

}  // namespace
}  // namespace memwall
