// sweep_report.h - a sweep over facts of a card as a table, as JSON and as one picture.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "memwall/serving/fact_sweep.h"

namespace memwall {

struct SweepHeading {
  std::string system, title;
  std::string question;  // "llama-3.1-8b, decode 64@4096", "sharing.tokens_per_s"
  std::string unit;      // of the answers: "s" for the time of a step
  std::string command;   // for the page
  bool is_step = true;
};

std::string sweep_table(const SweepHeading& heading, const std::vector<FactSweep>& sweeps);
nlohmann::ordered_json sweep_json(const SweepHeading& heading,
                                  const std::vector<FactSweep>& sweeps);  // "points"
// One HTML file with one chart: a line per fact over its value, or over its ratio to the card's when there
// are several facts.
std::string sweep_page(const SweepHeading& heading, const std::vector<FactSweep>& sweeps);

}  // namespace memwall
