// int8_rows.h - the multiplications of many rows of int8 cells, with the widest vectors that the processor
// has.
#pragma once

#include <cstdint>

#include "memwall/processors/systolic/cells.h"

namespace memwall {

// Rows of cells, each `stride` values behind the one before it, operands from the left `window` values.
template <class Cell>
struct CellRows {
  const typename Cell::Operand* left = nullptr;
  const typename Cell::Operand* other = nullptr;
  const typename Cell::Sum* in = nullptr;
  typename Cell::Sum* out = nullptr;
  std::int64_t window = 0, stride = 0, rows = 0, columns = 0;
};

// out[r][c] = in[r][c] + left[r][c] * other[r][c], last row first: in may be out, or out one row higher.
// Operands are within int16. Reads and writes whole vectors: 64 more values behind a row are its padding.
void int8_multiply(const CellRows<Int8Cell>& cells);

}  // namespace memwall
