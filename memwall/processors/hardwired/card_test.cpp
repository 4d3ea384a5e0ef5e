#include "memwall/processors/hardwired/card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/hardwired/test_support.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using hardwired_test::card_named;
using testing::HasSubstr;

double sum_below(const Chip& chip, const std::string& group) {
  double sum = 0;
  for (const std::string& key : chip.below(group)) {
    sum += chip.fact(group + "." + key).value;
  }
  return sum;
}

void expect_refused(const Chip& chip, const std::string& message) {
  try {
    read_hardwired_card(chip);
    ADD_FAILURE() << "accepted, expected: " << message;
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

// Table 1 of the paper: the printed total is the sum of the printed blocks.
TEST(HnlpuCard, BlockAreasAddUpAsPrinted) {
  const Chip chip = read_chip("hnlpu");
  EXPECT_NEAR(sum_below(chip, "area"), 827.08, 1e-9);
  EXPECT_DOUBLE_EQ(chip.get<SquareMillimetres>("published.chip_area").value, 827.08);
  // 16 x 827.08 = 13,233.28, printed as 13,232: 1.28 mm2 or 0.01 % more than the printed total.
  EXPECT_NEAR(16 * sum_below(chip, "area") - chip.get<SquareMillimetres>("published.total_area").value, 1.28,
              1e-6);
}

// The control block is printed as "< 0.01 W"; with 0.01 W the sum is 0.01 W above the printed total.
TEST(HnlpuCard, BlockPowersAddUpToWithinTheRoundingOfControl) {
  const Chip chip = read_chip("hnlpu");
  const double sum = sum_below(chip, "block_power");
  EXPECT_NEAR(sum - chip.get<Watts>("power.tdp").value, 0.01, 1e-9);
  // 16 x 308.39 W = 4,934 W, printed as 4.93 kW; the system is printed as 6.9 kW, 1.4 times that.
  EXPECT_NEAR(16 * sum, chip.get<Watts>("published.total_power").value, 5);
  EXPECT_NEAR(16 * 1.4 * sum, chip.get<Watts>("published.system_power").value, 10);
}

// 20,000 banks of 16 KB with a port of 4 B at the clock: 320 MB and 80 TB/s.
TEST(HnlpuCard, BufferBandwidthIsOnePortPerBank) {
  const HardwiredCard card = card_named("hnlpu");
  const double banks = card.kv_capacity / Bytes(16e3);
  EXPECT_NEAR(banks, 20000, 1e-6);
  EXPECT_NEAR(card.kv_bandwidth.value, banks * 4 * card.clock.value, 1);
}

TEST(HnlpuCard, FittedConstantsSayWhatTheyWereFittedTo) {
  const Chip chip = read_chip("hnlpu");
  for (const std::string& key : chip.below("calibration")) {
    EXPECT_FALSE(chip.fact("calibration." + key).fitted.empty()) << key;
  }
}

TEST(Hc1Card, TheReadingsDifferInTheTokensOfAPassOnly) {
  const Chip first = read_chip("hc1"), second = read_chip("hc1-second-pass");
  ASSERT_EQ(first.facts.size(), second.facts.size());
  for (const auto& [key, fact] : first.facts) {
    if (key != "pipeline.tokens_per_pass") {
      EXPECT_EQ(fact.text, second.fact(key).text) << key;
    }
  }
  EXPECT_EQ(card_named("hc1-second-pass").tokens_per_pass, 1);
  EXPECT_GT(card_named("hc1").tokens_per_pass, 1);
}

TEST(HardwiredCardReader, NamesWhatIsWrong) {
  expect_refused(edited_chip("hnlpu", "clock: {value: 1.0 GHz", "clok: {value: 1.0 GHz"), "clok");
  expect_refused(edited_chip("hnlpu", "clock: {value: 1.0 GHz", "clock: {value: 1.0 GB"),
                 "clock: found '1.0 GB', expected a frequency");
  expect_refused(edited_chip("hnlpu", "grid_rows: {value: 4", "grid_rows: {value: 5"),
                 "wired.chips: found 16, expected grid_rows * grid_columns, 5 * 4");
  expect_refused(edited_chip("hnlpu", "chips: {value: 16", "chips: {value: 16.5"),
                 "wired.chips: found '16.5', expected a whole number");
  expect_refused(edited_chip("hnlpu", "stages_per_layer: {value: 6", "stages_per_layer: {value: 5"),
                 "pipeline.stages_per_layer: found 5, expected 6");
  expect_refused(edited_chip("hnlpu", "windows: {word: ignored", "windows: {word: maybe"),
                 "kv.windows: found 'maybe', expected 'honoured' or 'ignored'");
  expect_refused(edited_chip("hnlpu", "hbm_fraction: {value: 0.342", "hbm_fraction: {value: 1.5"),
                 "calibration.hbm_fraction: found '1.5', expected a fraction");
  expect_refused(edited_chip("hnlpu", "tdp: {value: 308.39 W", "tdp: {value: 100 W"),
                 "power.idle: found '137 W', expected at most power.tdp");
}

TEST(HardwiredCardReader, WantsOneWayToRunTokens) {
  expect_refused(edited_chip("hc1", "pipeline:", "pipeline:\n  stages_per_layer: {value: 5, source: taalas}"),
                 "pipeline: found two entries, expected stages_per_layer or tokens_per_pass");
}

}  // namespace
}  // namespace memwall
