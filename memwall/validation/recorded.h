// recorded.h - the figures of docs/validation.md as data: validation/recorded.csv, which a set may not get
// worse than.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "memwall/validation/table.h"
#include "memwall/validation/validate.h"

namespace memwall {

struct RecordedFigure {
  std::string set, group;
  std::int64_t n = 0;
  double mean = 0;  // of the absolute errors, calibrated
};
std::vector<RecordedFigure> read_recorded(const Table& table);
std::vector<RecordedFigure> read_recorded();              // of the data files; empty when they have none
std::string recorded_text(const Validation& validation);  // the file's new content

// The text below each "## SET" of validation/remarks.md; empty when the data files have none.
std::map<std::string, std::string> read_remarks();
std::map<std::string, std::string> parse_remarks(const std::string& text);

// One phrase per set that was scored and is worse than its record by more than a tenth (and a tenth of a
// point), has other rows than were recorded, or is not recorded: "gemm_bf16 h100: 5.6 %, recorded 4.9 %".
std::vector<std::string> worse_than_recorded(const Validation& validation,
                                             const std::vector<RecordedFigure>& recorded);

}  // namespace memwall
