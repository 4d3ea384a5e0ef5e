// section.h - one matrix product Y(m, n) = X(m, k) W(k, n) on the cores of one chiplet.
//
// W is cut into tiles of `inputs` x `columns(W bits)`, dealt to the cores; each core streams its tiles and
// multiplies all m vectors with each. Fewer tiles than cores: each tile is held by several cores, which share
// the vectors. Columns whose k-tiles lie on several cores are summed by the vector unit.
#pragma once

#include <cstdint>

#include "memwall/processors/dimc/card.h"

namespace memwall {

struct Section {
  double matrices = 1;  // equal ones side by side: experts, heads
  double m = 1, n = 1, k = 1;
  int weight_bits = 8, activation_bits = 8;
};

// Amounts on one chiplet. `ops` and `bytes` are those of all cores together, padding included, at the cells
// and at the reload ports; what a schedule loses beyond their mean is in `lost`.
struct SectionCost {
  double useful_ops = 0, ops = 0;
  double useful_bytes = 0, bytes = 0;
  double busiest_cycles = 0;  // stream_cycles of the core that has most to do
  double fill_cycles = 0;   // of them, those that no steady state has: the first reload or the last products
  double partial_sums = 0;  // values that the vector unit adds
};
SectionCost section_cost(const DimcCard& card, const Section& section);

}  // namespace memwall
