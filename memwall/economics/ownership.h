// ownership.h - what a number of systems costs over its years: purchase, building, electricity, upkeep; and
// the carbon that it stands for.
//
//   infrastructure  facility power * price of a watt of facility + network
//   electricity     facility power * years * price of energy
//   maintenance     a fraction of purchase and infrastructure per year + licences, or spare systems
//   carbon          embodied * modules bought + facility energy * grid intensity
// Facility power is that of the computers times PUE, rounded as its publisher does (README of the card's
// source: HNLPU's appendix goes on with kilowatts).
#pragma once

#include "memwall/core/units.h"

namespace memwall {

struct OwnershipInputs {
  Usd purchase;          // of all systems
  Watts facility_power;  // computers times PUE
  Usd network;           // of all systems
  double facility_usd_per_watt = 0, usd_per_kwh = 0;
  double years = 0;
  double upkeep_per_year = 0;  // of purchase and infrastructure
  Usd licences_per_year, spares;
  double modules = 0, embodied_kg = 0, grid_kg_per_kwh = 0;  // embodied: of one module
};

struct Ownership {
  Usd purchase, infrastructure, electricity, maintenance;
  double carbon_tonnes = 0;
  Usd total() const { return purchase + infrastructure + electricity + maintenance; }
};

Ownership ownership(const OwnershipInputs& inputs);

}  // namespace memwall
