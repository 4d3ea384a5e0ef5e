// Questions: what does a card without an energy get from its process, and what supply does a clock need?
#include "memwall/hardware/technology.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/data_files.h"
#include "memwall/core/error.h"

namespace memwall {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Chip chip_of(const std::string& body) {
  return parse_chip("title: Test chip\nfamily: toy\nsources: {paper: A paper}\n" + body, "chips/toy.yaml");
}
std::string refusal(const std::string& body) {
  try {
    voltage_curve(chip_of(body));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

const std::string kProcess = "technology: {word: n7, source: paper}\n";

// Jouppi et al.: bf16 multiply 0.21 pJ and fp32 add 0.38 pJ at 7 nm are 0.295 pJ per operation.
TEST(Technology, AnswersForWhatTheCardLeavesOut) {
  const Chip chip = chip_of(kProcess + "energy: {hbm: {value: 30 pJ/B, source: paper}}\n");
  EXPECT_NEAR(chip.get<JoulesPerOp>("energy.bf16").value, 0.295e-12, 0.01e-12);
  EXPECT_DOUBLE_EQ(chip.get<JoulesPerByte>("energy.hbm").value, 30e-12);  // the card's own
  EXPECT_GT(chip.get<JoulesPerByte>("energy.ddr").value, 100e-12);        // off the die, in every process
  EXPECT_EQ(chip.fact("energy.bf16").table, "n7");
  EXPECT_EQ(chip.fact("energy.hbm").table, "");
}

TEST(Technology, FactsKeepTheirSources) {
  const Chip chip = chip_of(kProcess);
  EXPECT_EQ(chip.fact("energy.bf16").source, "n7.jouppi");
  EXPECT_THAT(chip.sources.at("n7.jouppi"), HasSubstr("ISCA 2021"));
  EXPECT_THAT(provenance(chip.fact("energy.bf16")), HasSubstr("of technology n7"));
}

TEST(Technology, ACardThatNamesNoProcessGetsNothing) {
  EXPECT_TRUE(chip_of("").facts.empty());
  EXPECT_THAT(refusal(""), HasSubstr("supply.threshold: found no such fact"));
}

TEST(Technology, AFamilyNeedNotKnowEveryFactOfItsProcess) {
  EXPECT_NO_THROW(chip_of(kProcess).refuse_unknown({"sm.count"}));
}

TEST(Technology, AnUnknownProcessIsRefusedByName) {
  EXPECT_THAT(refusal("technology: {word: n2x, source: paper}\n"),
              AllOf(HasSubstr("chips/toy.yaml:4:"), HasSubstr("technology: found 'n2x'"), HasSubstr("n7")));
  EXPECT_THAT(refusal("technology: {word: off_chip, source: paper}\n"), HasSubstr("found 'off_chip'"));
}

// Every table has the same keys, and a younger process is never dearer in arithmetic.
TEST(Technology, TablesAreComplete) {
  const auto table = [](const std::string& name) {
    return chip_of("technology: {word: " + name + ", source: paper}\n");
  };
  double before = 1;
  for (const char* name : {"n45", "n28", "n16", "n14", "n12", "n7", "n6", "n5", "n4", "n3"}) {
    const Chip chip = table(name);
    const double bf16 = chip.get<JoulesPerOp>("energy.bf16").value;
    EXPECT_LE(bf16, before) << name;
    before = bf16;
    EXPECT_GT(chip.get<JoulesPerByte>("energy.sram_large"), chip.get<JoulesPerByte>("energy.register"))
        << name;
    EXPECT_LE(voltage_curve(chip).lowest, 1) << name;
    EXPECT_GT(leakage(chip, SquareMillimetres(100)).value, 1) << name;
    EXPECT_EQ(chip.below("energy"), table("n7").below("energy")) << name;
  }
  EXPECT_EQ(card_names("technology").size(), 11u);
}

TEST(Technology, LeakageIsDensityTimesArea) {
  const Chip chip = chip_of("leakage: {density: {value: 0.05 W/mm2, source: paper}}\n");
  EXPECT_DOUBLE_EQ(leakage(chip, SquareMillimetres(800)).value, 40);
}

// With alpha = 1 the clock is (v - t) / ((1 - t) v): v = t / (1 - (1 - t) clock).
TEST(Voltage, FollowsTheAlphaPowerLaw) {
  const VoltageCurve line{0.4, 1, 0.5};
  EXPECT_NEAR(line.supply(0.5), 0.4 / 0.7, 1e-9);
  EXPECT_NEAR(line.supply(0.9), 0.4 / 0.46, 1e-9);
  const VoltageCurve curve{0.4, 1.3, 0.5};
  const double v = curve.supply(0.8);
  EXPECT_NEAR(std::pow((v - 0.4) / 0.6, 1.3) / v, 0.8, 1e-9);
}

TEST(Voltage, EndsAtTheNominalAndTheLowestSupply) {
  const VoltageCurve curve{0.4, 1.3, 0.75};
  EXPECT_EQ(curve.supply(1), 1);
  EXPECT_EQ(curve.supply(0.1), 0.75);
  EXPECT_EQ(VoltageCurve{}.supply(0.3), 1);  // a supply that is fixed
}

TEST(Voltage, ImpossibleCurvesAreRefused) {
  const auto supply = [](double threshold, double alpha, double lowest) {
    const auto fact = [](const char* key, double value) {
      return std::string(key) + ": {value: " + std::to_string(value) + ", source: paper}";
    };
    return "supply: {" + fact("threshold", threshold) + ", " + fact("alpha", alpha) + ", " +
           fact("lowest", lowest) + "}\n";
  };
  EXPECT_EQ(refusal(supply(0.4, 1.3, 0.7)), "");
  EXPECT_THAT(refusal(supply(0.4, 1.3, 1.2)), HasSubstr("supply.lowest: found 1.200000, expected a share"));
  EXPECT_THAT(refusal(supply(0.8, 1.3, 0.7)), HasSubstr("less than supply.lowest"));
  EXPECT_THAT(refusal(supply(0.4, 2.5, 0.7)), HasSubstr("from 1 to 2"));
}

}  // namespace
}  // namespace memwall
