// array.h - a weight-stationary array: closed-form cycles, held against machine.h cycle by cycle.
//
// R x C cells each keep one weight. A fold is at most R x C weights of a k x n matrix; while its m activation
// rows stream through, the next fold's weights shift in behind them, one row of cells per cycle, and take
// over in the wake of the last row. Partial sums leave at the lower edge, where accumulators add up the folds
// of one column. Activations enter skewed: row r of the array sees activation i in cycle i + r, column c one
// cycle later each.
#pragma once

#include <cstdint>

namespace memwall {

struct StationaryArray {
  std::int64_t rows = 1, columns = 1;
  std::int64_t fill() const { return rows + columns - 2; }  // cycles from the last input to the last output
};

// f folds of m activation rows each, the weights of which fill `loaded` rows of cells (at most R):
//
//   loaded + (f - 1) max(m, loaded) + m + R + C - 2
//
// the first fold's load included. REQUIRES: all at least 1.
std::int64_t fold_cycles(const StationaryArray& shape, std::int64_t folds, std::int64_t m,
                         std::int64_t loaded);

// Y(m, n) = X(m, k) W(k, n) over `arrays` equal arrays.
struct ArrayPlan {
  std::int64_t folds = 0;   // of the busiest array
  std::int64_t m = 0;       // activation rows that each of its folds streams
  std::int64_t loaded = 0;  // rows of cells that a fold fills
  // Cycles in which the arrays are held, fill and the first load left out: folds * max(m, loaded).
  std::int64_t busy() const;
};
// The folds are dealt to the arrays; when there are fewer of them than arrays, the activation rows are
// divided as well. The split of fewest cycles.
ArrayPlan plan_gemm(const StationaryArray& shape, std::int64_t arrays, std::int64_t m, std::int64_t k,
                    std::int64_t n);

}  // namespace memwall
