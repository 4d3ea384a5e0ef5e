#include "memwall/report/calibration_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/report/text_table.h"
#include "memwall/report/validation_report.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

void add_errors(TextTable& table, const std::string& rows, const FitErrors& errors) {
  for (const auto& [when, of] : {std::pair{"before", &errors.before}, std::pair{"after", &errors.after}}) {
    table.add_row({rows, when, count_text(static_cast<double>(of->n)), error_text(of->mean),
                   error_text(of->median), signed_error_text(of->bias), error_text(of->p90)});
  }
}

Json errors_json(const ErrorSummary& errors) {
  return {{"n", errors.n},
          {"mean", errors.mean},
          {"median", errors.median},
          {"bias", errors.bias},
          {"p90", errors.p90}};
}

}  // namespace

std::string calibration_table(const Calibration& calibration) {
  TextTable constants({{"constant"}, {"before", true}, {"fitted", true}, {""}});
  for (const FittedConstant& constant : calibration.constants) {
    constants.add_row(
        {constant.key, constant.before, constant.text, constant.is_at_limit ? "at its limit" : ""});
  }
  TextTable errors(
      {{"rows"}, {""}, {"n", true}, {"mean", true}, {"median", true}, {"bias", true}, {"P90", true}});
  add_errors(errors, "fitted", calibration.fitted);
  add_errors(errors, "held back", calibration.held_back);
  std::string text =
      fmt::format("{} fitted to {}, {} rows\n\n", calibration.chip.name, calibration.data, calibration.rows) +
      constants.text() + "\n" + errors.text();
  for (const std::string& key : calibration.idle) {
    text += fmt::format("{}: nothing here depends on it\n", key);
  }
  return text;
}

Json calibration_json(const Calibration& calibration) {
  Json json = {{"chip", calibration.chip.name},
               {"data", calibration.data},
               {"rows", calibration.rows},
               {"constants", Json::array()},
               {"idle", calibration.idle},
               {"fitted",
                {{"before", errors_json(calibration.fitted.before)},
                 {"after", errors_json(calibration.fitted.after)}}},
               {"held_back",
                {{"before", errors_json(calibration.held_back.before)},
                 {"after", errors_json(calibration.held_back.after)}}}};
  for (const FittedConstant& constant : calibration.constants) {
    json["constants"].push_back({{"key", constant.key},
                                 {"before", constant.before},
                                 {"value", constant.text},
                                 {"at_limit", constant.is_at_limit}});
  }
  return json;
}

}  // namespace memwall
