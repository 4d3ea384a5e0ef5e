// harden_report.h - what became of a weight file in metal: a table per layer, and JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "memwall/processors/harden.h"

namespace memwall {

// Tensors one by one if they are few, else layers.
std::string harden_table(const HardenReport& report);
// Schema in docs/json/harden.schema.json; CSV takes its `tensors`.
nlohmann::ordered_json harden_json(const HardenReport& report);

}  // namespace memwall
