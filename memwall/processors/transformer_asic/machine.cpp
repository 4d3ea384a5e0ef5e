#include "memwall/processors/transformer_asic/machine.h"

#include <algorithm>
#include <cassert>
#include <optional>

namespace memwall {
namespace {

struct Fold {
  std::int64_t row = 0, column = 0;    // of the first weight in the matrix
  std::int64_t rows = 0, columns = 0;  // of its weights
  std::int64_t loaded_at = 0,
               start = 0;  // cycle in which its last row of weights is in; of its first activation
};

// A value on its way: which activation row and fold it belongs to.
struct Token {
  std::int64_t fold = 0, index = 0;
  std::int64_t value = 0;
};
using Slot = std::optional<Token>;

class Array {
 public:
  Array(const StationaryArray& shape, std::span<const std::int32_t> x, std::span<const std::int32_t> w,
        std::int64_t m, std::int64_t k, std::int64_t n)
      : shape_(shape), x_(x), w_(w), m_(m), k_(k), n_(n) {
    run_.product.assign(static_cast<std::size_t>(m * n), 0);
    const auto cells = static_cast<std::size_t>(shape.rows * shape.columns);
    activations_.resize(cells);
    sums_.resize(cells);
    schedule();
  }

  ArrayRun run() {
    const std::int64_t wanted = left_to_leave_;
    for (std::int64_t left = 0; left < wanted; ++run_.cycles) {
      left += tick(run_.cycles);
    }
    return std::move(run_);
  }

 private:
  std::size_t cell(std::int64_t row, std::int64_t column) const {
    return static_cast<std::size_t>(row * shape_.columns + column);
  }

  // When each fold's weights are in and its activations begin: the port loads one row of cells per cycle and
  // begins a fold when the one before has begun to compute, since a cell has one spare weight; activations of
  // the next fold follow those of the last without a gap, unless their weights are late.
  void schedule() {
    std::int64_t port_free = 0, stream_free = 0;
    for (std::int64_t column = 0; column < n_; column += shape_.columns) {
      for (std::int64_t row = 0; row < k_; row += shape_.rows) {
        Fold fold{row, column, std::min(shape_.rows, k_ - row), std::min(shape_.columns, n_ - column), 0, 0};
        const std::int64_t load = std::min(k_, shape_.rows);  // the port's rhythm is the matrix's
        fold.loaded_at = port_free + load;
        fold.start = std::max(stream_free, fold.loaded_at);
        port_free = fold.start;
        stream_free = fold.start + m_;
        left_to_leave_ += m_ * shape_.columns;  // unused columns pass zeros
        folds_.push_back(fold);
      }
    }
  }

  // The activation that enters row `row` in `cycle`: row r runs r cycles behind the first.
  Slot entering(std::int64_t row, std::int64_t cycle) const {
    for (std::size_t i = 0; i < folds_.size(); ++i) {
      const Fold& fold = folds_[i];
      const std::int64_t index = cycle - row - fold.start;
      if (index >= 0 && index < m_) {
        const std::int64_t value =
            row < fold.rows ? x_[static_cast<std::size_t>(index * k_ + fold.row + row)] : 0;
        return Token{static_cast<std::int64_t>(i), index, value};
      }
    }
    return std::nullopt;
  }

  // One cycle, lower right cells first so that every cell reads what its neighbours held before. Returns how
  // many sums left the array.
  std::int64_t tick(std::int64_t cycle) {
    std::int64_t left = 0;
    for (std::int64_t row = shape_.rows - 1; row >= 0; --row) {
      for (std::int64_t column = shape_.columns - 1; column >= 0; --column) {
        const Slot input = column == 0 ? entering(row, cycle) : activations_[cell(row, column - 1)];
        activations_[cell(row, column)] = input;
        Slot& sum = sums_[cell(row, column)];
        sum.reset();
        if (!input) {
          continue;
        }
        const Fold& fold = folds_[static_cast<std::size_t>(input->fold)];
        const Slot above = row == 0 ? Slot(Token{input->fold, input->index, 0}) : previous_sum(row, column);
        assert(above && above->fold == input->fold && above->index == input->index);
        sum = *above;
        if (row < fold.rows && column < fold.columns) {
          assert(fold.loaded_at <= cycle);
          sum->value +=
              input->value * w_[static_cast<std::size_t>((fold.row + row) * n_ + fold.column + column)];
          ++run_.multiplications;
        }
        if (row == shape_.rows - 1) {
          if (column < fold.columns) {
            run_.product[static_cast<std::size_t>(sum->index * n_ + fold.column + column)] += sum->value;
          }
          ++left;
        }
      }
    }
    return left;
  }
  // The loop goes upwards, so the cell above still holds the sum of the cycle before.
  const Slot& previous_sum(std::int64_t row, std::int64_t column) const {
    return sums_[cell(row - 1, column)];
  }

  StationaryArray shape_;
  std::span<const std::int32_t> x_, w_;
  std::int64_t m_, k_, n_;
  std::int64_t left_to_leave_ = 0;
  std::vector<Fold> folds_;
  std::vector<Slot> activations_, sums_;
  ArrayRun run_;
};

}  // namespace

ArrayRun run_array(const StationaryArray& shape, std::span<const std::int32_t> x,
                   std::span<const std::int32_t> w, std::int64_t m, std::int64_t k, std::int64_t n) {
  return Array(shape, x, w, m, k, n).run();
}

}  // namespace memwall
