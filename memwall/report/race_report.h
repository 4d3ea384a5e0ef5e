// race_report.h - a race as text: a table for the terminal, JSON, and rows for CSV.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "memwall/report/ink.h"
#include "memwall/serving/race.h"

namespace memwall {

// `results` may hold several models; `query` gives what they share (lengths and batch). Per model: rates,
// best first; then share of time and memory; then what does not fit and why; then what estimates move.
std::string race_table(const RaceQuery& query, const std::vector<RaceResult>& results, Ink ink);

// {"prompt_tokens", "output_tokens", "batch", "results": [...]}; schema in docs/json/race.schema.json.
// Figures of a system that the model does not fit are null.
nlohmann::ordered_json race_json(const RaceQuery& query, const std::vector<RaceResult>& results);

}  // namespace memwall
