#include "memwall/report/harden_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/core/unit_text.h"
#include "memwall/report/text_table.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

double occupancy(const HardenedTensor& tensor) {
  return static_cast<double>(tensor.wires) / static_cast<double>(tensor.ports);
}

std::string area_text(SquareMillimetres area) { return count_text(area.value) + " mm2"; }

void add_row(TextTable& table, const HardenedTensor& tensor) {
  const auto count = [](std::int64_t value) { return count_text(static_cast<double>(value)); };
  table.add_row({tensor.name, tensor.type, count(tensor.neurons), count(tensor.weights), count(tensor.wires),
                 percent_text(occupancy(tensor)), percent_text(tensor.fullest), count(tensor.overfull),
                 count(tensor.adders), count(tensor.built_adders), area_text(tensor.area),
                 to_text(tensor.energy_per_pass), to_text(tensor.power), percent_text(tensor.error)});
}

Json tensor_json(const HardenedTensor& tensor) {
  return {{"name", tensor.name},
          {"type", tensor.type},
          {"layer", tensor.layer},
          {"neurons", tensor.neurons},
          {"inputs", tensor.inputs},
          {"weights", tensor.weights},
          {"wires", tensor.wires},
          {"ports", tensor.ports},
          {"occupancy", occupancy(tensor)},
          {"fullest", tensor.fullest},
          {"overfull", tensor.overfull},
          {"adders", tensor.adders},
          {"built_adders", tensor.built_adders},
          {"area_mm2", tensor.area.value},
          {"energy_per_pass_j", tensor.energy_per_pass.value},
          {"power_w", tensor.power.value},
          {"error", tensor.error}};
}

Json tensors_json(const std::vector<HardenedTensor>& tensors) {
  Json list = Json::array();
  for (const HardenedTensor& tensor : tensors) {
    list.push_back(tensor_json(tensor));
  }
  return list;
}

}  // namespace

std::string harden_table(const HardenReport& report) {
  TextTable table({{"neurons of"},
                   {"type"},
                   {"neurons", true},
                   {"weights", true},
                   {"wires", true},
                   {"ports used", true},
                   {"fullest", true},
                   {"overfull", true},
                   {"adders", true},
                   {"built", true},
                   {"area", true},
                   {"energy", true},
                   {"power", true},
                   {"error", true}});
  constexpr std::size_t kMostTensors = 12;
  for (const HardenedTensor& part : report.tensors.size() <= kMostTensors ? report.tensors : report.layers) {
    add_row(table, part);
  }
  add_row(table, report.total);
  std::string text = fmt::format("{} wired for {}\n\n{}\n", report.source, report.system, table.text());
  text += fmt::format(
      "area: {} of arrays on the system; {} at the density its maker states for the model it has\n",
      area_text(report.array_area), area_text(report.area_as_published));
  text += "energy: one token through all neurons; power: while passes follow one another\n";
  if (!report.misfits.empty()) {
    text += "\nwhat the method has no place for\n";
  }
  for (const Misfit& misfit : report.misfits) {
    text += fmt::format("  {} {}: {}\n", count_text(static_cast<double>(misfit.values)), misfit.what,
                        misfit.handling);
  }
  return text;
}

Json harden_json(const HardenReport& report) {
  Json misfits = Json::array();
  for (const Misfit& misfit : report.misfits) {
    misfits.push_back({{"what", misfit.what}, {"values", misfit.values}, {"handling", misfit.handling}});
  }
  return {{"source", report.source},
          {"system", report.system},
          {"total", tensor_json(report.total)},
          {"array_area_mm2", report.array_area.value},
          {"area_as_published_mm2", report.area_as_published.value},
          {"misfits", misfits},
          {"layers", tensors_json(report.layers)},
          {"tensors", tensors_json(report.tensors)}};
}

}  // namespace memwall
