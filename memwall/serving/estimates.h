// estimates.h - what an estimated fact can do to an answer: the answer at both ends of the fact's range.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "memwall/hardware/system.h"

namespace memwall {

// The numbers of an answer (times, energies) on a system; empty when there is no answer there.
using Measure = std::function<std::vector<double>(const System&)>;

struct EstimateEffect {
  std::string card, fact;       // file stem and dotted key
  std::string value, estimate;  // as written, and the reasoning
  bool has_range = false;
  std::vector<double> low, high;  // the measured numbers at the ends of the fact's range, if it has one
  double swing = 0;               // |high - low| / base of the first number
};

// Every estimated fact of the system's cards that the answer depends on, largest swing first, ties by card
// and key. A range end where there is no answer, or that contradicts another fact of the card, counts as no
// movement. An estimate without a range is listed when a hundredth less of it changes any number.
std::vector<EstimateEffect> sweep_estimates(const System& system, const Measure& measure);

}  // namespace memwall
