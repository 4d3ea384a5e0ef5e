#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/report/charts.h"
#include "memwall/report/html.h"
#include "memwall/report/validation_report.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;
using Group = std::vector<const SetResult*>;  // the results of one set

std::string axis_title(MeasuredQuantity quantity, std::string_view which) {
  switch (quantity) {
    case MeasuredQuantity::time:
      return fmt::format("{} (us)", which);
    case MeasuredQuantity::power:
      return fmt::format("{} (W)", which);
    case MeasuredQuantity::energy_per_token:
      return fmt::format("{} (J/token)", which);
    case MeasuredQuantity::figure:
      return std::string(which);
    case MeasuredQuantity::throughput:
      break;
  }
  return fmt::format("{} (tokens/s)", which);
}

double on_axis(MeasuredQuantity quantity, double value) {
  return quantity == MeasuredQuantity::time ? 1e6 * value : value;
}

// Predicted over measured, with the line on which they are equal.
Json scatter_of(const Group& group) {
  const MeasuredQuantity quantity = group.front()->quantity;
  Json datasets = Json::array();
  double low = INFINITY, high = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    Json points = Json::array();
    for (const ScatterPoint& point : group[i]->points) {
      const double measured = on_axis(quantity, point.measured);
      points.push_back({{"x", measured}, {"y", on_axis(quantity, point.predicted)}, {"label", point.label}});
      low = std::min(low, measured);
      high = std::max(high, measured);
    }
    datasets.push_back({{"label", group[i]->group},
                        {"data", std::move(points)},
                        {"pointRadius", 2},
                        {"borderColor", series_colour(i)},
                        {"backgroundColor", series_colour(i)}});
  }
  const auto end = [](double at) { return Json{{"x", at}, {"y", at}, {"label", "equal"}}; };
  datasets.push_back({{"label", "predicted = measured"},
                      {"data", {end(low), end(high)}},
                      {"showLine", true},
                      {"pointRadius", 0},
                      {"borderWidth", 1},
                      {"borderColor", "#888888"},
                      {"backgroundColor", "#888888"}});
  return scatter_chart(axis_title(quantity, "measured"), axis_title(quantity, "predicted"),
                       std::move(datasets));
}

std::string figure_cell(double error, bool meets) {
  return element("td", meets ? "" : "mark", error_text(error));
}

std::string rows_of(const Group& group) {
  std::string rows;
  for (const SetResult* result : group) {
    const ErrorSummary& errors = result->calibrated;
    std::string cells = element("td", "name", escape_html(result->group)) +
                        element("td", "", std::to_string(errors.n)) +
                        figure_cell(errors.mean, result->meets_target());
    for (const std::string& cell : {error_text(errors.median), signed_error_text(errors.bias),
                                    error_text(errors.p90), error_text(errors.worst)}) {
      cells += element("td", "", cell);
    }
    cells += result->datasheet ? figure_cell(result->datasheet->mean, result->meets_datasheet_target())
                               : element("td", "", "");
    cells += element("td", "", result->roofline ? error_text(result->roofline->mean) : "");
    rows += element("tr", "", cells) + "\n";
  }
  return rows;
}

std::string section_of(const Group& group) {
  constexpr std::string_view kHead =
      "<thead><tr><th class=\"name\">on</th><th>n</th><th>mean</th><th>median</th><th>bias</th><th>P90</th>"
      "<th>worst</th><th>datasheet</th><th>roofline</th></tr></thead>\n";
  const DataSet& set = *group.front()->set;
  return element(
             "section", "",
             element("h2", "", escape_html(set.title)) +
                 element("div", "charts",
                         chart_figure("Predicted against measured", scatter_of(group)) +
                             element("div", "scroll",
                                     element("table", "",
                                             std::string(kHead) + element("tbody", "", rows_of(group)))))) +
         "\n";
}

}  // namespace

std::string validation_page(const Validation& validation, const std::string& command) {
  std::string sections;
  for (std::size_t first = 0; first < validation.sets.size();) {
    Group group;
    const DataSet* set = validation.sets[first].set;
    while (first < validation.sets.size() && validation.sets[first].set == set) {
      group.push_back(&validation.sets[first++]);
    }
    sections += section_of(group);
  }
  return html_page(
      {"memwall validate", "memwall against measurements",
       fmt::format("{} measurements", validation.measurements), command, sections,
       "mean, median, P90 and worst are of |predicted / measured - 1|, bias its signed mean; datasheet "
       "is the mean without calibrated constants, roofline that of peak rates alone. Red misses its "
       "target. A chart shows at most 400 rows of each chip."});
}

}  // namespace memwall
