#include "memwall/report/sweep_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/core/unit_text.h"
#include "memwall/report/charts.h"
#include "memwall/report/html.h"
#include "memwall/report/text_table.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

std::string answer_text(const SweepHeading& heading, double value) {
  return heading.is_step ? to_text(Seconds(value)) : fmt::format("{:.4g} {}", value, heading.unit);
}

std::vector<std::string> cells(const SweepHeading& heading, const FactSweep& sweep, const SweptPoint& point) {
  std::vector<std::string> row = {sweep.fact, point.text + (point.is_card ? " *" : "")};
  const SweptAnswer& answer = point.answer;
  if (!answer.refusal.empty()) {
    row.push_back("-");
    row.push_back(answer.refusal);
    return row;
  }
  row.push_back(answer_text(heading, answer.value));
  if (heading.is_step) {
    row.push_back(answer.plan);
    row.push_back(count_text(answer.tokens_per_s));
    row.push_back(to_text(answer.energy));
    row.push_back(answer.bound_by);
  }
  return row;
}

}  // namespace

std::string sweep_table(const SweepHeading& heading, const std::vector<FactSweep>& sweeps) {
  std::vector<Column> columns = {{"fact"}, {"value", true}, {heading.is_step ? "time" : "figure", true}};
  if (heading.is_step) {
    for (const Column& more :
         std::vector<Column>{{"plan"}, {"tokens/s", true}, {"energy", true}, {"mostly"}}) {
      columns.push_back(more);
    }
  } else {
    columns.push_back({""});
  }
  TextTable table(columns);
  for (const FactSweep& sweep : sweeps) {
    for (const SweptPoint& point : sweep.points) {
      table.add_row(cells(heading, sweep, point));
    }
  }
  return heading.system + ": " + heading.question + "\n\n" + table.text() + "(*: as the card has it)\n";
}

Json sweep_json(const SweepHeading& heading, const std::vector<FactSweep>& sweeps) {
  Json points = Json::array();
  for (const FactSweep& sweep : sweeps) {
    for (const SweptPoint& point : sweep.points) {
      const SweptAnswer& answer = point.answer;
      const bool good = answer.refusal.empty();
      Json entry = {{"card", sweep.card},
                    {"fact", sweep.fact},
                    {"text", point.text},
                    {"value", point.value},
                    {"is_card", point.is_card},
                    {"refusal", good ? Json() : Json(answer.refusal)},
                    {heading.is_step ? "time_s" : "figure", good ? Json(answer.value) : Json()}};
      if (heading.is_step) {
        entry["plan"] = answer.plan;
        entry["tokens_per_s"] = good ? Json(answer.tokens_per_s) : Json();
        entry["energy_j"] = good ? Json(answer.energy.value) : Json();
        entry["bound_by"] = good ? Json(answer.bound_by) : Json();
      }
      points.push_back(std::move(entry));
    }
  }
  return {{"system", heading.system},
          {"question", heading.question},
          {"unit", heading.unit},
          {"points", std::move(points)}};
}

std::string sweep_page(const SweepHeading& heading, const std::vector<FactSweep>& sweeps) {
  const bool one = sweeps.size() == 1;
  Json datasets = Json::array();
  std::string rows;
  for (std::size_t i = 0; i < sweeps.size(); ++i) {
    const FactSweep& sweep = sweeps[i];
    double own = 1;
    for (const SweptPoint& point : sweep.points) {
      own = point.is_card ? point.value : own;
    }
    const double unit = one && !sweep.unit.empty() ? parse_measured_number("1 " + sweep.unit).value : 1;
    Json data = Json::array();
    for (const SweptPoint& point : sweep.points) {
      if (point.answer.refusal.empty() && point.answer.value > 0) {
        data.push_back({{"x", one ? point.value / unit : point.value / own},
                        {"y", point.answer.value},
                        {"label", sweep.fact + " " + point.text}});
      }
      std::string cell_texts;
      for (const std::string& cell : cells(heading, sweep, point)) {
        cell_texts += element("td", "", escape_html(cell));
      }
      rows += element("tr", "", cell_texts) + "\n";
    }
    datasets.push_back({{"label", sweep.fact + " (" + sweep.text + ")"},
                        {"data", std::move(data)},
                        {"showLine", true},
                        {"borderColor", series_colour(i)},
                        {"backgroundColor", series_colour(i)}});
  }
  const std::string x_title =
      one ? sweeps.front().fact + (sweeps.front().unit.empty() ? "" : " [" + sweeps.front().unit + "]")
          : "value of the fact over the card's";
  const std::string y_title =
      heading.is_step ? "time of the step [s]" : heading.question + " [" + heading.unit + "]";
  return html_page({"memwall sweep: " + heading.system, heading.title, heading.question, heading.command,
                    element("section", "",
                            element("div", "charts",
                                    chart_figure("The answer as one fact of the card moves, the others held",
                                                 scatter_chart(x_title, y_title, std::move(datasets)))) +
                                element("div", "scroll", element("table", "", element("tbody", "", rows)))),
                    "* marks the card's own value. Values that contradict another fact of the card, or with "
                    "which the model does not fit, have no point."});
}

}  // namespace memwall
