// comparison.h - systems of a new chip against a fleet of bought processors that does the same work, over
// years.
//
// Facts of the system's card below `cost` beside those of chip_program.h:
//   throughput                     tokens/s of one system
//   ownership.*                    pue, facility (USD/W), electricity (USD per kWh), years, respins,
//                                  network_per_node, modules_per_node, embodied (kg per module), grid (kg per
//                                  kWh)
//   fleet.*                        node_price, per_node, power (of one, of the computer), upkeep (per year),
//                                  licences (per year and processor), throughput (of one),
//                                  equivalent (of one system, as the maker counts)
//   volumes.NAME.systems, .spares
// The maker's own equivalence and the one by throughput are two comparisons.
#pragma once

#include <string>
#include <vector>

#include "memwall/economics/chip_program.h"
#include "memwall/economics/ownership.h"

namespace memwall {

struct FleetCost {
  double processors = 0;
  Watts facility_power;
  Ownership cost;
};

struct VolumeComparison {
  std::string name;
  double systems = 0, spares = 0;
  Watts facility_power;
  Ownership low, high;          // one version of the weights for all years
  Usd respun_low, respun_high;  // totals with the re-spins
  double respun_carbon_tonnes = 0;
  FleetCost claimed, by_throughput;
};

// Volumes in order of their systems. Throws ConfigError for a missing fact.
std::vector<VolumeComparison> compare_ownership(const System& system);

}  // namespace memwall
