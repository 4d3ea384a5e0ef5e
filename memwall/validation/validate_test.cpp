// The rows that are in the project, against what memwall says of them today.
#include "memwall/validation/validate.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/validation/error_bars.h"
#include "memwall/validation/recorded.h"

namespace memwall {
namespace {

ProcessorRegistry families() {
  ProcessorRegistry registry("processor family");
  register_builtin_processors(registry);
  return registry;
}

const Validation& shipped() {
  static const Validation validation = validate({}, families(), "");
  return validation;
}

// When a set gets better, or a change makes another worse for a reason, record again:
//   memwall validate --data DIR --carry ... --record
TEST(Validate, NoSetIsWorseThanRecorded) {
  EXPECT_THAT(worse_than_recorded(shipped(), read_recorded()), testing::IsEmpty());
}

// Even without any fitted constant the model is of the right kind.
TEST(Validate, MedianWithoutCalibrationIsBelowAFifth) {
  for (const SetResult& result : shipped().sets) {
    const bool is_typed =
        result.set->name == "measured" || result.set->name == "mle" || result.set->name == "anl";
    if (is_typed && result.datasheet) {
      EXPECT_LT(result.datasheet->median, 0.20) << result.set->name << " " << result.group;
    }
  }
}

// Nothing is faster than the peaks, but for errors of measurement.
TEST(Validate, TheRooflineIsBelowEveryMeasurement) {
  struct Check : MeasurementSink {
    explicit Check(const ProcessorRegistry& processors) : predictor(processors) {}
    void take(const Measurement& measurement) override {
      if (measurement.quantity != MeasuredQuantity::time) {
        return;
      }
      try {
        const std::optional<double> roofline = predictor.predict(measurement).roofline;
        EXPECT_LE(*roofline, 1.03 * measurement.value) << describe(measurement);
      } catch (const CannotPredict&) {
      }
    }
    void exclude(const std::string&, const std::string&) override {}
    Predictor predictor;
  };
  const ProcessorRegistry processors = families();
  Check check(processors);
  read_measurements({}, check);
}

TEST(Validate, ASetCanBeAskedForByItsBeginning) {
  const Validation some = validate({}, families(), "llmcompass");
  ASSERT_FALSE(some.sets.empty());
  for (const SetResult& result : some.sets) {
    EXPECT_TRUE(result.set->name.starts_with("llmcompass")) << result.set->name;
    EXPECT_GT(result.calibrated.n, 0);
    EXPECT_LE(result.points.size(), kMostPoints);
    EXPECT_FALSE(result.worst.what.empty());
  }
  EXPECT_THROW(validate({}, families(), "nothing"), ConfigError);
  EXPECT_THROW(validate({"/no/such/folder"}, families(), ""), ConfigError);
  EXPECT_THROW(validate({MEMWALL_SOURCE_DIR}, families(), ""), ConfigError);
}

TEST(Recorded, NamesWhatGotWorse) {
  Validation validation;
  SetResult& result = validation.sets.emplace_back();
  result.set = &data_sets().front();
  result.group = "h100";
  result.calibrated = {20, 0.050, 0, 0, 0, 0};
  const std::string name(result.set->name);
  EXPECT_THAT(worse_than_recorded(validation, {{name, "h100", 20, 0.047}}), testing::IsEmpty());
  EXPECT_THAT(worse_than_recorded(validation, {{name, "h100", 20, 0.045}}),
              testing::ElementsAre(name + " h100: 5.00 %, recorded 4.50 %"));
  EXPECT_THAT(worse_than_recorded(validation, {{name, "h100", 19, 0.05}}),
              testing::ElementsAre(name + " h100: 20 rows, recorded 19"));
  EXPECT_THAT(worse_than_recorded(validation, {}), testing::ElementsAre(name + " h100: not recorded"));
  // What is written is what is read.
  EXPECT_THAT(worse_than_recorded(validation, read_recorded(Table(recorded_text(validation), "r.csv"))),
              testing::IsEmpty());
}

TEST(Recorded, RemarksAreWhatStandsBelowASet) {
  EXPECT_THAT(
      parse_remarks("# Title\nlead\n\n## one\n\nText.\n\nMore.\n## two\nOther.\n"),
      testing::ElementsAre(testing::Pair("one", "Text.\n\nMore.\n"), testing::Pair("two", "Other.\n")));
  for (const auto& [set, text] : read_remarks()) {
    EXPECT_TRUE(std::any_of(data_sets().begin(), data_sets().end(), [&](const DataSet& each) {
      return each.name == set;
    })) << set;
  }
}

TEST(ErrorStatistics, OfFourErrors) {
  ErrorList list;
  for (const double error : {-0.1, 0.3, 0.2, -0.2}) {
    list.add(error);
  }
  const ErrorSummary summary = list.summary();
  EXPECT_EQ(summary.n, 4);
  EXPECT_NEAR(summary.mean, 0.2, 1e-7);
  EXPECT_NEAR(summary.median, 0.2, 1e-7);
  EXPECT_NEAR(summary.bias, 0.05, 1e-7);
  EXPECT_NEAR(summary.worst, 0.3, 1e-7);
  EXPECT_NEAR(summary.p90, 0.27, 1e-7);  // between the third and the fourth: 0.2 + 0.7 * 0.1
}

}  // namespace
}  // namespace memwall
