#include "memwall/report/cost_report.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/core/unit_text.h"
#include "memwall/report/text_table.h"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

// "$629", "$73 k", "$13.8 M": money as its tables print it.
std::string money(Usd amount) {
  constexpr double kThousand = 1e3, kMillion = 1e6, kAtLeast = 1e4;
  if (amount.value >= kMillion) {
    return "$" + count_text(amount.value / kMillion) + " M";
  }
  return amount.value >= kAtLeast ? "$" + count_text(amount.value / kThousand) + " k"
                                  : "$" + count_text(amount.value);
}
std::string ends(Usd low, Usd high) { return low == high ? money(low) : money(low) + " to " + money(high); }
std::string times(double ratio) { return fmt::format("{:.1f} x", ratio); }

std::string program_table(const ChipProgram& low, const ChipProgram& high) {
  TextTable table({{"one chip"}, {"", true}});
  table.add_row({fmt::format("die: {:.0f} good of {:.0f}, yield {}", low.good_dies, low.gross_dies,
                             percent_text(low.yield)),
                 ends(low.die, high.die)});
  table.add_row({"package and test", ends(low.package_and_test, high.package_and_test)});
  table.add_row({"memory", ends(low.memory, high.memory)});
  table.add_row({"integration", ends(low.integration, high.integration)});
  table.add_row({fmt::format("system of {}", low.chips_per_system), ends(low.system(), high.system())});
  table.add_row({"masks that variants share", ends(low.masks_shared, high.masks_shared)});
  table.add_row({"masks of the variants", ends(low.masks_variable, high.masks_variable)});
  table.add_row({"design", ends(low.design, high.design)});
  table.add_row({"before the first system", ends(low.nre(), high.nre())});
  return table.text();
}

std::string volume_table(const VolumeComparison& volume, const ChipProgram& low, const ChipProgram& high) {
  const FleetCost &claimed = volume.claimed, &like = volume.by_throughput;
  TextTable table({{"over the years"},
                   {count_text(volume.systems) + (volume.systems == 1 ? " system" : " systems"), true},
                   {count_text(claimed.processors) + " bought, as claimed", true},
                   {count_text(like.processors) + " bought, by throughput", true}});
  const auto row = [&](const char* what, Usd Ownership::* part) {
    table.add_row(
        {what, ends(volume.low.*part, volume.high.*part), money(claimed.cost.*part), money(like.cost.*part)});
  };
  const auto power = [](Watts watts) { return to_text(watts); };
  table.add_row({"facility power", power(volume.facility_power), power(claimed.facility_power),
                 power(like.facility_power)});
  row("purchase", &Ownership::purchase);
  row("infrastructure", &Ownership::infrastructure);
  row("electricity", &Ownership::electricity);
  row("maintenance", &Ownership::maintenance);
  table.add_row({"total", ends(volume.low.total(), volume.high.total()), money(claimed.cost.total()),
                 money(like.cost.total())});
  table.add_row({"one re-spin", ends(low.respin(volume.systems), high.respin(volume.systems))});
  table.add_row({"total with re-spins", ends(volume.respun_low, volume.respun_high),
                 money(claimed.cost.total()), money(like.cost.total())});
  const auto saved = [&](const FleetCost& fleet) {
    return times(fleet.cost.total() / volume.respun_high) + " to " +
           times(fleet.cost.total() / volume.respun_low);
  };
  table.add_row({"bought over built, with re-spins", "", saved(claimed), saved(like)});
  const auto tonnes = [](double carbon) { return count_text(std::round(carbon)) + " t"; };
  table.add_row({"CO2e with re-spins", tonnes(volume.respun_carbon_tonnes),
                 tonnes(claimed.cost.carbon_tonnes), tonnes(like.cost.carbon_tonnes)});
  return table.text();
}

std::string models_table(const CostTable& costs) {
  TextTable table(
      {{"masks for another model"}, {"weights", true}, {"bits", true}, {"variants", true}, {"masks", true}});
  constexpr double kGiga = 1e9;
  for (std::size_t i = 0; i < costs.models_low.size(); ++i) {
    const OtherModel &low = costs.models_low[i], &high = costs.models_high[i];
    table.add_row({low.name, fmt::format("{:.1f} G", low.weights / kGiga), count_text(low.bits),
                   fmt::format("{:.1f}", low.variants), ends(low.masks, high.masks)});
  }
  return table.text();
}

Json program_json(const ChipProgram& program) {
  return {{"yield", program.yield},
          {"gross_dies", program.gross_dies},
          {"good_dies", program.good_dies},
          {"die_usd", program.die.value},
          {"package_and_test_usd", program.package_and_test.value},
          {"memory_usd", program.memory.value},
          {"integration_usd", program.integration.value},
          {"system_usd", program.system().value},
          {"masks_shared_usd", program.masks_shared.value},
          {"masks_of_variant_usd", program.masks_of_variant.value},
          {"masks_variable_usd", program.masks_variable.value},
          {"design_usd", program.design.value},
          {"nre_usd", program.nre().value}};
}

Json ownership_json(const Ownership& cost) {
  return {{"purchase_usd", cost.purchase.value},       {"infrastructure_usd", cost.infrastructure.value},
          {"electricity_usd", cost.electricity.value}, {"maintenance_usd", cost.maintenance.value},
          {"total_usd", cost.total().value},           {"carbon_t", cost.carbon_tonnes}};
}

Json fleet_json(const FleetCost& fleet) {
  Json json = {{"processors", fleet.processors}, {"facility_power_w", fleet.facility_power.value}};
  json.update(ownership_json(fleet.cost));
  return json;
}

}  // namespace

std::string cost_table(const CostTable& table) {
  std::string text = table.system + "\n\n" + program_table(table.low, table.high);
  if (!table.models_low.empty()) {
    text += "\n" + models_table(table);
  }
  for (const VolumeComparison& volume : table.volumes) {
    text += "\n" + volume_table(volume, table.low, table.high);
  }
  return text;
}

Json cost_json(const CostTable& table) {
  Json volumes = Json::array();
  for (const VolumeComparison& volume : table.volumes) {
    volumes.push_back({{"name", volume.name},
                       {"systems", volume.systems},
                       {"facility_power_w", volume.facility_power.value},
                       {"low", ownership_json(volume.low)},
                       {"high", ownership_json(volume.high)},
                       {"respin_low_usd", table.low.respin(volume.systems).value},
                       {"respin_high_usd", table.high.respin(volume.systems).value},
                       {"total_with_respins_low_usd", volume.respun_low.value},
                       {"total_with_respins_high_usd", volume.respun_high.value},
                       {"carbon_with_respins_t", volume.respun_carbon_tonnes},
                       {"fleet_as_claimed", fleet_json(volume.claimed)},
                       {"fleet_by_throughput", fleet_json(volume.by_throughput)}});
  }
  Json models = Json::array();
  for (std::size_t i = 0; i < table.models_low.size(); ++i) {
    const OtherModel &low = table.models_low[i], &high = table.models_high[i];
    models.push_back({{"name", low.name},
                      {"weights", low.weights},
                      {"bits", low.bits},
                      {"variants", low.variants},
                      {"masks_low_usd", low.masks.value},
                      {"masks_high_usd", high.masks.value}});
  }
  return {{"system", table.system},
          {"low", program_json(table.low)},
          {"high", program_json(table.high)},
          {"other_models", models},
          {"volumes", volumes}};
}

}  // namespace memwall
