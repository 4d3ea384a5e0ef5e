// explain_json.h - the stages of the pipeline and the cards as JSON, for `memwall explain --json`.
//
// Each object holds one list of like rows, under the key named beside it: the lines of --csv.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "memwall/hardware/system.h"
#include "memwall/model/step.h"
#include "memwall/processors/placement.h"
#include "memwall/program/ledger.h"
#include "memwall/serving/figure_ranges.h"

namespace memwall {

nlohmann::ordered_json explain_json(const Model& model);                       // "operators"
nlohmann::ordered_json explain_json(const Model& model, const Step& step);     // "operators"
nlohmann::ordered_json explain_json(const Placement& placement);               // "memory"
nlohmann::ordered_json explain_json(const Program& program);                   // "demands"
nlohmann::ordered_json explain_json(const Ledger& ledger);                     // "lines"
nlohmann::ordered_json explain_json(const Chip& chip);                         // "facts"
nlohmann::ordered_json explain_json(const System& system);                     // "facts"
nlohmann::ordered_json explain_json(const std::vector<FigureRange>& figures);  // "figures"

}  // namespace memwall
