// fold_product.h - all multiplications of one fold together, with the widest vectors that the processor has.
//
// The cells of an array multiply on anti-diagonals, one per cycle; along the way of one vector they hold the
// tile of its own fold and nothing else. So the sums that a fold hands out are sum(i, j) = sum over p of
// a(i, p) b(p, j), and because every sum is exact (cells.h) it does not matter in which order they are made.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/systolic/cells.h"

namespace memwall {

// out(i, j) += sum(i, j). Element (i, p) of `a` is a[i * a_row + p * a_step]; rows of `b` and of `out` are
// contiguous, one of steps or rows begins b_step or out_row behind the one before it.
template <class Cell>
struct FoldOperands {
  const typename Cell::Operand* a = nullptr;
  const typename Cell::Operand* b = nullptr;
  typename Cell::Total* out = nullptr;
  std::int64_t a_row = 0, a_step = 0, b_step = 0, out_row = 0;
  std::int64_t rows = 0, steps = 0, columns = 0;
};

// Room for operands in the order in which they are read; kept from fold to fold.
template <class Value>
struct FoldScratch {
  std::vector<Value> a, b, sums;
};

void add_product(const FoldOperands<Int8Cell>& fold, FoldScratch<Int8Cell::Packed>& scratch);
void add_product(const FoldOperands<Fp8Cell>& fold, FoldScratch<Fp8Cell::Packed>& scratch);
void add_product(const FoldOperands<WideCell>& fold, FoldScratch<WideCell::Packed>& scratch);

// Whether all are whole numbers from -128 to 127, looked at as many at a time.
bool are_int8(const float* values, std::int64_t count);

}  // namespace memwall
