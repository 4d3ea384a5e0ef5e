// wired_rows.h - rows of a weight file as neurons: which of a few values each input's wire goes to.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "memwall/processors/harden.h"

namespace memwall {

// One neuron: inputs [first_input, first_input + codes.size()) of a row, each sorted to values[code].
// result = scale * (sum of values[code] * x) + minimum * (sum of x).
struct RowNeuron {
  std::int64_t row = 0, first_input = 0;
  int place = 0;  // of the result in the row's: times 2^place; 4 for the upper half of a code in two halves
  float scale = 0, minimum = 0;
  std::span<const std::int32_t> values;
  std::span<const std::uint8_t> codes;
};

struct RowError {
  double squared_error = 0, squared = 0;  // sums over weights: wired less file's; file's
};

// Calls visit for every neuron of every row, in order.
//   ScalePolicy::neuron  one neuron per row; its weights are rounded to the nearest of `alphabet` (ascending
//                        whole numbers) times the scale, of a few clipped ones, with the least squared error
//   ScalePolicy::block   a neuron per block of the file, for its own codes; two for codes of more than 4
//   bits:
//                        code = 16 * upper + lower. Rows without codes are first given codes of 8 bits in
//                        blocks of 32 (of a whole row if 32 does not divide it).
RowError for_each_neuron(const CodedRows& rows, ScalePolicy policy, std::span<const std::int32_t> alphabet,
                         const std::function<void(const RowNeuron&)>& visit);

}  // namespace memwall
