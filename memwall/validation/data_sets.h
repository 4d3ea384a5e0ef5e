// data_sets.h - which measurements are scored together, and what memwall wants to reach on them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memwall/validation/kernel_class.h"
#include "memwall/validation/measurement.h"
#include "memwall/validation/predictor.h"

namespace memwall {

// A measurement with its prediction.
struct Scored {
  const Measurement& measurement;
  Prediction prediction;
  std::optional<KernelFeatures> kernel;  // of a measurement of one kernel
  std::string chip;                      // "h100"
};

struct DataSet {
  std::string_view name;   // "gemm_bf16_decode"
  std::string_view title;  // "GEMM bf16, m <= 64, n and k >= 1024"
  bool (*holds)(const Scored& scored);
  // Mean absolute errors to stay below, calibrated and without calibration, and the worst row; 0: none.
  double target = 0, datasheet_target = 0, worst_target = 0;
  std::string_view best_known;  // what others reach, for the report
  bool row_by_row = false;      // rows of their own kind each: the report lists them all
};

// Every set, in the order of the report. A measurement may be in several.
const std::vector<DataSet>& data_sets();

// Rows typed from the large sets: they count once, as part of those, when those are at hand.
bool is_typed_from_large_sets(const Measurement& measurement);

// Sets that no constant is fitted to, whatever chip they are of: they show how far the fitted ones carry to
// other engines and harnesses, and to boards that nobody tabulated.
bool is_never_fitted_to(const Measurement& measurement);

// What rows of a set are told apart by: the chip, and the format or the part of a layer where a set has
// several.
std::string group_of(const DataSet& set, const Scored& scored);

}  // namespace memwall
