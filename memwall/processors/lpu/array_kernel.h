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

// The wide versions, for the machine's vector unit; `lanes` and the range are multiples of kPartials or
// ranges of whole superlanes.
void columns_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes, std::int32_t* y);
void columns_float(const float* x, const float* vectors, int count, int lanes, float* y);

// The plain ones. k runs over lanes [begin, end), which may be one superlane. Partial sums of columns are
// [count][kPartials], of rows [kPartials][lanes].
void add_columns_int8(const std::int8_t* x, const std::int8_t* vectors, int count, int lanes, int begin,
                      int end, std::int32_t* y);
void add_columns_float(const float* x, const float* vectors, int count, int lanes, int begin, int end,
                       double* partial);
void add_rows_float(const float* x, const float* vectors, int lanes, int begin, int end, double* partial);
// y[i] is the sum of partial[i * result_stride + p * partial_stride] over p, pairwise.
void sum_partials(const double* partial, int count, int result_stride, int partial_stride, float* y);

}  // namespace memwall::array_kernel
