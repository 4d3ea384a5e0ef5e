// footnotes.h - what estimates an answer rests on, as text below a table.
#pragma once

#include <string>
#include <vector>

#include "memwall/report/ink.h"

namespace memwall {

struct EstimateNote {
  std::string fact, value, estimate;  // "hnlpu: link.latency", "400 ns", the reasoning
  bool has_range = false;
  std::string low, high;  // the answer at the ends of the range: "1.02 ms"
  double swing = 0;       // relative movement of the answer
};

// A line for each of the first `most` estimates that move the answer by a hundredth or more, and one that
// counts the others; empty without notes. `answer` names what moves ("TPOT"), `who` begins each line.
// REQUIRES: largest swing first.
std::string estimate_lines(const std::string& who, const std::string& answer,
                           const std::vector<EstimateNote>& notes, std::size_t most, Ink ink);

}  // namespace memwall
