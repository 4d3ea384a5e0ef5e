// region.h - one part of the array, or several fused, working through a list of folds step by step.
//
// A step is one cycle of the region's own time: it happens when the ports have delivered all that the step
// takes in and taken all that it hands out, so a region that is not fed waits whole. What happens in which
// step is fold_schedule.h's. A plain region moves every register in every step; a wave region counts the
// steps and makes a fold's sums together when its last one leaves.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "memwall/processors/systolic/fold_product.h"
#include "memwall/processors/systolic/fold_schedule.h"
#include "memwall/processors/systolic/plain_registers.h"

namespace memwall {

// One GEMM as the array sees it (array_cycles.h), over operands and sums that are stored as the GEMM's.
// top(r, c), r a row of the array or, when outputs stay, a vector; left(v, r) of vector v for row r; out(v,
// c), v a vector or, when outputs stay, a row.
template <class Cell>
struct MappedGemm {
  const typename Cell::Operand* top = nullptr;
  const typename Cell::Operand* left = nullptr;
  typename Cell::Total* out = nullptr;
  std::int64_t top_row = 0, top_column = 0, left_vector = 0, left_row = 0, out_row = 0, out_column = 0;

  const typename Cell::Operand& top_at(std::int64_t r, std::int64_t c) const {
    return top[r * top_row + c * top_column];
  }
  const typename Cell::Operand& left_at(std::int64_t v, std::int64_t r) const {
    return left[v * left_vector + r * left_row];
  }
  typename Cell::Total& out_at(std::int64_t v, std::int64_t c) const {
    return out[v * out_row + c * out_column];
  }
};

class Region {
 public:
  explicit Region(FoldSchedule schedule) : schedule_(std::move(schedule)) {}
  virtual ~Region() = default;
  const FoldSchedule& schedule() const { return schedule_; }
  virtual std::int64_t step() = 0;    // returns the cells that multiplied
  virtual std::int64_t finish() = 0;  // all steps that are left

 protected:
  std::int64_t step_to_the_end() {
    std::int64_t macs = 0;
    while (!schedule_.done()) {
      macs += step();
    }
    return macs;
  }

  FoldSchedule schedule_;
};

template <class Cell>
class PlainStationaryRegion final : public Region {
 public:
  PlainStationaryRegion(FoldSchedule schedule, const std::vector<MappedGemm<Cell>>& gemms)
      : Region(std::move(schedule)), gemms_(gemms), registers_(schedule_.rows(), schedule_.columns()) {}

  std::int64_t finish() override { return step_to_the_end(); }
  std::int64_t step() override {
    const std::int64_t rows = schedule_.rows(), columns = schedule_.columns(), step = schedule_.step();
    for_each_fold([&](const FoldTask& fold, const FoldSchedule::Times& at) {
      for_window(step, at.load, at.load + rows, columns, [&](std::int64_t c) {
        const std::int64_t r = rows - 1 - (step - at.load - c);
        const bool useful = r < fold.height && c < fold.width;
        registers_.load(
            c, useful ? gemms_[fold.gemm].top_at(fold.row + r, fold.column + c) : typename Cell::Operand{},
            useful);
      });
    });
    registers_.shift_chain();
    for_each_fold([&](const FoldTask& fold, const FoldSchedule::Times& at) {
      const std::int64_t wave = step - at.stream;  // anti-diagonal that the first vector reaches
      for_window(wave, 0, columns, rows, [&](std::int64_t r) { registers_.swap(r, wave - r); });
      for_window(step, at.stream, at.stream + fold.streamed, fold.height, [&](std::int64_t r) {
        registers_.feed(r, gemms_[fold.gemm].left_at(fold.first + step - at.stream - r, fold.row + r));
      });
    });
    // A column is held when its last row has entered, after the wave that may pass in the same step.
    for_each_fold([&](const FoldTask&, const FoldSchedule::Times& at) {
      const std::int64_t column = step - at.load - (rows - 1);
      if (column >= 0 && column < columns) {
        registers_.hold(column);
      }
    });
    const std::int64_t macs = registers_.compute();
    for_each_fold([&](const FoldTask& fold, const FoldSchedule::Times& at) {
      const std::int64_t out = step - (rows - 1);
      for_window(out, at.stream, at.stream + fold.streamed, fold.width, [&](std::int64_t c) {
        gemms_[fold.gemm].out_at(fold.first + out - at.stream - c, fold.column + c) += registers_.bottom(c);
      });
    });
    schedule_.advance();
    return macs;
  }

 private:
  template <class Visit>
  void for_each_fold(Visit&& visit) {
    for (std::size_t f = schedule_.first(); f < schedule_.last(); ++f) {
      visit(schedule_.folds()[f], schedule_.times(f));
    }
  }

  const std::vector<MappedGemm<Cell>>& gemms_;
  PlainStationary<Cell> registers_;
};

template <class Cell>
class PlainOutputRegion final : public Region {
 public:
  PlainOutputRegion(FoldSchedule schedule, const std::vector<MappedGemm<Cell>>& gemms)
      : Region(std::move(schedule)), gemms_(gemms), registers_(schedule_.rows(), schedule_.columns()) {}

  std::int64_t finish() override { return step_to_the_end(); }
  std::int64_t step() override {
    const FoldTask& fold = schedule_.folds()[schedule_.first()];
    const MappedGemm<Cell>& gemm = gemms_[fold.gemm];
    const std::int64_t step = schedule_.step() - schedule_.times(schedule_.first()).stream;
    for_window(step, 0, fold.streamed, fold.height, [&](std::int64_t r) {
      registers_.feed_left(r, gemm.left_at(fold.first + step - r, fold.row + r));
    });
    for_window(step, 0, fold.streamed, fold.width, [&](std::int64_t c) {
      registers_.feed_top(c, gemm.top_at(fold.first + step - c, fold.column + c));
    });
    const std::int64_t macs = registers_.compute();
    const std::int64_t finished = step - (fold.streamed - 1);  // anti-diagonal whose sums are complete
    for_window(finished, 0, schedule_.columns(), schedule_.rows(), [&](std::int64_t r) {
      const std::int64_t c = finished - r;
      const typename Cell::Sum sum = registers_.take(r, c);
      if (r < fold.height && c < fold.width) {
        gemm.out_at(fold.row + r, fold.column + c) += sum;
      }
    });
    schedule_.advance();
    return macs;
  }

 private:
  const std::vector<MappedGemm<Cell>>& gemms_;
  PlainOutput<Cell> registers_;
};

template <class Cell, Dataflow kFlow>
class WaveRegion final : public Region {
 public:
  WaveRegion(FoldSchedule schedule, const std::vector<MappedGemm<Cell>>& gemms)
      : Region(std::move(schedule)), gemms_(gemms) {}

  std::int64_t step() override {
    const std::int64_t macs = schedule_.macs();
    const std::size_t fold = schedule_.first();
    schedule_.advance();
    if (schedule_.first() != fold) {  // one fold at most ends in a step
      multiply(schedule_.folds()[fold]);
    }
    return macs;
  }
  // REQUIRES: no step has been made.
  std::int64_t finish() override {
    for (const FoldTask& fold : schedule_.folds()) {
      multiply(fold);
    }
    schedule_.finish();
    return schedule_.all_macs();
  }

 private:
  // Rows of W and of Y are contiguous: W is always the right factor, X the left one.
  void multiply(const FoldTask& fold) {
    const MappedGemm<Cell>& gemm = gemms_[fold.gemm];
    FoldOperands<Cell> product;
    const auto* left = &gemm.left_at(fold.first, fold.row);
    if constexpr (kFlow == Dataflow::output_stationary) {
      product = {left,
                 &gemm.top_at(fold.first, fold.column),
                 &gemm.out_at(fold.row, fold.column),
                 gemm.left_row,
                 gemm.left_vector,
                 gemm.top_row,
                 gemm.out_row,
                 fold.height,
                 fold.streamed,
                 fold.width};
    } else if constexpr (kFlow == Dataflow::weight_stationary) {
      product = {left,
                 &gemm.top_at(fold.row, fold.column),
                 &gemm.out_at(fold.first, fold.column),
                 gemm.left_vector,
                 gemm.left_row,
                 gemm.top_row,
                 gemm.out_row,
                 fold.streamed,
                 fold.height,
                 fold.width};
    } else {
      product = {&gemm.top_at(fold.row, fold.column),
                 left,
                 &gemm.out_at(fold.first, fold.column),
                 gemm.top_column,
                 gemm.top_row,
                 gemm.left_row,
                 gemm.out_column,
                 fold.width,
                 fold.height,
                 fold.streamed};
    }
    add_product(product, scratch_);
  }

  const std::vector<MappedGemm<Cell>>& gemms_;
  FoldScratch<typename Cell::Packed> scratch_;
};

}  // namespace memwall
