// registers.h - the registers of one rectangle of cells and what one cycle does to them.
//
// Two sets with the same verbs. Plain: a register is an element of an array and shifting moves every one of
// them, as the hardware does. Ring: a chain that shifts by one place per cycle is a window that moves over a
// buffer, and the multiplications of a step are one call. A test holds them equal.
//
// Stationary (weights or inputs stay): values to be held enter at the top of a chain per column and go down a
// row per cycle; `hold` keeps a column of the chain in a second register, `swap` takes a held value into the
// multiplier. Operands go right, sums go down.
// Output stationary: both operands move, sums stay until they are taken.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "memwall/processors/systolic/int8_rows.h"

namespace memwall {

inline std::size_t index_of(std::int64_t value) { return static_cast<std::size_t>(value); }

template <class Cell>
void multiply(const CellRows<Cell>& cells) {
  if constexpr (std::is_same_v<Cell, Int8Cell>) {
    int8_multiply(cells);
  } else {
    for (std::int64_t r = cells.rows - 1; r >= 0; --r) {
      for (std::int64_t c = 0; c < cells.columns; ++c) {
        typename Cell::Sum sum = cells.in[r * cells.stride + c];
        Cell::multiply_add(sum, cells.left[r * cells.window + c], cells.other[r * cells.stride + c]);
        cells.out[r * cells.stride + c] = sum;
      }
    }
  }
}

// Room for a whole vector of any width behind the last column.
inline constexpr std::int64_t kPadding = 64;

// A value on its way and whether it belongs to the matrix or only fills the array.
template <class Cell>
struct Fed {
  typename Cell::Operand value{};
  bool useful = false;
};

template <class Cell>
class PlainStationary {
 public:
  using Operand = typename Cell::Operand;
  using Sum = typename Cell::Sum;
  static constexpr bool kCounts = true;

  PlainStationary(std::int64_t rows, std::int64_t columns)
      : rows_(rows),
        columns_(columns),
        chain_(index_of(rows * columns)),
        held_(chain_.size()),
        active_(chain_.size()),
        passing_(chain_.size()),
        sums_(chain_.size()),
        top_(index_of(columns)),
        left_(index_of(rows)) {}

  void load(std::int64_t column, const Operand& value, bool useful) {
    top_[index_of(column)] = {value, useful};
  }
  void feed(std::int64_t row, const Operand& value) { left_[index_of(row)] = {value, true}; }
  void shift_chain() {
    for (std::int64_t r = rows_ - 1; r >= 0; --r) {
      for (std::int64_t c = 0; c < columns_; ++c) {
        chain_[at(r, c)] = r > 0 ? chain_[at(r - 1, c)] : top_[index_of(c)];
      }
    }
    std::fill(top_.begin(), top_.end(), Fed<Cell>{});
  }
  void hold(std::int64_t column) {
    for (std::int64_t r = 0; r < rows_; ++r) {
      held_[at(r, column)] = chain_[at(r, column)];
    }
  }
  void swap(std::int64_t row, std::int64_t column) { active_[at(row, column)] = held_[at(row, column)]; }
  // Returns the cells that multiplied what belongs to the matrices.
  std::int64_t compute() {
    std::int64_t macs = 0;
    for (std::int64_t r = rows_ - 1; r >= 0; --r) {
      for (std::int64_t c = columns_ - 1; c >= 0; --c) {
        passing_[at(r, c)] = c > 0 ? passing_[at(r, c - 1)] : left_[index_of(r)];
        Sum sum = r > 0 ? sums_[at(r - 1, c)] : Sum{};
        if (passing_[at(r, c)].useful && active_[at(r, c)].useful) {
          Cell::multiply_add(sum, passing_[at(r, c)].value, active_[at(r, c)].value);
          ++macs;
        }
        sums_[at(r, c)] = sum;
      }
    }
    std::fill(left_.begin(), left_.end(), Fed<Cell>{});
    return macs;
  }
  const Sum& bottom(std::int64_t column) const { return sums_[at(rows_ - 1, column)]; }

 private:
  std::size_t at(std::int64_t row, std::int64_t column) const { return index_of(row * columns_ + column); }

  std::int64_t rows_, columns_;
  std::vector<Fed<Cell>> chain_, held_, active_, passing_;
  std::vector<Sum> sums_;
  std::vector<Fed<Cell>> top_, left_;
};

template <class Cell>
class RingStationary {
 public:
  using Operand = typename Cell::Operand;
  using Sum = typename Cell::Sum;
  static constexpr bool kCounts = false;

  RingStationary(std::int64_t rows, std::int64_t columns)
      : rows_(rows),
        columns_(columns),
        stride_(columns + kPadding),
        window_(2 * columns + kPadding),
        offset_(columns),
        chain_(index_of(rows * stride_)),
        held_(chain_.size()),
        active_(chain_.size()),
        passing_(index_of(rows * window_)),
        sums_(index_of((rows + 1) * stride_)),
        top_(index_of(columns)),
        left_(index_of(rows)) {}

  void load(std::int64_t column, const Operand& value, bool useful) {
    top_[index_of(column)] = useful ? value : Operand{};
  }
  void feed(std::int64_t row, const Operand& value) { left_[index_of(row)] = value; }
  void shift_chain() {
    first_ = first_ == 0 ? rows_ - 1 : first_ - 1;
    std::copy(top_.begin(), top_.end(), &chain_[index_of(first_ * stride_)]);
    std::fill(top_.begin(), top_.end(), Operand{});
  }
  void hold(std::int64_t column) {
    for (std::int64_t r = 0; r < rows_; ++r) {
      const std::int64_t place = first_ + r < rows_ ? first_ + r : first_ + r - rows_;
      held_[index_of(r * stride_ + column)] = chain_[index_of(place * stride_ + column)];
    }
  }
  void swap(std::int64_t row, std::int64_t column) {
    active_[index_of(row * stride_ + column)] = held_[index_of(row * stride_ + column)];
  }
  std::int64_t compute() {
    if (offset_ == 0) {
      for (std::int64_t r = 0; r < rows_; ++r) {
        Operand* row = &passing_[index_of(r * window_)];
        std::copy(row, row + columns_, row + columns_);
      }
      offset_ = columns_;
    }
    --offset_;
    for (std::int64_t r = 0; r < rows_; ++r) {
      passing_[index_of(r * window_ + offset_)] = left_[index_of(r)];
    }
    multiply<Cell>({&passing_[index_of(offset_)], active_.data(), sums_.data(), &sums_[index_of(stride_)],
                    window_, stride_, rows_, columns_});
    std::fill(left_.begin(), left_.end(), Operand{});
    return 0;
  }
  const Sum& bottom(std::int64_t column) const { return sums_[index_of(rows_ * stride_ + column)]; }

 private:
  std::int64_t rows_, columns_, stride_, window_;
  std::int64_t first_ = 0;  // place of row 0 in the chain
  std::int64_t offset_;     // of column 0 in every row of passing_
  std::vector<Operand> chain_, held_, active_, passing_;
  std::vector<Sum> sums_;  // of row r in r + 1, below a row of zeros
  std::vector<Operand> top_, left_;
};

template <class Cell>
class PlainOutput {
 public:
  using Operand = typename Cell::Operand;
  using Sum = typename Cell::Sum;
  static constexpr bool kCounts = true;

  PlainOutput(std::int64_t rows, std::int64_t columns)
      : rows_(rows),
        columns_(columns),
        right_(index_of(rows * columns)),
        down_(right_.size()),
        sums_(right_.size()),
        top_(index_of(columns)),
        left_(index_of(rows)) {}

  void feed_left(std::int64_t row, const Operand& value) { left_[index_of(row)] = {value, true}; }
  void feed_top(std::int64_t column, const Operand& value) { top_[index_of(column)] = {value, true}; }
  std::int64_t compute() {
    std::int64_t macs = 0;
    for (std::int64_t r = rows_ - 1; r >= 0; --r) {
      for (std::int64_t c = columns_ - 1; c >= 0; --c) {
        const std::size_t here = at(r, c);
        right_[here] = c > 0 ? right_[here - 1] : left_[index_of(r)];
        down_[here] = r > 0 ? down_[at(r - 1, c)] : top_[index_of(c)];
        if (right_[here].useful && down_[here].useful) {
          Cell::multiply_add(sums_[here], right_[here].value, down_[here].value);
          ++macs;
        }
      }
    }
    std::fill(left_.begin(), left_.end(), Fed<Cell>{});
    std::fill(top_.begin(), top_.end(), Fed<Cell>{});
    return macs;
  }
  Sum take(std::int64_t row, std::int64_t column) { return std::exchange(sums_[at(row, column)], Sum{}); }

 private:
  std::size_t at(std::int64_t row, std::int64_t column) const { return index_of(row * columns_ + column); }

  std::int64_t rows_, columns_;
  std::vector<Fed<Cell>> right_, down_;
  std::vector<Sum> sums_;
  std::vector<Fed<Cell>> top_, left_;
};

template <class Cell>
class RingOutput {
 public:
  using Operand = typename Cell::Operand;
  using Sum = typename Cell::Sum;
  static constexpr bool kCounts = false;

  RingOutput(std::int64_t rows, std::int64_t columns)
      : rows_(rows),
        columns_(columns),
        stride_(columns + kPadding),
        window_(2 * columns + kPadding),
        offset_(columns),
        right_(index_of(rows * window_)),
        down_(index_of(rows * stride_)),
        sums_(down_.size()),
        top_(index_of(columns)),
        left_(index_of(rows)) {}

  void feed_left(std::int64_t row, const Operand& value) { left_[index_of(row)] = value; }
  void feed_top(std::int64_t column, const Operand& value) { top_[index_of(column)] = value; }
  std::int64_t compute() {
    first_ = first_ == 0 ? rows_ - 1 : first_ - 1;
    std::copy(top_.begin(), top_.end(), &down_[index_of(first_ * stride_)]);
    if (offset_ == 0) {
      for (std::int64_t r = 0; r < rows_; ++r) {
        Operand* row = &right_[index_of(r * window_)];
        std::copy(row, row + columns_, row + columns_);
      }
      offset_ = columns_;
    }
    --offset_;
    for (std::int64_t r = 0; r < rows_; ++r) {
      right_[index_of(r * window_ + offset_)] = left_[index_of(r)];
    }
    // The rows that go down lie in the ring as two runs.
    const auto run = [&](std::int64_t row, std::int64_t place, std::int64_t rows) {
      Sum* sums = &sums_[index_of(row * stride_)];
      multiply<Cell>({&right_[index_of(row * window_ + offset_)], &down_[index_of(place * stride_)], sums,
                      sums, window_, stride_, rows, columns_});
    };
    run(0, first_, rows_ - first_);
    if (first_ > 0) {
      run(rows_ - first_, 0, first_);
    }
    std::fill(left_.begin(), left_.end(), Operand{});
    std::fill(top_.begin(), top_.end(), Operand{});
    return 0;
  }
  Sum take(std::int64_t row, std::int64_t column) {
    return std::exchange(sums_[index_of(row * stride_ + column)], Sum{});
  }

 private:
  std::int64_t rows_, columns_, stride_, window_;
  std::int64_t first_ = 0;  // place of row 0 among the rows that go down
  std::int64_t offset_;     // of column 0 in every row that goes right
  std::vector<Operand> right_, down_;
  std::vector<Sum> sums_;
  std::vector<Operand> top_, left_;
};

}  // namespace memwall
