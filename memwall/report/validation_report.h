// validation_report.h - errors against measurements as a table, JSON, Markdown and a page.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "memwall/report/ink.h"
#include "memwall/validation/validate.h"

namespace memwall {

// A line per set and group: n, mean, median, bias, P90 and worst; mean without calibration; mean of the
// naive roofline. Figures that miss their target are marked. Then the worst rows, and what is excluded.
std::string validation_table(const Validation& validation, Ink ink);

// {"measurements", "intervals", "sets": [...], "exclusions": [...], "worse_than_recorded"}; schema in
// docs/json/validate.schema.json.
nlohmann::ordered_json validation_json(const Validation& validation);

// The page docs/validation.md: every set with its targets, worst rows and exclusions. `command` is what
// made it.
std::string validation_markdown(const Validation& validation, const std::string& command);

// One HTML file that needs no network: predicted against measured, a chart per set.
std::string validation_page(const Validation& validation, const std::string& command);

// "4.1 %", "0.38 %": an error with two significant digits, at least one decimal below ten percent.
std::string error_text(double error);
std::string signed_error_text(double error);
// A measured or predicted value with its unit.
std::string value_text(MeasuredQuantity quantity, double value);

}  // namespace memwall
