#include <fmt/format.h>

#include "memwall/report/text_table.h"
#include "memwall/report/validation_report.h"

namespace memwall {
namespace {

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char character : text) {
    safe += character == '|' ? std::string("\\|") : std::string(1, character);
  }
  return safe;
}

// "5.0 %, target 4 %: **missed**"
std::string verdict(double target, double error, bool meets) {
  return target == 0
             ? error_text(error)
             : fmt::format("{} ({}, {:.0f})", error_text(error), meets ? "met" : "**missed**", 100 * target);
}

bool has_target(const SetResult& result) {
  return result.set->target > 0 || result.set->datasheet_target > 0;
}

// Sets with targets, or those without.
std::string figures(const Validation& validation, bool with_target) {
  std::string text =
      "| set | on | n | mean (target, %) | median | bias | P90 | worst | datasheet only | roofline |\n"
      "| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: |\n";
  const DataSet* previous = nullptr;
  for (const SetResult& result : validation.sets) {
    if (has_target(result) != with_target) {
      continue;
    }
    const ErrorSummary& errors = result.calibrated;
    const DataSet& set = *result.set;
    text += fmt::format(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", &set == previous ? "" : escaped(set.title),
        escaped(result.group), errors.n, verdict(set.target, errors.mean, errors.mean < set.target),
        error_text(errors.median), signed_error_text(errors.bias), error_text(errors.p90),
        verdict(set.worst_target, errors.worst, errors.worst < set.worst_target),
        result.datasheet
            ? verdict(set.datasheet_target, result.datasheet->mean, result.meets_datasheet_target())
            : "",
        result.roofline ? error_text(result.roofline->mean) : "");
    previous = &set;
  }
  return text;
}

// What was written about the sets that miss a target.
std::string missed(const Validation& validation) {
  std::string text;
  for (const DataSet& set : data_sets()) {
    std::string groups;
    for (const SetResult& result : validation.sets) {
      if (result.set == &set && !(result.meets_target() && result.meets_datasheet_target())) {
        groups += (groups.empty() ? "" : ", ") + result.group;
      }
    }
    const auto remark = validation.remarks.find(std::string(set.name));
    if (!groups.empty() && remark != validation.remarks.end()) {
      text += fmt::format("### {} ({})\n\n{}\n", set.title, groups, remark->second);
    }
  }
  return text.empty() ? "" : "\n## Where targets are missed\n\n" + text;
}

std::string best_known() {
  std::string text;
  for (const DataSet& set : data_sets()) {
    if (!set.best_known.empty()) {
      text += fmt::format("* {}: {}\n", set.title, set.best_known);
    }
  }
  return text;
}

// A chip with the constants of its neighbour, whose rows alone they were fitted to.
std::string carried(const Validation& validation) {
  std::string text;
  for (const SetResult& result : validation.sets) {
    if (!result.carried) {
      continue;
    }
    const SetResult* origin = origin_of_carried(validation, result);
    text += fmt::format(
        "| {} | {} | {} | {}{} | {} | {} |\n", escaped(result.set->title), escaped(result.group),
        result.carried->n, error_text(result.carried->mean),
        origin == nullptr               ? ""
        : carries_over(result, *origin) ? " (met)"
                                        : " (**missed**)",
        origin == nullptr ? "" : escaped(origin->group) + ": " + error_text(origin->calibrated.mean),
        error_text(result.calibrated.mean));
  }
  return text.empty()
             ? ""
             : "\n## Constants carried over to another chip\n\nNo row of the chip was used: its card with "
               "the constants fitted to its neighbour. It should stay below twice the\nfigure that the "
               "neighbour itself reaches.\n\n| set | on | n | mean, carried | neighbour | mean, own fit "
               "|\n| --- | --- | --: | --: | --: | --: |\n" +
                   text;
}

std::string worst_rows(const Validation& validation) {
  std::string text = "| set | on | predicted | measured | inputs |\n| --- | --- | --: | --: | --- |\n";
  for (const SetResult& result : validation.sets) {
    text += fmt::format("| {} | {} | {} | {} | {} |\n", result.set->name, escaped(result.group),
                        value_text(result.quantity, result.worst.predicted),
                        value_text(result.quantity, result.worst.measured), escaped(result.worst.what));
  }
  return text;
}

// Every row of the sets whose rows are of their own kind each; a set has at most kMostPoints.
std::string rows_one_by_one(const Validation& validation) {
  std::string text = "| on | what | computed | published | off |\n| --- | --- | --: | --: | --: |\n";
  for (const SetResult& result : validation.sets) {
    for (const ScatterPoint& point : result.points) {
      if (result.set->row_by_row) {
        text += fmt::format("| {} | {} | {} | {} | {} |\n", escaped(result.group), escaped(point.label),
                            value_text(result.quantity, point.predicted),
                            value_text(result.quantity, point.measured),
                            signed_error_text(point.predicted / point.measured - 1));
      }
    }
  }
  return text;
}

std::string exclusions(const Validation& validation) {
  std::string text = "| rows of | rows | reason |\n| --- | --: | --- |\n";
  for (const Exclusion& each : validation.exclusions) {
    text += fmt::format("| {} | {} | {} |\n", escaped(each.origin), each.rows, escaped(each.reason));
  }
  return text;
}

}  // namespace

std::string validation_markdown(const Validation& validation, const std::string& command) {
  const IntervalTest& intervals = validation.intervals;
  return "# Against measurements\n\n"
         "Written by `" +
         command +
         " --markdown docs/validation.md`; do not edit. How the figures are made, what\n"
         "was tried where a target is missed, and how to add a measurement: "
         "[calibration.md](calibration.md).\n\n" +
         fmt::format(
             "{} measurements. An error is |predicted / measured - 1|; bias is its signed mean. *Datasheet "
             "only* leaves out every\ncalibrated constant (the `calibration:` section of the cards); "
             "*roofline* is peak rates and useful amounts alone. Figures\nwith a target say whether they "
             "meet "
             "it. The 80 % intervals that `race`, `step` and `op` print, made from three quarters of\nthe "
             "shapes, hold {:.1f} % of the {} held-back rows.\n\n",
             validation.measurements, 100 * intervals.coverage(), intervals.rows) +
         figures(validation, true) + missed(validation) + "\n## Sets without a target\n\n" +
         figures(validation, false) + carried(validation) + "\n## Best known to others\n\n" + best_known() +
         "\n## Published results of processors, row by row\n\nSources, and what each publisher did to get "
         "the "
         "number, are in `validation/processors/` and `validation/figures/`.\n\n" +
         rows_one_by_one(validation) + "\n## Worst rows\n\n" + worst_rows(validation) +
         "\n## Rows that are not scored\n\n" + exclusions(validation);
}

}  // namespace memwall
