#include "memwall/serving/figure_ranges.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "memwall/serving/estimates.h"

namespace memwall {
namespace {

void widen(FigureRange& range, double low, double high, const std::string& estimate, double& most) {
  range.low = std::min({range.low, low, high});
  range.high = std::max({range.high, low, high});
  if (const double swing = std::abs(high - low); swing > most) {
    most = swing;
    range.widest = estimate;
  }
}

}  // namespace

std::vector<FigureRange> figure_ranges(const System& system, const Processor& processor) {
  std::vector<FigureRange> ranges;
  for (Figure& figure : processor.figures(system)) {
    const double value = figure.value;
    ranges.push_back({std::move(figure), value, value, ""});
  }
  const Measure measure = [&](const System& at) {
    std::vector<double> values;
    for (const Figure& figure : processor.figures(at)) {
      values.push_back(figure.value);
    }
    return values;
  };
  std::vector<double> most(ranges.size());
  for (const EstimateEffect& effect : sweep_estimates(system, measure)) {
    for (std::size_t i = 0; effect.has_range && i < ranges.size(); ++i) {
      widen(ranges[i], effect.low[i], effect.high[i], effect.card + ": " + effect.fact, most[i]);
    }
  }
  return ranges;
}

std::string to_text(const std::vector<FigureRange>& figures) {
  std::size_t name_width = 0, value_width = 0;
  const auto value_text = [](const FigureRange& range) { return fmt::format("{:.6g}", range.figure.value); };
  for (const FigureRange& range : figures) {
    name_width = std::max(name_width, range.figure.name.size());
    value_width = std::max(value_width, value_text(range).size());
  }
  std::string text;
  for (const FigureRange& range : figures) {
    std::string line = fmt::format("{:<{}}  {:>{}} {}", range.figure.name, name_width, value_text(range),
                                   value_width, range.figure.unit);
    if (!range.widest.empty()) {
      line += fmt::format("  ({:.6g} to {:.6g} over {})", range.low, range.high, range.widest);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text.empty() ? "no figures: the family derives none from its cards\n" : text;
}

}  // namespace memwall
