#include "memwall/economics/comparison.h"

#include <algorithm>
#include <cmath>

#include "memwall/core/error.h"

namespace memwall {
namespace {

using UsdPerWatt = Quantity<1, 0, 0, -1, 1, 0>;

class Comparison {
 public:
  explicit Comparison(const System& system)
      : system_(system),
        low_(chip_program(system, CostCase::low)),
        high_(chip_program(system, CostCase::high)) {
    common_.facility_usd_per_watt = system.facts.get<UsdPerWatt>("cost.ownership.facility").value;
    common_.usd_per_kwh = number("ownership.electricity");
    common_.years = number("ownership.years");
    common_.embodied_kg = number("ownership.embodied");
    common_.grid_kg_per_kwh = number("ownership.grid");
  }

  VolumeComparison volume(const std::string& name) const {
    VolumeComparison volume;
    volume.name = name;
    volume.systems = number("volumes." + name + ".systems");
    volume.spares = number("volumes." + name + ".spares");
    volume.facility_power = facility(system_.facts.get<Watts>("all_in_power") * volume.systems);
    const double respins = number("ownership.respins");
    volume.low = systems(volume, low_);
    volume.high = systems(volume, high_);
    volume.respun_low = volume.low.total() + low_.respin(volume.systems) * respins;
    volume.respun_high = volume.high.total() + high_.respin(volume.systems) * respins;
    const double modules = volume.systems * system_.chips();
    constexpr double kKilogramsPerTonne = 1e3;
    volume.respun_carbon_tonnes =
        volume.low.carbon_tonnes + respins * modules * common_.embodied_kg / kKilogramsPerTonne;
    volume.claimed = fleet(volume.systems * number("fleet.equivalent"));
    const double rate =
        system_.facts.get<Hertz>("cost.throughput") / system_.facts.get<Hertz>("cost.fleet.throughput");
    volume.by_throughput = fleet(std::ceil(volume.systems * rate));
    return volume;
  }

 private:
  double number(const std::string& key) const { return system_.facts.get<Ratio>("cost." + key).value; }
  Usd usd(const std::string& key) const { return system_.facts.get<Usd>("cost." + key); }

  // To whole kilowatts, as the published tables go on.
  Watts facility(Watts computers) const {
    constexpr double kKilowatt = 1e3;
    return Watts(std::round(computers.value * number("ownership.pue") / kKilowatt) * kKilowatt);
  }

  Ownership systems(const VolumeComparison& volume, const ChipProgram& program) const {
    OwnershipInputs inputs = common_;
    inputs.purchase = program.first(volume.systems);
    inputs.facility_power = volume.facility_power;
    inputs.modules = volume.systems * system_.chips();
    inputs.network =
        usd("ownership.network_per_node") * (inputs.modules / number("ownership.modules_per_node"));
    inputs.spares = program.system() * volume.spares;
    return ownership(inputs);
  }

  FleetCost fleet(double processors) const {
    FleetCost fleet;
    fleet.processors = processors;
    const double nodes = processors / number("fleet.per_node");
    fleet.facility_power = facility(system_.facts.get<Watts>("cost.fleet.power") * processors);
    OwnershipInputs inputs = common_;
    inputs.purchase = usd("fleet.node_price") * nodes;
    inputs.facility_power = fleet.facility_power;
    inputs.network = usd("ownership.network_per_node") * nodes;
    inputs.upkeep_per_year = number("fleet.upkeep");
    inputs.licences_per_year = usd("fleet.licences") * processors;
    inputs.modules = processors;
    fleet.cost = ownership(inputs);
    return fleet;
  }

  const System& system_;
  ChipProgram low_, high_;
  OwnershipInputs common_;
};

}  // namespace

std::vector<VolumeComparison> compare_ownership(const System& system) {
  const Comparison comparison(system);
  std::vector<VolumeComparison> volumes;
  for (const std::string& name : system.facts.below("cost.volumes")) {
    volumes.push_back(comparison.volume(name));
  }
  std::stable_sort(volumes.begin(), volumes.end(),
                   [](const auto& a, const auto& b) { return a.systems < b.systems; });
  return volumes;
}

}  // namespace memwall
