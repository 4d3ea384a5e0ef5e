// The rows of validation/processors/lpu.csv and validation/figures/lpu.csv are what memwall computes.
#include <cmath>
#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/hardware/system.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/lpu/lowering.h"
#include "memwall/processors/lpu/test_support.h"
#include "memwall/program/clock.h"

namespace memwall {
namespace {

std::vector<std::vector<std::string>> rows_of(const std::string& file) {
  std::istringstream lines(read_text_file(data_root() / "validation" / file));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (const char c : line) {
      quoted = c == '"' ? !quoted : quoted;
      if (c == ',' && !quoted) {
        cells.emplace_back();
      } else if (c != '"') {
        cells.back() += c;
      }
    }
    rows.push_back(cells);
  }
  rows.erase(rows.begin());  // titles
  return rows;
}

// One constant fitted to four rates: each within 27 % (time), 25 % where the chips are stated.
TEST(PublishedSteps, PredictionsAreCurrentAndWithinAQuarter) {
  for (const std::vector<std::string>& row : rows_of("processors/lpu.csv")) {
    const System system = read_system(row[1]);
    const LpuModel model(read_model(row[2]), read_lpu_card(system.chip()), parse_plan(row[3]));
    Program program;
    model.lower(
        {{{std::atoll(row[4].c_str()), 1, std::atoll(row[5].c_str()) + std::atoll(row[6].c_str()) / 2}}, {}},
        program);
    ScheduleClock clock;
    const double ms = clock.run(program).time.value * 1e3;
    EXPECT_NEAR(ms / std::atof(row[8].c_str()), 1, 1e-3) << row[2];
    EXPECT_NEAR(std::log(ms / std::atof(row[7].c_str())), 0, std::log(1.27)) << row[2] << " " << row[12];
  }
}

}  // namespace
}  // namespace memwall
