// calibration_report.h - a fit as text and JSON: what was moved, and how far off the rows are before and
// after.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "memwall/validation/calibrate.h"

namespace memwall {

std::string calibration_table(const Calibration& calibration);
// Schema in docs/json/calibrate.schema.json.
nlohmann::ordered_json calibration_json(const Calibration& calibration);

}  // namespace memwall
