// mxint.h - MXINT block floating point: integers that share an exponent per block.
//
// A block of values is i * 2^e with e common to the block and i of `bits` bits, two's complement: OCP MX
// specification 1.0, where MXINT8 is 2^E * (i * 2^-6) with E of 8 bits, so e = E - 6 here. MXINT4 and
// MXINT16, which the specification does not have, are made the same way: e = E - (bits - 2). A product of two
// vectors is, block by block, an exact integer dot product scaled by 2^(e + e').
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "memwall/processors/dimc/machine.h"

namespace memwall {

// `vectors` vectors of `length` values; blocks run along a vector, the last one shorter if need be.
struct MxBlocks {
  int vectors = 0, length = 0, block = 32, bits = 8;
  std::vector<std::int32_t> values;     // [vectors, length]
  std::vector<std::int16_t> exponents;  // [vectors, blocks]
  int blocks() const { return (length + block - 1) / block; }
};

// Round to nearest, ties to even, saturating; the largest magnitude of a block sets its exponent, which stays
// in E8M0's range. Infinities and NaN assert.
MxBlocks to_mxint(std::span<const float> values, int vectors, int length, int bits, int block);
std::vector<float> to_float(const MxBlocks& blocks);

struct MxProduct {
  std::vector<float> y;  // [x.vectors, w.vectors]
  std::int64_t cycles = 0;
};
// Y[m, n] = sum over k of X[m, k] W[n, k]; `w` holds the columns of the matrix as vectors. The scaled sums
// are added in double, block after block, and rounded once. REQUIRES: both have blocks of core.block_inputs,
// equal lengths.
MxProduct multiply(const CoreShape& core, const MxBlocks& x, const MxBlocks& w);

}  // namespace memwall
