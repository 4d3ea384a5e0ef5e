// speculation_report.h - drafting and verifying as text and JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "memwall/report/ink.h"
#include "memwall/serving/speculation.h"

namespace memwall {

std::string speculation_table(const SpeculationQuery& query, const SpeculationResult& result, Ink ink);
// Schema in docs/json/speculate.schema.json.
nlohmann::ordered_json speculation_json(const SpeculationQuery& query, const SpeculationResult& result);

}  // namespace memwall
