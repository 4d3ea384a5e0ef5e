// A constant that was fitted takes the place of the published one, and can be dropped again.
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/hardware/chip.h"

namespace memwall {
namespace {

constexpr const char* kCard = R"(
title: A chip
family: toy
sources: {paper: "a paper"}
hbm:
  bandwidth: {value: 2 TB/s, source: paper}
  achieved: {value: 0.8, estimate: "usual", range: [0.7, 0.9]}
calibration:
  hbm:
    achieved: {value: 0.91, fitted: "my.csv"}
  fit:
    rows: {value: 120, fitted: "my.csv"}
)";

TEST(Calibration, AFittedConstantTakesThePlaceOfThePublishedOne) {
  const Chip chip = parse_chip(kCard, "a.yaml");
  EXPECT_TRUE(chip.is_calibrated());
  EXPECT_DOUBLE_EQ(chip.get<Ratio>("hbm.achieved"), 0.91);
  EXPECT_DOUBLE_EQ(chip.get<BytesPerSecond>("hbm.bandwidth").value, 2e12);
  EXPECT_EQ(chip.fact("hbm.achieved").fitted, "my.csv");
}

TEST(Calibration, WithoutItTheCardSaysWhatItSaidBefore) {
  const Chip chip = parse_chip(kCard, "a.yaml").without_calibration();
  EXPECT_FALSE(chip.is_calibrated());
  EXPECT_DOUBLE_EQ(chip.get<Ratio>("hbm.achieved"), 0.8);
}

TEST(Calibration, AKeyThatTheFamilyDoesNotKnowIsRefusedThereToo) {
  const Chip chip = parse_chip(kCard, "a.yaml");
  EXPECT_NO_THROW(chip.refuse_unknown({"hbm.*"}));
  try {
    chip.refuse_unknown({"hbm.bandwidth"});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(
        error.what(),
        "a.yaml:10:5: calibration.hbm.achieved: found an unknown key, expected one of hbm.bandwidth");
  }
}

// A key that the other card lacks is not carried.
TEST(Calibration, CanBeCarriedToAnotherChip) {
  const Chip from = parse_chip(kCard, "a.yaml");
  const Chip to = parse_chip(
      "title: B\nfamily: toy\nhbm:\n  achieved: {value: 0.7, estimate: usual}\n"
      "calibration:\n  hbm:\n    achieved: {value: 0.75, fitted: own}\n",
      "b.yaml");
  const Chip carried = to.with_calibration_of(from);
  EXPECT_DOUBLE_EQ(carried.get<Ratio>("hbm.achieved"), 0.91);
  EXPECT_FALSE(carried.has("fit.rows"));
  EXPECT_EQ(carried.name, "b");
}

}  // namespace
}  // namespace memwall
