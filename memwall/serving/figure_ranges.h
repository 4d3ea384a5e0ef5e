// figure_ranges.h - the figures of a system, and how far each moves with what nobody published.
#pragma once

#include <string>
#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/processor.h"

namespace memwall {

struct FigureRange {
  Figure figure;
  // The figure's lowest and highest value while one estimate at a time moves over its range.
  double low = 0, high = 0;
  std::string widest;  // the estimate that moves it most, "lp30: link.latency"; empty when none does
};

// In the family's order; empty for a family without figures.
std::vector<FigureRange> figure_ranges(const System& system, const Processor& processor);

std::string to_text(const std::vector<FigureRange>& figures);

}  // namespace memwall
