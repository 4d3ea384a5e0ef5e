#include "memwall/report/sweep_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

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
  if (heading.is_step) {
    return to_text(Seconds(value));
  }
  constexpr double kGrouped = 1000;  // from here on 648,765 and not 6.488e+05
  const std::string number = std::abs(value) < kGrouped ? fmt::format("{:.4g}", value) : count_text(value);
  return heading.unit.empty() ? number : number + " " + heading.unit;
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

std::vector<Column> columns_of(const SweepHeading& heading) {
  std::vector<Column> columns = {{"fact"}, {"value", true}, {heading.is_step ? "time" : "figure", true}};
  if (heading.is_step) {
    for (const Column& more :
         std::vector<Column>{{"plan"}, {"tokens/s", true}, {"energy", true}, {"mostly"}}) {
      columns.push_back(more);
    }
  } else {
    columns.push_back({""});
  }
  return columns;
}

// What the card's own value gives; 0 when it has no answer.
double own_answer(const FactSweep& sweep) {
  for (const SweptPoint& point : sweep.points) {
    if (point.is_card && point.answer.refusal.empty()) {
      return point.answer.value;
    }
  }
  return 0;
}

// Whether the answer changes by 1 % anywhere, or is lost.
bool moves(const FactSweep& sweep) {
  constexpr double kNoticed = 0.01;
  const double own = own_answer(sweep);
  return std::any_of(sweep.points.begin(), sweep.points.end(), [&](const SweptPoint& point) {
    return !point.answer.refusal.empty() || std::abs(point.answer.value - own) >= kNoticed * std::abs(own);
  });
}

struct AnswerUnit {
  double scale = 1;   // of an answer, for the picture
  std::string title;  // " [ms]"
};

// Seconds are shown in the unit of the largest of them.
AnswerUnit answer_unit(const SweepHeading& heading, const std::vector<FactSweep>& sweeps) {
  if (!heading.is_step) {
    return {1, heading.unit.empty() ? "" : " [" + heading.unit + "]"};
  }
  double largest = 0;
  for (const FactSweep& sweep : sweeps) {
    for (const SweptPoint& point : sweep.points) {
      largest = point.answer.refusal.empty() ? std::max(largest, point.answer.value) : largest;
    }
  }
  constexpr double kMilli = 1e-3, kMicro = 1e-6;
  return largest < kMilli ? AnswerUnit{1 / kMicro, " [us]"}
         : largest < 1    ? AnswerUnit{1 / kMilli, " [ms]"}
                          : AnswerUnit{1, " [s]"};
}

// Zero has no place on the logarithmic axis of values.
template <class Place>
Json points_of(const FactSweep& sweep, Place&& place) {
  Json points = Json::array();
  for (const SweptPoint& point : sweep.points) {
    if (point.answer.refusal.empty() && point.value > 0) {
      const auto [x, y] = place(point);
      points.push_back({{"x", x}, {"y", y}, {"label", sweep.fact + " " + point.text}});
    }
  }
  return points;
}

Json points_in_units(const FactSweep& sweep, const AnswerUnit& unit) {
  const double of_fact = sweep.unit.empty() ? 1 : parse_measured_number("1 " + sweep.unit).value;
  return points_of(sweep, [&](const SweptPoint& point) {
    return std::pair(point.value / of_fact, point.answer.value * unit.scale);
  });
}

Json points_over_card(const FactSweep& sweep) {
  double own_value = 1;
  for (const SweptPoint& point : sweep.points) {
    own_value = point.is_card && point.value > 0 ? point.value : own_value;
  }
  const double own = own_answer(sweep);
  return points_of(sweep, [&](const SweptPoint& point) {
    return std::pair(point.value / own_value, own != 0 ? point.answer.value / own : point.answer.value);
  });
}

std::string table_of(const SweepHeading& heading, const std::vector<FactSweep>& sweeps) {
  std::string head, rows;
  for (const Column& column : columns_of(heading)) {
    head += element("th", column.right ? "" : "name", escape_html(column.title));
  }
  for (const FactSweep& sweep : sweeps) {
    for (const SweptPoint& point : sweep.points) {
      const std::vector<Column> columns = columns_of(heading);
      std::string texts;
      std::size_t at = 0;
      for (const std::string& cell : cells(heading, sweep, point)) {
        texts += element("td", columns[at++].right ? "" : "name", escape_html(cell));
      }
      for (; at < columns.size(); ++at) {
        texts += element("td", "", "");
      }
      rows += element("tr", "", texts) + "\n";
    }
  }
  return element("table", "", element("thead", "", element("tr", "", head)) + element("tbody", "", rows));
}

}  // namespace

std::string sweep_table(const SweepHeading& heading, const std::vector<FactSweep>& sweeps) {
  TextTable table(columns_of(heading));
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
  const AnswerUnit unit = answer_unit(heading, sweeps);
  Json datasets = Json::array();
  std::string still;
  for (const FactSweep& sweep : sweeps) {
    if (!one && !moves(sweep)) {
      still += (still.empty() ? "" : ", ") + sweep.fact;
      continue;
    }
    const std::string colour = series_colour(datasets.size());
    datasets.push_back({{"label", sweep.fact + " (" + sweep.text + ")"},
                        {"data", one ? points_in_units(sweep, unit) : points_over_card(sweep)},
                        {"showLine", true},
                        {"borderColor", colour},
                        {"backgroundColor", colour}});
  }
  const std::string fact_unit = one && !sweeps.front().unit.empty() ? " [" + sweeps.front().unit + "]" : "";
  const std::string x_title = one ? sweeps.front().fact + fact_unit : "value of the fact over the card's";
  const std::string what = heading.is_step ? "time of the step" : heading.question;
  Json chart = scatter_chart(x_title, one ? what + unit.title : what + " over that of the card as it is",
                             std::move(datasets));
  chart["options"]["scales"]["y"]["type"] = "linear";
  std::string body = element(
      "div", "charts", chart_figure("The answer as one fact of the card moves, the others held", chart));
  if (!still.empty()) {
    body += element(
        "p", "",
        "Over its range each of these moves the answer by less than 1 %: " + escape_html(still) + ".");
  }
  return html_page({"memwall sweep: " + heading.system, heading.title, heading.question, heading.command,
                    element("section", "", body + element("div", "scroll", table_of(heading, sweeps))),
                    "* marks the card's own value. Values that contradict another fact of the card, or with "
                    "which the model does not fit, have no point."});
}

}  // namespace memwall
