#include "memwall/processors/systolic/card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/processors/systolic/test_support.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using systolic_test::card_named;
using testing::HasSubstr;

// `to` may end a fact early: a # hides the rest of its line.
void expect_refused(const std::string& from, const std::string& to, const std::string& message) {
  try {
    read_systolic_card(edited_system("1xsplittable", from, to));
    ADD_FAILURE() << "accepted, expected: " << message;
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

// 2 * rows * columns * arrays * rate * clock is the published peak, within the digits of both.
TEST(SystolicCard, CellsAndClockGiveThePublishedPeaks) {
  for (const char* name : {"tpu-v5e", "tpu-v6e", "tpu-ironwood", "sisa"}) {
    const Chip chip = read_chip(name);
    const SystolicCard card = card_named(name);
    for (const Format format : {Format::bf16, Format::int8, Format::fp8}) {
      const std::string key = "published." + std::string(memwall::name(format));
      if (chip.has(key)) {
        EXPECT_NEAR(card.peak(format) / chip.get<OpsPerSecond>(key), 1, 0.003) << name << " " << key;
      }
    }
  }
}

TEST(SystolicCard, FormatsWithoutARateAreExpandedToBf16) {
  const SystolicCard card = card_named("tpu-v5e");
  EXPECT_EQ(card.computed_in(Format::int8), Format::int8);
  EXPECT_EQ(card.computed_in(Format::fp8), Format::bf16);
  EXPECT_EQ(card.peak(Format::fp8), card.peak(Format::bf16));
  EXPECT_FALSE(card.splits());
  EXPECT_TRUE(card_named("splittable").splits());
}

// No number of the free design comes from anybody but its author's estimates.
TEST(SystolicCard, EveryParameterOfTheFreeDesignHasARange) {
  const Chip chip = read_chip("splittable");
  for (const auto& [key, fact] : chip.facts) {
    if (!key.starts_with("study.")) {
      EXPECT_TRUE(fact.is_estimate() && fact.low && fact.high) << key;
    }
  }
}

TEST(SystolicCardReader, NamesWhatIsWrong) {
  expect_refused("clock: {value: 1 GHz", "clok: {value: 1 GHz", "clok");
  expect_refused("clock: {", "clock: {value: 1 GB, estimate: x} #",
                 "clock: found '1 GB', expected a frequency");
  expect_refused("rows: {value: 256", "rows: {value: 256.5",
                 "array.rows: found '256.5', expected a whole number");
  expect_refused("row_parts: {", "row_parts: {value: 512, estimate: x} #",
                 "array.row_parts: found '512', expected a whole number from 1 to 256");
  expect_refused("row_parts: {value: 16", "row_parts: {value: 24",
                 "array.row_parts: found '24', expected a divisor of array.rows, 256");
  expect_refused("achieved: {", "achieved: {value: 1.5, estimate: x} #",
                 "hbm.achieved: found '1.5', expected a fraction, at most 1");
  expect_refused("{word: stationary", "{word: moving",
                 "array.dataflow: found 'moving', expected 'stationary' or 'any'");
  expect_refused("{word: double_buffered", "{word: triple",
                 "array.weights: found 'triple', expected 'double_buffered' or 'single'");
  expect_refused("holds: {word: weights", "holds: {word: everything",
                 "sram.holds: found 'everything', expected 'weights' or 'buffers'");
  expect_refused("buffers: {", "buffers: {value: 3200 MiB, estimate: x} #",
                 "sram.buffers: found '3200 MiB', expected at most sram.capacity");
  expect_refused("tdp: {", "tdp: {value: 200 W, estimate: x} #",
                 "power.idle: found '250 W', expected less than power.tdp");
  expect_refused("reserve: {", "reserve: {value: 100 GB, estimate: x} #",
                 "hbm.reserve: found '100 GB', expected less than hbm.capacity");
}

TEST(SystolicCardReader, WantsOneKindOfChip) {
  System mixed = read_system("1xsplittable");
  mixed.pools.push_back({read_chip("sisa"), 1, PoolRole::everything});
  EXPECT_THROW(read_systolic_card(mixed), ConfigError);
}

}  // namespace
}  // namespace memwall
