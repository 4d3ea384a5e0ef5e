// fold_schedule.h - what one part of the array, or several fused, does in every step of a list of folds.
//
// Stationary: a fold's tile goes down the chain in `rows` steps, column c one step behind column c - 1; then
// `streamed` vectors enter from the left, row r one step behind row r - 1, and the wave of the first one
// swaps each cell's held value in. Single-buffered: the next load begins when the last sum is out.
// Double-buffered: as soon as this fold's wave begins. That takes three registers per cell (chain, held, in
// use): with two, the chain would overwrite cells that the wave has not reached.
// Output stationary: both operands stream, a cell hands out its sum after the last product of the fold.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "memwall/processors/systolic/array_cycles.h"

namespace memwall {

inline std::size_t index_of(std::int64_t value) { return static_cast<std::size_t>(value); }

struct FoldTask {
  std::size_t gemm = 0;
  std::int64_t row = 0, column = 0, height = 1, width = 1;  // of the tile, edge tiles smaller than the array
  std::int64_t first = 0, streamed = 1;                     // vectors
};

struct StepWords {
  std::int64_t top = 0, left = 0, sums = 0;
};

class FoldSchedule {
 public:
  struct Times {
    std::int64_t load = 0, stream = 0, end = 0;  // first step of each; `end`: after the last sum
  };

  // REQUIRES: folds is not empty.
  FoldSchedule(bool outputs_stay, bool double_buffered, std::int64_t rows, std::int64_t columns,
               std::vector<FoldTask> folds);

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  const std::vector<FoldTask>& folds() const { return folds_; }
  const Times& times(std::size_t fold) const { return times_[fold]; }

  std::int64_t steps() const { return times_.back().end; }
  std::int64_t step() const { return step_; }
  bool done() const { return step_ >= steps(); }
  // Folds that have begun and not ended in this step: [first, last).
  std::size_t first() const { return first_; }
  std::size_t last() const { return last_; }
  StepWords words() const;    // that pass the edges in this step
  std::int64_t macs() const;  // cells that multiply values of the matrices in this step
  void advance();
  void finish() { step_ = steps(); }

  StepWords all_words() const;  // of all steps
  std::int64_t all_macs() const;

 private:
  void find_last();

  bool outputs_stay_;
  std::int64_t rows_, columns_;
  std::vector<FoldTask> folds_;
  std::vector<Times> times_;
  std::int64_t step_ = 0;
  std::size_t first_ = 0, last_ = 0;
};

// Calls visit(i) for every i in [0, size) with low <= step - i < high: a window that is skewed by one.
template <class Visit>
void for_window(std::int64_t step, std::int64_t low, std::int64_t high, std::int64_t size, Visit&& visit) {
  const std::int64_t last = std::min(step - low, size - 1);
  for (std::int64_t i = std::max<std::int64_t>(step - high + 1, 0); i <= last; ++i) {
    visit(i);
  }
}

}  // namespace memwall
