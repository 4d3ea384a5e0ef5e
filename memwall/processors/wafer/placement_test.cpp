#include "memwall/processors/wafer/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/wafer/test_support.h"

namespace memwall {
namespace {

using testing::HasSubstr;
using wafer_test::card_of;
using wafer_test::placed;

// Llama-3.1-8B at 420 x 420: tiles of q, k and v 10 x ceil(6144 / 420) = 10 x 15; o 10 x 10; gate and up 10 x
// ceil(28672 / 420) = 10 x 69; down ceil(14336 / 420) = 35 x 10; two norms of 10: 1310 values.
TEST(WaferPlacement, TilesAreRoundedUp) {
  const Model model = read_model("llama-3.1-8b");
  const RegionShare share = share_of(model, card_of("cs-2"), {420, 420}, 1);
  EXPECT_EQ(share.regions, 2);
  EXPECT_EQ(share.layers_per_region, 16);
  EXPECT_EQ(share.layer, 2 * (150 + 100 + 690 + 350 + 20));
  EXPECT_EQ(share.weights, 16 * share.layer);  // the tables find room beside the two regions
  EXPECT_EQ(share.parked, 0);
}

// A token's keys and values, 2048 values of 16 bits, over 420 columns: 5 each; 4,096 tokens over 420
// rows: 10.
TEST(WaferPlacement, RowsShareTheTokensEvenly) {
  const Model model = read_model("llama-3.1-8b");
  const RegionShare share = share_of(model, card_of("cs-2"), {420, 420}, 1);
  EXPECT_EQ(kv_per_core(model, share, 4096), 16 * 10 * 5 * 2);
  EXPECT_EQ(kv_per_core(model, share, 4200), kv_per_core(model, share, 4096));  // the rows are full only now
  EXPECT_GT(kv_per_core(model, share, 4201), kv_per_core(model, share, 4200));
}

// Windows of 128 in every other layer of gpt-oss: 128 tokens over 234 rows are one row of one, 4096 are 18.
TEST(WaferPlacement, WindowsBoundTheCache) {
  const Model model = read_model("gpt-oss-120b");
  const RegionShare share = share_of(model, card_of("cs-3-8"), {234, 755}, 8);
  EXPECT_EQ(kv_per_core(model, share, 4096), share.layers_per_region * (1 + 18) / 2.0 * 2 * 2);
}

TEST(WaferPlacement, SeventyBillionNeedFourWafers) {
  EXPECT_EQ(placed("llama-3.1-70b", "cs-3-8", "tp1 pp4", {1, 1024, 1}).smallest_chips, 4);
  EXPECT_TRUE(placed("llama-3.1-70b", "cs-3-4", "tp1 pp4", {1, 4096, 4096}).fits);
  const Placement alone = placed("llama-3.1-70b", "cs-3", "tp1", {1, 1024, 1});
  EXPECT_FALSE(alone.fits);
  EXPECT_THAT(alone.refusal, HasSubstr("sram in decode short by"));
}

// 20 billion parameters at 16 bits fit one wafer, as its vendor says; DeepSeek's layers leave room for one
// each.
TEST(WaferPlacement, SmallAndLargeModels) {
  EXPECT_TRUE(placed("llama-3.1-8b", "cs-3", "tp1", {1, 8192, 1}).fits);
  EXPECT_EQ(placed("gpt-oss-120b", "cs-3", "tp1", {1, 4096, 1}).smallest_chips, 6);
  EXPECT_EQ(placed("deepseek-v3", "cs-3", "tp1", {1, 4096, 1}).smallest_chips, 61);
}

// What fits exactly is what it says: one sequence more does not.
TEST(WaferPlacement, CapacityIsTheLastSequenceThatFits) {
  for (const std::int64_t context : {1024, 16384}) {
    const Placement one = placed("llama-3.1-8b", "cs-3", "tp1 mode=d195x377-p585", {1, context, 1});
    const std::int64_t most = one.kv_capacity_tokens / context;
    ASSERT_GT(most, 1);
    const auto decode_fits = [&](std::int64_t sequences) {
      return placed("llama-3.1-8b", "cs-3", "tp1 mode=d195x377-p585", {sequences, context, 1})
                 .memory.front()
                 .shortfall() == Bytes(0);
    };
    EXPECT_FALSE(decode_fits(most + 1));
    EXPECT_TRUE(decode_fits(most));
  }
}

TEST(WaferPlacement, ChosenGridsAreNamedInThePlan) {
  const Placement placement = placed("llama-3.1-8b", "cs-3", "tp1", {1, 4096, 4096});
  const WaferMode mode = parse_wafer_mode(placement.plan.mode, card_of("cs-3"));
  EXPECT_TRUE(mode.decode.has_value() && mode.prefill.has_value());
  EXPECT_FALSE(*mode.decode == *mode.prefill);
  // Asking for what was chosen changes nothing.
  EXPECT_EQ(placed("llama-3.1-8b", "cs-3", to_text(placement.plan), {1, 4096, 4096}).plan, placement.plan);
}

TEST(WaferPlacement, RefusesPlansThatDoNotDivide) {
  for (const std::string plan : {"tp2", "tp1 ep2", "tp1 pp5", "tp1 pp2 dp3"}) {
    try {
      placed("llama-3.1-8b", "cs-3-4", plan, {1, 1024, 1});
      ADD_FAILURE() << plan;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("expected tp1 and pp times dp at most the 4 wafers of cs-3-4"));
    }
  }
}

// The tiles of more layers than a prefill grid's cores hold wait beside it.
TEST(WaferPlacement, PrefillParksWeightsBesideItsGrid) {
  const Model model = read_model("llama-3.1-70b");
  EXPECT_GT(share_of(model, card_of("cs-3-4"), {755, 755}, 4).parked, 0);
  const PrefillRoom room = prefill_room(model, card_of("cs-3-4"),
                                        share_of(model, card_of("cs-3-4"), {755, 755}, 4), {4096, 4096, 1});
  EXPECT_EQ(room.tokens, 4096);
  EXPECT_EQ(parse_wafer_mode(placed("llama-3.1-70b", "cs-3-4", "tp1 pp4", {1, 4096, 4096}).plan.mode,
                             card_of("cs-3-4"))
                .prefill,
            (Grid{755, 755}));
}

}  // namespace
}  // namespace memwall
