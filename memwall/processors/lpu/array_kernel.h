// array_kernel.h - the products inside an MXM array: one activation vector against every stored vector.
//
// Stored as loaded, one vector after another: [vectors][lanes]. As columns, result lane v is the product of
// the whole activation vector with vector v; as rows, vector v is multiplied by activation lane v and added
// to all result lanes.
//
// int8 sums are exact. Others follow the chip's fused dot product: no rounding until the end. Products of two
// values of at most 11 significant bits are exact in float; they are added in double, lane k to partial sum k
// mod kPartials, and the partial sums pairwise. That order is part of the contract, so that the plain and the
// wide version agree to the bit.
#pragma once

#include <cstdint>

namespace memwall::array_kernel {

inline constexpr int kPartials = 16;

// Row-major [count][lanes]; lanes a multiple of kPartials. Columns write y[0, count), rows y[0, lanes).
void columns_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes, std::int32_t* y);
void columns_float(const float* x, const float* vectors, int count, int lanes, float* y);
void plain_columns_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes,
                        std::int32_t* y);
void plain_columns_float(const float* x, const float* vectors, int count, int lanes, float* y);
// Rows have only these: caches of values are the only arrays that are loaded so.
void rows_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes, std::int32_t* y);
void rows_float(const float* x, const float* vectors, int count, int lanes, float* y);

}  // namespace memwall::array_kernel
