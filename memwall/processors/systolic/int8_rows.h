// int8_rows.h - the multiplications of one row of int8 cells, with the widest vectors that the processor has.
#pragma once

#include <cstdint>

#include "memwall/processors/systolic/cells.h"

namespace memwall {

// out[i] = in[i] + a[i] * b[i] for i < count, a and b within int16; out may be in. Reads and writes whole
// vectors: all four must have room for 64 more values behind the last one.
void int8_multiply_row(const std::int32_t* a, const std::int32_t* b, const std::int32_t* in,
                       std::int32_t* out, std::int64_t count);

}  // namespace memwall
