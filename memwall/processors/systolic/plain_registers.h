// plain_registers.h - the registers of one rectangle of cells and what one cycle does to them, as the
// hardware does it: shifting moves every register, and a cell multiplies what its registers hold in that
// cycle.
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

#include "memwall/processors/systolic/fold_schedule.h"

namespace memwall {

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
class PlainOutput {
 public:
  using Operand = typename Cell::Operand;
  using Sum = typename Cell::Sum;

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

}  // namespace memwall
