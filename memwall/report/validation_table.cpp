#include <cmath>

#include <fmt/format.h>

#include "memwall/core/unit_text.h"
#include "memwall/report/text_table.h"
#include "memwall/report/validation_report.h"

namespace memwall {
namespace {

std::string figure(double error, bool meets, Ink ink) {
  const std::string text = error_text(error) + (meets ? "" : " !");
  return meets ? text : painted(text, Tone::warning, ink);
}

std::string target_text(const DataSet& set) {
  std::string text;
  for (const double target : {set.target, set.datasheet_target}) {
    text +=
        (text.empty() ? "" : " / ") + (target > 0 ? fmt::format("{:.0f}", 100 * target) : std::string("-"));
  }
  return set.target == 0 && set.datasheet_target == 0 ? "" : text + " %";
}

}  // namespace

std::string error_text(double error) {
  const double percent = 100 * error;
  return fmt::format("{:.{}f} %", percent, std::abs(percent) < 0.995 ? 2 : std::abs(percent) < 99.95 ? 1 : 0);
}

std::string signed_error_text(double error) { return (error < 0 ? "" : "+") + error_text(error); }

std::string value_text(MeasuredQuantity quantity, double value) {
  switch (quantity) {
    case MeasuredQuantity::time:
      return to_text(Seconds(value));
    case MeasuredQuantity::power:
      return to_text(Watts(value));
    case MeasuredQuantity::energy_per_token:
      return to_text(Joules(value)) + "/token";
    case MeasuredQuantity::figure:
      return count_text(value);
    case MeasuredQuantity::throughput:
      break;
  }
  return count_text(value) + " tokens/s";
}

std::string validation_table(const Validation& validation, Ink ink) {
  TextTable table({{"set"},
                   {"on"},
                   {"n", true},
                   {"mean", true},
                   {"median", true},
                   {"bias", true},
                   {"P90", true},
                   {"worst", true},
                   {"datasheet", true},
                   {"roofline", true},
                   {"target", true}});
  for (const SetResult& result : validation.sets) {
    const ErrorSummary& errors = result.calibrated;
    table.add_row(
        {std::string(result.set->name), result.group, count_text(static_cast<double>(errors.n)),
         figure(errors.mean, result.meets_target(), ink), error_text(errors.median),
         signed_error_text(errors.bias), error_text(errors.p90), error_text(errors.worst),
         result.datasheet ? figure(result.datasheet->mean, result.meets_datasheet_target(), ink) : "",
         result.roofline ? error_text(result.roofline->mean) : "", target_text(*result.set)});
  }
  std::string text =
      table.text() +
      "(mean, median, P90, worst: of |predicted / measured - 1|; bias: its signed mean; datasheet: "
      "the mean\nwithout calibrated constants; roofline: peak rates only; !: misses its target)\n\n";
  TextTable worst({{"worst row of"}, {"on"}, {"predicted", true}, {"measured", true}, {"inputs"}});
  for (const SetResult& result : validation.sets) {
    worst.add_row({std::string(result.set->name), result.group,
                   value_text(result.quantity, result.worst.predicted),
                   value_text(result.quantity, result.worst.measured), result.worst.what});
  }
  text += worst.text();
  TextTable carried({{"carried to"}, {"set"}, {"n", true}, {"mean", true}, {"own fit", true}});
  bool is_carried = false;
  for (const SetResult& result : validation.sets) {
    if (result.carried) {
      is_carried = true;
      carried.add_row({result.group, std::string(result.set->name),
                       count_text(static_cast<double>(result.carried->n)), error_text(result.carried->mean),
                       error_text(result.calibrated.mean)});
    }
  }
  text += is_carried ? "\n" + carried.text() : "";
  if (!validation.exclusions.empty()) {
    TextTable excluded({{"excluded"}, {"rows", true}, {"because"}});
    for (const Exclusion& each : validation.exclusions) {
      excluded.add_row({each.origin, count_text(static_cast<double>(each.rows)), each.reason});
    }
    text += "\n" + excluded.text();
  }
  for (const std::string& worse : validation.worse) {
    text += painted("worse than recorded: " + worse, Tone::warning, ink) + "\n";
  }
  return text;
}

}  // namespace memwall
