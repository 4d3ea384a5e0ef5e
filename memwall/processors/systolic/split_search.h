// split_search.h - the best way to run a GEMM on a splittable array: every divisor of the finest split, every
// dataflow of the card. Exhaustive: an array that divides 16 ways has 5 splits of rows.
#pragma once

#include <vector>

#include "memwall/processors/systolic/card.h"

namespace memwall {

struct SplitChoice {
  Split split;
  Dataflow dataflow = Dataflow::weight_stationary;
  ArrayCycles cost;
};

// All of them, whole array first, then by row and column parts; ports as the card has them.
std::vector<SplitChoice> split_options(const SystolicCard& card, const ProductShape& gemm);
// The one with the fewest cycles; of equals the coarsest. `slabs` of the array's row parts take part, the
// others work for somebody else: 0 for all. Does not allocate.
SplitChoice best_split(const SystolicCard& card, const ProductShape& gemm, std::int64_t slabs = 0);

}  // namespace memwall
