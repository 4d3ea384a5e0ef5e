// list_report.h - what memwall knows, as tables and JSON: models, chips, systems, families.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "memwall/core/registry.h"
#include "memwall/hardware/system.h"
#include "memwall/model/model.h"

namespace memwall {

struct FamilyEntry {
  std::string name, summary;
};

std::string models_table(const std::vector<Model>& models);
std::string chips_table(const std::vector<Chip>& chips);
std::string systems_table(const std::vector<System>& systems);
std::string families_table(const std::vector<FamilyEntry>& families);

// Lists of objects; schema in docs/json/list.schema.json.
nlohmann::ordered_json models_json(const std::vector<Model>& models);
nlohmann::ordered_json chips_json(const std::vector<Chip>& chips);
nlohmann::ordered_json systems_json(const std::vector<System>& systems);
nlohmann::ordered_json families_json(const std::vector<FamilyEntry>& families);

}  // namespace memwall
