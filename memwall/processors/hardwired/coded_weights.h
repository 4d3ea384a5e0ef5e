// coded_weights.h - a matrix of small integers as a hardwired array holds it, and activations as its wires
// carry them: bit by bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace memwall {

// Every weight is an index into a short list of values, the alphabet.
struct CodedWeights {
  int inputs = 0, outputs = 0;
  std::vector<std::int32_t> alphabet;  // distinct values, at most 256 of them, each below 2^15
  std::vector<std::uint8_t> codes;     // [outputs][inputs]

  std::int32_t value(int output, int input) const {
    return alphabet[codes[static_cast<std::size_t>(output) * static_cast<std::size_t>(inputs) +
                          static_cast<std::size_t>(input)]];
  }
  bool operator==(const CodedWeights&) const = default;
};

// Activations in two's complement of `bits` bits: plane b holds bit b of every input, packed into 64-bit
// words. The last plane is the sign and counts -2^(bits - 1), plane b otherwise 2^b.
class BitPlanes {
 public:
  // REQUIRES: 1 <= bits <= 16 and every value within [-2^(bits - 1), 2^(bits - 1)). `words` per plane, at
  // least one bit per input.
  BitPlanes(std::span<const std::int32_t> values, int bits, std::size_t words);

  int bits() const { return bits_; }
  std::size_t words() const { return words_; }
  const std::uint64_t* data() const { return data_.data(); }  // [bits][words]
  std::int64_t place_value(int bit) const {
    return bit == bits_ - 1 ? -(std::int64_t{1} << bit) : std::int64_t{1} << bit;
  }

 private:
  int bits_;
  std::size_t words_;
  std::vector<std::uint64_t> data_;
};

}  // namespace memwall
