// json_text.h - JSON and CSV as text, from one tree so that both have the same keys.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "memwall/processors/placement.h"
#include "memwall/report/share_bar.h"
#include "memwall/serving/error_bar.h"
#include "memwall/serving/estimates.h"

namespace memwall {

// Indented, with a newline at the end. A number that is not finite is a bug (std::logic_error with its key):
// JSON has no spelling for it.
std::string json_text(const nlohmann::ordered_json& json);

// One line of titles, one line per row. Objects within a row become columns "outer.inner"; lists are joined
// with ';' when they hold plain values and left out otherwise. Columns are those of all rows, in order of
// first appearance; what a row lacks is empty. Fields with a comma, quote or newline are quoted (RFC 4180).
std::string csv_text(const std::vector<nlohmann::ordered_json>& rows);

// Pieces that several verbs share.
// null for an answer without one; half_width is null where there is no measurement.
nlohmann::ordered_json error_json(const std::optional<ErrorBar>& error);
nlohmann::ordered_json shares_json(const Shares& shares);
// null for a chip whose clock is not known; share below 1: what the power limit leaves.
nlohmann::ordered_json clock_json(Hertz clock, double share);
nlohmann::ordered_json memory_json(const std::vector<MemoryUse>& memory);
// On {time in seconds, energy in joules}: time_low_s, time_high_s, energy_low_j, energy_high_j.
nlohmann::ordered_json estimates_json(const std::vector<EstimateEffect>& estimates);

}  // namespace memwall
