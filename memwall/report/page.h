// page.h - a race as one HTML file that needs no network: tables, charts, scripts and styles all inside.
#pragma once

#include <string>
#include <vector>

#include "memwall/serving/race.h"

namespace memwall {

struct PageHeading {
  std::string title;     // "Llama-3.1-70B, gpt-oss-120b"
  std::string subtitle;  // "prompt 4096, output 512, batch 8"
  std::string command;   // what to type to get this page again
};

// Results of several models are grouped by model, in the order in which they come. The same results give the
// same bytes. Charts need scripts; the tables are plain HTML.
std::string race_page(const PageHeading& heading, const std::vector<RaceResult>& results);

}  // namespace memwall
