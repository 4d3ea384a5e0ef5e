#include "memwall/processors/hardwired/coded_weights.h"

#include <cassert>

namespace memwall {

BitPlanes::BitPlanes(std::span<const std::int32_t> values, int bits, std::size_t words)
    : bits_(bits), words_(words), data_(static_cast<std::size_t>(bits) * words, 0) {
  assert(bits >= 1 && bits <= 16 && words * 64 >= values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    assert(values[i] >= -(1 << (bits - 1)) && values[i] < (1 << (bits - 1)));
    const auto pattern = static_cast<std::uint32_t>(values[i]);
    for (std::size_t bit = 0; bit < static_cast<std::size_t>(bits); ++bit) {
      data_[bit * words + i / 64] |= std::uint64_t{(pattern >> bit) & 1u} << (i % 64);
    }
  }
}

}  // namespace memwall
