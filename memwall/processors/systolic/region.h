// region.h - one part of the array, or several fused, working through a list of folds step by step.
//
// A step is one cycle of the region's own time: it happens when the ports have delivered all that the step
// takes in and taken all that it hands out, so a region that is not fed waits whole.
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
#include <memory>
#include <vector>

#include "memwall/processors/systolic/array_cycles.h"
#include "memwall/processors/systolic/registers.h"

namespace memwall {

// One GEMM as the array sees it (array_cycles.h): values that stay or enter at the top, [rows x columns], or
// [streamed x columns] when outputs stay; values that enter from the left, [streamed x rows]; sums with the
// strides of the product that they belong to.
template <class Cell>
struct MappedGemm {
  Dataflow dataflow = Dataflow::weight_stationary;
  std::int64_t rows = 0, columns = 0, streamed = 0;
  std::vector<typename Cell::Operand> top, left;
  std::vector<typename Cell::Total> product;          // [m x n] of the GEMM
  std::int64_t vector_stride = 0, column_stride = 0;  // outputs stay: row_stride instead of vector_stride
};

struct FoldTask {
  std::size_t gemm = 0;
  std::int64_t row = 0, column = 0;      // first row and column of the tile
  std::int64_t first = 0, streamed = 0;  // vectors
};

struct StepWords {
  std::int64_t top = 0, left = 0, sums = 0;
};

class Region {
 public:
  virtual ~Region() = default;
  virtual bool done() const = 0;
  virtual StepWords need() const = 0;     // of the next step
  virtual StepWords total() const = 0;    // of all steps
  virtual std::int64_t step() = 0;        // returns the cells that multiplied
  virtual Dataflow dataflow() const = 0;  // which operand enters where
};

namespace region_detail {

// How many i in [0, size) have low <= step - i < high.
inline std::int64_t in_window(std::int64_t step, std::int64_t low, std::int64_t high, std::int64_t size) {
  const std::int64_t last = std::min(step - low, size - 1),
                     first = std::max<std::int64_t>(step - high + 1, 0);
  return std::max<std::int64_t>(0, last - first + 1);
}

// Cells of a rows x columns rectangle on anti-diagonals 0 to `diagonal`.
inline std::int64_t cells_up_to(std::int64_t diagonal, std::int64_t rows, std::int64_t columns) {
  const auto triangle = [](std::int64_t n) { return n > 0 ? n * (n + 1) / 2 : 0; };
  const std::int64_t n = diagonal + 1;
  return triangle(n) - triangle(n - rows) - triangle(n - columns) + triangle(n - rows - columns);
}

// Calls visit(i) for every i in [0, size) with low <= step - i < high.
template <class Visit>
void for_window(std::int64_t step, std::int64_t low, std::int64_t high, std::int64_t size, Visit&& visit) {
  const std::int64_t last = std::min(step - low, size - 1);
  for (std::int64_t i = std::max<std::int64_t>(step - high + 1, 0); i <= last; ++i) {
    visit(i);
  }
}

}  // namespace region_detail

template <class Cell, class Registers>
class StationaryRegion final : public Region {
 public:
  StationaryRegion(std::int64_t rows, std::int64_t columns, bool double_buffered,
                   std::vector<MappedGemm<Cell>>* gemms, std::vector<FoldTask> folds)
      : rows_(rows), columns_(columns), gemms_(gemms), folds_(std::move(folds)), registers_(rows, columns) {
    Times next;
    for (const FoldTask& fold : folds_) {
      next.stream = std::max(next.load + rows_, next.stream);
      times_.push_back(next);
      end_ = next.stream + rows_ + columns_ + fold.streamed - 2;
      next.load = double_buffered ? std::max(next.load + rows_, next.stream) : end_;
      next.stream += fold.streamed;
    }
  }

  bool done() const override { return step_ >= end_; }
  Dataflow dataflow() const override { return (*gemms_)[folds_.front().gemm].dataflow; }

  StepWords need() const override {
    StepWords words;
    for (std::size_t f = first_; f < folds_.size() && times_[f].load <= step_; ++f) {
      const FoldTask& fold = folds_[f];
      const Times& at = times_[f];
      // Row r of the tile enters as number rows - 1 - r: the padding below its last row comes first.
      words.top += region_detail::in_window(step_, at.load + rows_ - tile_rows(fold), at.load + rows_,
                                            tile_columns(fold));
      words.left += region_detail::in_window(step_, at.stream, at.stream + fold.streamed, tile_rows(fold));
      words.sums += region_detail::in_window(step_ - (rows_ - 1), at.stream, at.stream + fold.streamed,
                                             tile_columns(fold));
    }
    return words;
  }

  StepWords total() const override {
    StepWords words;
    for (const FoldTask& fold : folds_) {
      words.top += tile_rows(fold) * tile_columns(fold);
      words.left += fold.streamed * tile_rows(fold);
      words.sums += fold.streamed * tile_columns(fold);
    }
    return words;
  }

  std::int64_t step() override {
    std::int64_t macs = 0;
    bool streams = false;
    std::size_t last = first_;
    for (; last < folds_.size() && times_[last].load <= step_; ++last) {
      load(folds_[last], times_[last]);
    }
    registers_.shift_chain();
    for (std::size_t f = first_; f < last; ++f) {
      const FoldTask& fold = folds_[f];
      const Times& at = times_[f];
      const std::int64_t wave = step_ - at.stream;  // anti-diagonal that the first vector reaches
      region_detail::for_window(wave, 0, columns_, rows_,
                                [&](std::int64_t r) { registers_.swap(r, wave - r); });
      const MappedGemm<Cell>& gemm = (*gemms_)[fold.gemm];
      region_detail::for_window(step_, at.stream, at.stream + fold.streamed, tile_rows(fold),
                                [&](std::int64_t r) {
                                  const std::int64_t vector = fold.first + step_ - at.stream - r;
                                  registers_.feed(r, gemm.left[index_of(vector * gemm.rows + fold.row + r)]);
                                });
      macs += region_detail::cells_up_to(wave, tile_rows(fold), tile_columns(fold)) -
              region_detail::cells_up_to(wave - fold.streamed, tile_rows(fold), tile_columns(fold));
      streams = streams || (wave >= 0 && wave < fold.streamed + rows_ + columns_ - 2);
    }
    // A column is held when its last row has entered, after the wave that may pass in the same step.
    for (std::size_t f = first_; f < last; ++f) {
      const std::int64_t column = step_ - times_[f].load - (rows_ - 1);
      if (column >= 0 && column < columns_) {
        registers_.hold(column);
      }
    }
    if (streams) {
      const std::int64_t counted = registers_.compute();
      macs = Registers::kCounts ? counted : macs;
      for (std::size_t f = first_; f < last; ++f) {
        hand_out(folds_[f], times_[f]);
      }
    }
    ++step_;
    while (first_ < folds_.size() &&
           step_ >= times_[first_].stream + rows_ + columns_ + folds_[first_].streamed - 2) {
      ++first_;
    }
    return macs;
  }

 private:
  struct Times {
    std::int64_t load = 0, stream = 0;  // first step of each
  };

  std::int64_t tile_rows(const FoldTask& fold) const {
    return std::min(rows_, (*gemms_)[fold.gemm].rows - fold.row);
  }
  std::int64_t tile_columns(const FoldTask& fold) const {
    return std::min(columns_, (*gemms_)[fold.gemm].columns - fold.column);
  }
  void load(const FoldTask& fold, const Times& at) {
    const MappedGemm<Cell>& gemm = (*gemms_)[fold.gemm];
    const std::int64_t height = tile_rows(fold), width = tile_columns(fold);
    region_detail::for_window(step_, at.load, at.load + rows_, columns_, [&](std::int64_t c) {
      const std::int64_t r = rows_ - 1 - (step_ - at.load - c);
      const bool useful = r < height && c < width;
      registers_.load(c,
                      useful ? gemm.top[index_of((fold.row + r) * gemm.columns + fold.column + c)]
                             : typename Cell::Operand{},
                      useful);
    });
  }
  void hand_out(const FoldTask& fold, const Times& at) {
    MappedGemm<Cell>& gemm = (*gemms_)[fold.gemm];
    const std::int64_t out = step_ - (rows_ - 1);
    region_detail::for_window(
        out, at.stream, at.stream + fold.streamed, tile_columns(fold), [&](std::int64_t c) {
          const std::int64_t vector = fold.first + out - at.stream - c;
          gemm.product[index_of(vector * gemm.vector_stride + (fold.column + c) * gemm.column_stride)] +=
              registers_.bottom(c);
        });
  }

  std::int64_t rows_, columns_;
  std::vector<MappedGemm<Cell>>* gemms_;
  std::vector<FoldTask> folds_;
  std::vector<Times> times_;
  Registers registers_;
  std::int64_t step_ = 0, end_ = 0;
  std::size_t first_ = 0;  // fold that has not ended
};

template <class Cell, class Registers>
class OutputRegion final : public Region {
 public:
  OutputRegion(std::int64_t rows, std::int64_t columns, std::vector<MappedGemm<Cell>>* gemms,
               std::vector<FoldTask> folds)
      : rows_(rows), columns_(columns), gemms_(gemms), folds_(std::move(folds)), registers_(rows, columns) {}

  bool done() const override { return fold_ >= folds_.size(); }
  Dataflow dataflow() const override { return Dataflow::output_stationary; }

  StepWords need() const override {
    const FoldTask& fold = folds_[fold_];
    const std::int64_t height = tile_rows(fold), width = tile_columns(fold);
    return {region_detail::in_window(step_, 0, fold.streamed, width),
            region_detail::in_window(step_, 0, fold.streamed, height),
            on_diagonal(step_ - (fold.streamed - 1), height, width)};
  }

  StepWords total() const override {
    StepWords words;
    for (const FoldTask& fold : folds_) {
      words.top += fold.streamed * tile_columns(fold);
      words.left += fold.streamed * tile_rows(fold);
      words.sums += tile_rows(fold) * tile_columns(fold);
    }
    return words;
  }

  std::int64_t step() override {
    const FoldTask& fold = folds_[fold_];
    MappedGemm<Cell>& gemm = (*gemms_)[fold.gemm];
    const std::int64_t height = tile_rows(fold), width = tile_columns(fold);
    region_detail::for_window(step_, 0, fold.streamed, height, [&](std::int64_t r) {
      registers_.feed_left(r, gemm.left[index_of((fold.first + step_ - r) * gemm.rows + fold.row + r)]);
    });
    region_detail::for_window(step_, 0, fold.streamed, width, [&](std::int64_t c) {
      registers_.feed_top(c, gemm.top[index_of((fold.first + step_ - c) * gemm.columns + fold.column + c)]);
    });
    const std::int64_t counted = registers_.compute();
    const std::int64_t finished = step_ - (fold.streamed - 1);  // anti-diagonal whose sums are complete
    region_detail::for_window(finished, 0, columns_, rows_, [&](std::int64_t r) {
      const std::int64_t c = finished - r;
      const typename Cell::Sum sum = registers_.take(r, c);
      if (r < height && c < width) {
        gemm.product[index_of((fold.row + r) * gemm.vector_stride +
                              (fold.column + c) * gemm.column_stride)] += sum;
      }
    });
    const std::int64_t expected = region_detail::cells_up_to(step_, height, width) -
                                  region_detail::cells_up_to(step_ - fold.streamed, height, width);
    ++step_;
    if (step_ == rows_ + columns_ + fold.streamed - 2) {
      step_ = 0;
      ++fold_;
    }
    return Registers::kCounts ? counted : expected;
  }

 private:
  std::int64_t tile_rows(const FoldTask& fold) const {
    return std::min(rows_, (*gemms_)[fold.gemm].rows - fold.row);
  }
  std::int64_t tile_columns(const FoldTask& fold) const {
    return std::min(columns_, (*gemms_)[fold.gemm].columns - fold.column);
  }
  static std::int64_t on_diagonal(std::int64_t diagonal, std::int64_t rows, std::int64_t columns) {
    return region_detail::cells_up_to(diagonal, rows, columns) -
           region_detail::cells_up_to(diagonal - 1, rows, columns);
  }

  std::int64_t rows_, columns_;
  std::vector<MappedGemm<Cell>>* gemms_;
  std::vector<FoldTask> folds_;
  Registers registers_;
  std::int64_t step_ = 0;
  std::size_t fold_ = 0;
};

}  // namespace memwall
