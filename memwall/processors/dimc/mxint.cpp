#include "memwall/processors/dimc/mxint.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace memwall {
namespace {

constexpr int kLeastExponent = -127, kMostExponent = 127;  // of E8M0

}  // namespace

MxBlocks to_mxint(std::span<const float> values, int vectors, int length, int bits, int block) {
  assert(std::ssize(values) == std::int64_t{vectors} * length);
  MxBlocks result;
  result.vectors = vectors;
  result.length = length;
  result.block = block;
  result.bits = bits;
  const double most = std::ldexp(1, bits - 1) - 1;
  for (int vector = 0; vector < vectors; ++vector) {
    for (int begin = 0; begin < length; begin += block) {
      const auto part = values.subspan(static_cast<std::size_t>(vector) * length + begin,
                                       static_cast<std::size_t>(std::min(block, length - begin)));
      float largest = 0;
      for (const float value : part) {
        assert(std::isfinite(value));
        largest = std::max(largest, std::abs(value));
      }
      const int shared =
          largest > 0 ? std::clamp(std::ilogb(largest), kLeastExponent, kMostExponent) : kLeastExponent;
      const int exponent = shared - (bits - 2);
      result.exponents.push_back(static_cast<std::int16_t>(exponent));
      for (const float value : part) {
        const double scaled = std::nearbyint(std::ldexp(static_cast<double>(value), -exponent));
        result.values.push_back(static_cast<std::int32_t>(std::clamp(scaled, -most, most)));
      }
    }
  }
  return result;
}

std::vector<float> to_float(const MxBlocks& blocks) {
  std::vector<float> values;
  values.reserve(blocks.values.size());
  for (std::size_t i = 0; i < blocks.values.size(); ++i) {
    const std::size_t vector = i / static_cast<std::size_t>(blocks.length);
    const std::size_t block =
        i % static_cast<std::size_t>(blocks.length) / static_cast<std::size_t>(blocks.block);
    const int exponent = blocks.exponents[vector * static_cast<std::size_t>(blocks.blocks()) + block];
    values.push_back(static_cast<float>(std::ldexp(static_cast<double>(blocks.values[i]), exponent)));
  }
  return values;
}

MxProduct multiply(const CoreShape& core, const MxBlocks& x, const MxBlocks& w) {
  assert(x.length == w.length && x.block == core.block_inputs && w.block == core.block_inputs);
  std::vector<std::int32_t> matrix(w.values.size());  // [k, n]
  for (int n = 0; n < w.vectors; ++n) {
    for (int k = 0; k < w.length; ++k) {
      matrix[static_cast<std::size_t>(k) * w.vectors + n] =
          w.values[static_cast<std::size_t>(n) * w.length + k];
    }
  }
  const CoreResult sums =
      CoreMachine(core, w.bits, x.bits).multiply(x.values, matrix, x.vectors, x.length, w.vectors);
  MxProduct product;
  product.cycles = sums.cycles;
  const auto blocks = static_cast<std::size_t>(sums.blocks);
  for (std::size_t m = 0; m < static_cast<std::size_t>(x.vectors); ++m) {
    for (std::size_t n = 0; n < static_cast<std::size_t>(w.vectors); ++n) {
      double total = 0;
      for (std::size_t block = 0; block < blocks; ++block) {
        const auto sum = static_cast<double>(
            sums.block_sums[(m * static_cast<std::size_t>(w.vectors) + n) * blocks + block]);
        total += std::ldexp(sum, x.exponents[m * blocks + block] + w.exponents[n * blocks + block]);
      }
      product.y.push_back(static_cast<float>(total));
    }
  }
  return product;
}

}  // namespace memwall
