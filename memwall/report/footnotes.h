// footnotes.h - what estimates an answer rests on, as a table below the answer.
#pragma once

#include <string>
#include <vector>

#include "memwall/report/ink.h"

namespace memwall {

struct EstimateNote {
  std::string fact, value, estimate;  // "h100: host.step", "500 us", the reasoning
  bool has_range = false;
  std::string low, high;  // the answer at the ends of the range: "1.02 ms"
  double swing = 0;       // relative movement of the answer
};
struct EstimateNotes {  // of one system
  std::string system;
  std::vector<EstimateNote> notes;  // largest swing first
};

// A line for each of the first `most` estimates of a system that move the answer by a hundredth or more, and
// one that counts the others; empty without notes. `answer` names what moves: "TPOT".
std::string estimate_table(const std::string& answer, const std::vector<EstimateNotes>& systems,
                           std::size_t most, bool with_reasons, Ink ink);

}  // namespace memwall
