#include "memwall/processors/systolic/split_search.h"

namespace memwall {
namespace {

// Calls visit(SplitChoice) for every way to cut `rows_of_parts` row parts and every dataflow.
template <class Visit>
void for_each_option(const SystolicCard& card, const ArrayShape& array, std::int64_t row_parts,
                     const ProductShape& gemm, Visit&& visit) {
  for (std::int64_t rows = 1; rows <= row_parts; ++rows) {
    if (row_parts % rows != 0) {
      continue;
    }
    for (std::int64_t columns = 1; columns <= card.finest.column_parts; ++columns) {
      if (card.finest.column_parts % columns != 0) {
        continue;
      }
      for (const Dataflow dataflow : card.dataflows) {
        const Split split{rows, columns};
        visit(SplitChoice{split, dataflow, gemm_cycles(array, split, dataflow, gemm)});
      }
    }
  }
}

}  // namespace

std::vector<SplitChoice> split_options(const SystolicCard& card, const ProductShape& gemm) {
  std::vector<SplitChoice> options;
  for_each_option(card, card.array, card.finest.row_parts, gemm,
                  [&](const SplitChoice& option) { options.push_back(option); });
  return options;
}

SplitChoice best_split(const SystolicCard& card, const ProductShape& gemm, std::int64_t slabs) {
  ArrayShape array = card.array;
  std::int64_t row_parts = card.finest.row_parts;
  if (slabs > 0 && slabs < row_parts) {
    array.rows = array.rows / row_parts * slabs;
    row_parts = slabs;
  }
  SplitChoice best;
  bool found = false;
  for_each_option(card, array, row_parts, gemm, [&](const SplitChoice& option) {
    if (!found || option.cost.cycles < best.cost.cycles) {
      best = option;
      found = true;
    }
  });
  return best;
}

}  // namespace memwall
