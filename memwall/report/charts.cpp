#include "memwall/report/charts.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

// Tableau 10 without its grey, then darker shades of the same hues.
constexpr std::array<std::string_view, 14> kPalette = {"#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f",
                                                       "#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#1f4e79",
                                                       "#a85a00", "#8c2d2e", "#2f6b66", "#2d6a27"};

// Beyond the palette colours come again with other points.
constexpr std::array<std::string_view, 3> kPointStyles = {"circle", "rect", "triangle"};

Json series(const RaceResult& result, std::size_t index, Json points) {
  return {{"label", result.system},
          {"data", std::move(points)},
          {"showLine", true},
          {"pointStyle", kPointStyles[series_round(index)]},
          {"borderColor", series_colour(index)},
          {"backgroundColor", series_colour(index)}};
}

Json logarithmic_axis(const std::string& title) {
  return {{"type", "logarithmic"}, {"title", {{"display", true}, {"text", title}}}};
}

Json point(double x, double y, const std::string& label) { return {{"x", x}, {"y", y}, {"label", label}}; }

// The roof from a tenth of the decode point's intensity to ten times the ridge.
Json roof(const RaceResult& result) {
  const double peak = result.peak_ops.value;
  if (result.peak_bandwidth.value <= 0) {
    return {point(1, peak, "peak"), point(1e5, peak, "peak")};
  }
  const double ridge = peak / result.peak_bandwidth.value;
  return {point(0.1, 0.1 * result.peak_bandwidth.value, "bandwidth"), point(ridge, peak, "ridge"),
          point(std::max(1e5, ridge), peak, "peak")};
}

}  // namespace

Json scatter_chart(const std::string& x_title, const std::string& y_title, Json datasets) {
  return {{"type", "scatter"},
          {"data", {{"datasets", std::move(datasets)}}},
          {"options",
           {{"animation", false},
            {"maintainAspectRatio", false},
            {"scales", {{"x", logarithmic_axis(x_title)}, {"y", logarithmic_axis(y_title)}}},
            {"plugins", {{"legend", {{"position", "bottom"}}}}}}}};
}

std::string series_colour(std::size_t index) { return std::string(kPalette[index % kPalette.size()]); }

std::size_t series_round(std::size_t index) { return index / kPalette.size() % kPointStyles.size(); }

Json pareto_chart(const std::vector<RaceResult>& results) {
  Json datasets = Json::array();
  for (std::size_t index = 0; index < results.size(); ++index) {
    const RaceResult& result = results[index];
    if (!result.fits || result.pareto.empty()) {
      continue;
    }
    std::vector<ParetoPoint> curve = result.pareto;  // by interactivity: plans change between batches
    std::sort(curve.begin(), curve.end(), [](const ParetoPoint& a, const ParetoPoint& b) {
      return a.tokens_per_s_per_user < b.tokens_per_s_per_user;
    });
    Json points = Json::array();
    for (const ParetoPoint& each : curve) {
      points.push_back(point(each.tokens_per_s_per_user, each.tokens_per_s_per_chip,
                             "batch " + std::to_string(each.batch)));
    }
    datasets.push_back(series(result, index, std::move(points)));
  }
  return scatter_chart("tokens/s per user", "tokens/s per chip", std::move(datasets));
}

Json roofline_chart(const std::vector<RaceResult>& results) {
  Json datasets = Json::array();
  for (std::size_t index = 0; index < results.size(); ++index) {
    const RaceResult& result = results[index];
    if (!result.fits || result.peak_ops.value <= 0) {
      continue;
    }
    Json& line = datasets.emplace_back(series(result, index, roof(result)));
    line["pointRadius"] = 0;
    line["borderWidth"] = 1.5;
    Json phases = Json::array();
    for (const auto& [name, phase] :
         {std::pair{"prefill", &result.prefill}, std::pair{"decode", &result.decode}}) {
      if (phase->bytes.value > 0 && phase->ops.value > 0) {
        phases.push_back(point(phase->ops_per_byte(), phase->achieved().value, name));
      }
    }
    Json& points = datasets.emplace_back(series(result, index, std::move(phases)));
    points["label"] = result.system + " phases";
    points["showLine"] = false;
    points["pointRadius"] = 5;
  }
  return scatter_chart("op/byte", "op/s", std::move(datasets));
}

}  // namespace memwall
