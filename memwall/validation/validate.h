// validate.h - scores memwall on measurements: every row of validation/, and the large sets when they are at
// hand.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "memwall/validation/data_sets.h"
#include "memwall/validation/error_statistics.h"
#include "memwall/validation/measurement.h"
#include "memwall/validation/residuals.h"

namespace memwall {

struct ScatterPoint {
  double measured = 0, predicted = 0;
  std::string label;
};

struct WorstRow {
  std::string what;  // the inputs
  double measured = 0, predicted = 0;
};

// One set on one chip.
struct SetResult {
  const DataSet* set = nullptr;
  std::string group;  // "h100", "h100 bf16"
  MeasuredQuantity quantity = MeasuredQuantity::time;
  ErrorSummary calibrated;
  std::optional<ErrorSummary> datasheet, roofline, carried;  // none where Prediction has none
  WorstRow worst;                                            // of the calibrated errors
  std::vector<ScatterPoint> points;                          // at most kMostPoints, the same in every run
  bool meets_target() const;                                 // true when there is none
  bool meets_datasheet_target() const;
};

// Held-back measurements against the stated 80 % intervals.
struct IntervalTest {
  std::int64_t rows = 0, inside = 0;
  std::int64_t without = 0;  // rows of a class or size without an interval
  double coverage() const { return rows > 0 ? static_cast<double>(inside) / static_cast<double>(rows) : 0; }
};

struct Validation {
  std::vector<SetResult> sets;  // in order of data_sets(), then by group
  std::vector<Exclusion> exclusions;
  std::int64_t measurements = 0;
  CarriedCalibrations carried;                 // what SetResult::carried is with
  std::vector<Residual> residuals;             // of the measurements that are not held back
  IntervalTest intervals;                      // of those that are
  std::map<std::string, std::string> remarks;  // by set, for readers (recorded.h); filled in likewise
  std::vector<std::string> worse;              // than recorded (recorded.h); filled in by who has the record
};

// The same set on the chip that a result's carried constants were fitted to; null when it was not scored.
const SetResult* origin_of_carried(const Validation& validation, const SetResult& result);
// Below twice what the constants reach where they were fitted. REQUIRES: result.carried.
bool carries_over(const SetResult& result, const SetResult& origin);

inline constexpr std::size_t kMostPoints = 400;

// What is to be read: validation/ of the data files, and a folder of large sets (docs/validation.md says how
// it is laid out) when there is one.
struct MeasurementSources {
  std::optional<std::filesystem::path> data;
};
void read_measurements(const MeasurementSources& sources, MeasurementSink& sink);

// Only sets whose name begins with `set`; all when it is empty. Throws ConfigError for a file that is not
// what it should be; what memwall cannot run is an exclusion with the reason.
Validation validate(const MeasurementSources& sources, const ProcessorRegistry& processors,
                    const std::string& set, const CarriedCalibrations& carried = {});

}  // namespace memwall
