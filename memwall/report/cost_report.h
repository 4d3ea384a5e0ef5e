// cost_report.h - what a chip costs to bring into being, to build and to own, beside a bought fleet.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "memwall/economics/comparison.h"

namespace memwall {

struct CostTable {
  std::string system;
  ChipProgram low, high;
  std::vector<OtherModel> models_low, models_high;  // the same models in the same order
  std::vector<VolumeComparison> volumes;
};

std::string cost_table(const CostTable& table);
// Schema in docs/json/explain-cost.schema.json; CSV takes its `volumes`.
nlohmann::ordered_json cost_json(const CostTable& table);

}  // namespace memwall
