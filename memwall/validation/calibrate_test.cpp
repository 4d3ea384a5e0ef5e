// A fit finds the constants that made the measurements, and its card differs in its calibration only.
#include "memwall/validation/calibrate.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/validation/calibration_text.h"
#include "memwall/validation/soft_fit.h"

namespace memwall {
namespace {

using testing::HasSubstr;

ProcessorRegistry families() {
  ProcessorRegistry registry("processor family");
  register_builtin_processors(registry);
  return registry;
}

TEST(SoftFit, FindsTheBottomOfAKinkedValley) {
  FitProblem problem;
  problem.start = {0.9, 0.1};
  problem.loss = [](const std::vector<double>& at) {
    return std::abs(at[0] - 0.3) + std::max(0.2 * (at[1] - 0.6), 0.6 - at[1]) +
           0.1 * std::abs(at[0] + at[1] - 0.9);
  };
  problem.evaluations = 2000;
  const std::vector<double> found = minimise(problem);
  EXPECT_NEAR(found[0], 0.3, 1e-3);
  EXPECT_NEAR(found[1], 0.6, 1e-3);
  EXPECT_EQ(found, minimise(problem));
}

TEST(SoftFit, SoftL1IsASquareNearZeroAndALineFarOff) {
  EXPECT_NEAR(soft_l1(0.01, 1), 0.5e-4, 1e-8);
  EXPECT_NEAR(soft_l1(100, 1), 99.0, 0.01);
}

// Measurements made by the model itself, of a chip with other constants.
std::vector<Measurement> made_by(const Chip& chip, const OpenSystem& open) {
  System system = open.system;
  system.pools.front().chip = chip;
  Machine machine(system, *open.processor);
  ModelShelf models;
  std::vector<Measurement> rows;
  for (const std::int64_t m : {1, 16, 64, 512, 4096}) {
    for (const std::int64_t n : {1024, 4096, 16384}) {
      for (const std::int64_t k : {1024, 4096, 16384}) {
        Measurement& row = rows.emplace_back();
        row.system = "1xh100";
        row.what = std::vector<KernelUse>{{GemmOp{m, n, k}, 1, std::nullopt}};
        row.value = machine.run(row, models).value;
      }
    }
  }
  return rows;
}

TEST(Calibrate, FindsTheConstantsThatMadeTheMeasurements) {
  const OpenSystem open = open_system("1xh100", families());
  const std::vector<TunableFact> tunable = open.processor->tunable_facts(open.system);
  ASSERT_FALSE(tunable.empty());
  ASSERT_LE(tunable.size(), 12u + 3u);
  // One constant moved a third of the way to its upper limit.
  FitOptions options;
  options.data = "the model itself";
  const Calibration first = calibrate(open, made_by(open.system.chip(), open), options);
  ASSERT_FALSE(first.constants.empty());
  EXPECT_LT(first.held_back.after.mean, 1e-3);
  const FittedConstant& moved = first.constants.front();
  Chip other = open.system.chip();
  Fact fact = other.fact(moved.key);
  fact.value *= std::cbrt(moved.high / fact.value);
  other.facts.insert_or_assign("calibration." + moved.key, fact);

  const Calibration found = calibrate(open, made_by(other, open), options);
  EXPECT_LT(found.held_back.after.mean, 0.02);
  EXPECT_LT(found.held_back.after.mean, 0.5 * found.held_back.before.mean);
  EXPECT_NEAR(found.chip.fact(moved.key).value / fact.value, 1, 0.1) << moved.key;
  EXPECT_EQ(found.chip.fact(moved.key).fitted, "the model itself");
  EXPECT_EQ(found.chip.fact("calibration.fit.rows").value, 45);
  // The family takes the new card.
  System system = open.system;
  system.pools.front().chip = found.chip;
  EXPECT_NO_THROW(open.processor->check(system));
}

// Powers of decode steps as the model makes them with 100 W more of busy power: the power fit finds those and
// leaves times alone; the time fit does not look at powers.
TEST(Calibrate, PowerIsAFitOfItsOwn) {
  const OpenSystem open = open_system("1xh100", families());
  Chip other = open.system.chip();
  Fact busy = other.fact("power.busy");
  busy.value += 100;
  other.facts.insert_or_assign("calibration.power.busy", busy);
  System system = open.system;
  system.pools.front().chip = other;
  Machine machine(system, *open.processor);
  ModelShelf models;
  std::vector<Measurement> rows;
  for (const std::int64_t batch : {1, 2, 4, 8, 16, 32, 64, 96}) {
    for (const std::int64_t output : {100, 800}) {
      Measurement& row = rows.emplace_back();
      row.system = "1xh100";
      StepRun run;
      run.kind = StepRun::Kind::serving;
      run.model = "llama-3.1-8b";
      run.batch = batch;
      run.prompt = 100;
      run.output = output;
      row.what = run;
      row.quantity = MeasuredQuantity::power;
      row.value = machine.run(row, models).value;
    }
  }
  FitOptions options;
  options.of = FitOf::power;
  const Calibration found = calibrate(open, rows, options);
  ASSERT_LE(found.constants.size(), 3u);
  EXPECT_NEAR(found.chip.fact("power.busy").value, busy.value, 20);
  EXPECT_LT(found.held_back.after.mean, 0.02);
  EXPECT_GT(found.held_back.before.mean, 0.05);
  EXPECT_FALSE(found.chip.facts.contains("calibration.kernel.gemm_start"));
  EXPECT_THROW(calibrate(open, rows, {}), ConfigError);  // no times among them
}

TEST(Calibrate, RefusesWhatItCannotFit) {
  const OpenSystem open = open_system("1xh100", families());
  const auto refusal = [](const OpenSystem& of, const std::vector<Measurement>& rows) -> std::string {
    try {
      calibrate(of, rows, {});
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal(open, {}), HasSubstr("no row of h100 that it can run"));
  const OpenSystem wired = open_system("taalas-hc1", families());
  EXPECT_THAT(refusal(wired, {}), HasSubstr("expected a chip of a family that has constants to fit"));
}

constexpr const char* kCard =
    "# A card.\n"
    "title: A chip\n"
    "family: toy\n"
    "hbm:\n"
    "  achieved: {value: 0.8, estimate: \"usual\"}\n"
    "\n"
    "# What was fitted.\n"
    "calibration:\n"
    "  hbm:\n"
    "    achieved: {value: 0.9, fitted: \"old\"}\n"
    "\n"
    "# Power.\n"
    "power:\n"
    "  tdp: {value: 700 W, estimate: \"usual\"}\n";

TEST(CalibrationText, ReplacesItsSectionAndNothingElse) {
  Chip chip = parse_chip(kCard, "a.yaml");
  chip.facts.at("calibration.hbm.achieved").text = "0.91";
  chip.facts.at("calibration.hbm.achieved").fitted = "say \"new\"";
  const std::string text = with_calibration_section(kCard, calibration_section(chip));
  std::string expected = kCard;
  expected.replace(expected.find("0.9, fitted: \"old\""), std::string("0.9, fitted: \"old\"").size(),
                   "0.91, fitted: \"say \\\"new\\\"\"");
  EXPECT_EQ(text, expected);
  EXPECT_EQ(parse_chip(text, "a.yaml").fact("hbm.achieved").fitted, "say \"new\"");
}

TEST(CalibrationText, IsAddedWhereThereIsNone) {
  Chip chip = parse_chip(kCard, "a.yaml");
  const Fact fitted = chip.facts.at("calibration.hbm.achieved");
  chip = chip.without_calibration();
  EXPECT_EQ(calibration_section(chip), "");
  chip.facts.emplace("calibration.hbm.achieved", fitted);
  chip.facts.emplace("calibration.fit.rows", fitted);
  EXPECT_EQ(with_calibration_section("title: A chip", calibration_section(chip)),
            "title: A chip\n"
            "calibration:\n"
            "  fit:\n"
            "    rows: {value: 0.9, fitted: \"old\"}\n"
            "  hbm:\n"
            "    achieved: {value: 0.9, fitted: \"old\"}\n");
}

}  // namespace
}  // namespace memwall
