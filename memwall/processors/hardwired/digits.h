// digits.h - numbers as the adders of a hardwired array see them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace memwall {

// Canonical signed digits: the fewest +-2^shift that add up to `value`, lowest first; no two neighbours.
struct SignedDigit {
  int shift = 0, sign = 1;
};
std::vector<SignedDigit> canonical_digits(std::int64_t value);

// Balanced ternary: value = sum of digit[i] * 3^i with digits -1, 0, 1; exactly `count` of them.
std::vector<int> ternary_digits(std::int64_t value, int count);
int ternary_length(std::int64_t largest_magnitude);  // digits that every value up to it needs

// Full and half adders that count `inputs` one-bit inputs into a binary number: each takes three (or two)
// bits of one place to one there and a carry, so inputs less the ones in its binary form.
inline std::int64_t counter_adders(std::int64_t inputs) {
  return inputs - std::popcount(static_cast<std::uint64_t>(inputs));
}
inline int bits_of(std::int64_t magnitude) {  // 0 for 0, 3 for 4..7
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(std::llabs(magnitude))));
}
// Bits that differ between two registers of two's complement, `bits` wide.
inline std::int64_t hamming(std::int64_t a, std::int64_t b, int bits) {
  const std::uint64_t mask = bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  return std::popcount((static_cast<std::uint64_t>(a) ^ static_cast<std::uint64_t>(b)) & mask);
}
// Width of a register for any sum of `terms` products of activations of `bits` bits with weights up to
// `largest`.
inline int sum_bits(int bits, std::int64_t terms, std::int64_t largest) {
  return bits + bits_of(terms * largest);
}
inline std::int64_t ceil_div(std::int64_t amount, std::int64_t parts) { return (amount + parts - 1) / parts; }

}  // namespace memwall
