// coded_rows.h - rows of a weight matrix as files store them: small integer codes with a scale, and in some
// formats a minimum, per block of values.
//
//   value = scale * code + minimum
//
// Layouts: ggml's block structures (ggml-common.h, dequantisation in ggml-quants.c). F32, F16 and BF16 have
// no codes: their values are kept as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "memwall/tensor/ggml_type.h"

namespace memwall {

struct CodedRows {
  std::int64_t rows = 0, inputs = 0;
  std::int64_t block = 1;             // values of a row that share a scale; divides `inputs`
  int code_bits = 0;                  // 4, 6 or 8; 0: `values` instead of codes
  std::vector<std::int8_t> alphabet;  // all that a code of 4 bits can be, ascending; empty for wider ones
  std::vector<std::int8_t> codes;     // [rows][inputs]
  std::vector<float> scales;          // [rows][inputs / block]
  std::vector<float> minimums;        // the same, or empty
  std::vector<float> values;          // [rows][inputs] of a format without codes

  bool has_codes() const { return code_bits > 0; }
  // Row `row` as numbers, `inputs` of them.
  std::vector<float> row_values(std::int64_t row) const;
};

std::vector<std::int8_t> doubled_e2m1();  // the alphabet of MXFP4

// F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K, Q6_K and MXFP4.
bool has_decoder(const GgmlType& type);

// `bytes` is a whole number of rows of `inputs` values, `inputs` a multiple of the type's block.
// REQUIRES: has_decoder(type). MXFP4's codes are twice its values, so that they are whole numbers.
CodedRows decode_rows(const GgmlType& type, std::span<const std::byte> bytes, std::int64_t inputs);

// Symmetric codes of `code_bits` bits for plain values: each block of a row is scaled so that its largest
// magnitude is the largest code, 2^(bits - 1) - 1. REQUIRES: rows without codes, block divides inputs.
CodedRows quantise_rows(const CodedRows& rows, std::int64_t block, int code_bits);

}  // namespace memwall
