#include "memwall/processors/wafer/grids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/wafer/test_support.h"

namespace memwall {
namespace {

using testing::HasSubstr;
using wafer_test::card_of;

TEST(WaferMode, ReadsWhatItPrints) {
  const WaferCard card = card_of("cs-3");
  for (const std::string text : {"ktree-d420x300-p600", "chain-d2x2", "ktree", "chain-p755"}) {
    EXPECT_EQ(to_text(parse_wafer_mode(text, card)), text);
  }
  EXPECT_EQ(to_text(parse_wafer_mode("d420", card)), "ktree-d420x420");
  EXPECT_EQ(to_text(parse_wafer_mode("", card)), "ktree");
}

TEST(WaferMode, RefusesWithOneLine) {
  const WaferCard card = card_of("cs-2");
  const auto expect_refused = [&](const std::string& text, const std::string& message) {
    try {
      parse_wafer_mode(text, card);
      ADD_FAILURE() << text;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  };
  expect_refused("d751", "found a grid of 751 x 751, expected 2 x 2 to the wafer's 994 x 750 cores");
  expect_refused("d1x9", "found a grid of 1 x 9");
  expect_refused("p600x500", "found 'p600x500', expected a square prefill grid");
  for (const std::string text :
       {"p600-d420", "tree", "d", "d4x", "d0", "ktree-chain", "d420-d420", "d-7", "d4y4"}) {
    expect_refused(text, "plan: found 'mode=" + text + "', expected 'ktree' or 'chain'");
  }
}

TEST(WaferGrids, RegionsFillTheWafer) {
  const WaferCard card = card_of("cs-2");
  EXPECT_EQ(regions_per_wafer(card, {420, 420}), 2);
  EXPECT_EQ(regions_per_wafer(card, {360, 360}), 4);
  EXPECT_EQ(regions_per_wafer(card, {994, 750}), 1);
  for (const Grid& grid : decode_grids(card)) {
    EXPECT_GE(regions_per_wafer(card, grid) * grid.cores(), 0.9 * static_cast<double>(card.cores()));
  }
  for (const Grid& grid : prefill_grids(card)) {
    EXPECT_EQ(grid.rows, grid.columns);
    EXPECT_GE(regions_per_wafer(card, grid), 1);
  }
}

}  // namespace
}  // namespace memwall
