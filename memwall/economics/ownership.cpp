#include "memwall/economics/ownership.h"

namespace memwall {

Ownership ownership(const OwnershipInputs& inputs) {
  constexpr double kHoursPerYear = 365 * 24, kWattsPerKilowatt = 1e3, kKilogramsPerTonne = 1e3;
  const double kwh = inputs.facility_power.value / kWattsPerKilowatt * inputs.years * kHoursPerYear;
  Ownership cost;
  cost.purchase = inputs.purchase;
  cost.infrastructure = Usd(inputs.facility_power.value * inputs.facility_usd_per_watt) + inputs.network;
  cost.electricity = Usd(kwh * inputs.usd_per_kwh);
  cost.maintenance = (inputs.purchase + cost.infrastructure) * (inputs.upkeep_per_year * inputs.years) +
                     inputs.licences_per_year * inputs.years + inputs.spares;
  cost.carbon_tonnes =
      (inputs.modules * inputs.embodied_kg + kwh * inputs.grid_kg_per_kwh) / kKilogramsPerTonne;
  return cost;
}

}  // namespace memwall
