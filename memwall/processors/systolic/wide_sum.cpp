#include "memwall/processors/systolic/wide_sum.h"

#include <bit>
#include <cassert>
#include <cmath>
#include <cstddef>

namespace memwall {
namespace {

constexpr int kLimbBits = 64;

// Adds `value` and the carry, returns the carry out.
bool add_limb(std::uint64_t& limb, std::uint64_t value, bool carry) {
  const std::uint64_t before = limb;
  limb += value;
  const bool first = limb < before;
  limb += carry ? 1 : 0;
  return first || (carry && limb == 0);
}

}  // namespace

void WideSum::add(std::int64_t product, int exponent) {
  const int position = exponent - kLowest;
  assert(position >= 0 && position / kLimbBits + 1 < static_cast<int>(limbs_.size()));
  const auto first = static_cast<std::size_t>(position / kLimbBits);
  const int shift = position % kLimbBits;
  // The product over two limbs, then its sign over the rest.
  const std::uint64_t low = static_cast<std::uint64_t>(product) << shift;
  const auto high =
      static_cast<std::uint64_t>(shift == 0 ? product >> (kLimbBits - 1) : product >> (kLimbBits - shift));
  const std::uint64_t sign = product < 0 ? ~std::uint64_t{0} : 0;
  bool carry = add_limb(limbs_[first], low, false);
  carry = add_limb(limbs_[first + 1], high, carry);
  for (std::size_t i = first + 2; i < limbs_.size() && (carry != (sign != 0)); ++i) {
    carry = add_limb(limbs_[i], sign, carry);
  }
}

WideSum& WideSum::operator+=(const WideSum& other) {
  bool carry = false;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    carry = add_limb(limbs_[i], other.limbs_[i], carry);
  }
  return *this;
}

double WideSum::value() const {
  std::array<std::uint64_t, 10> magnitude = limbs_;
  const bool negative = (magnitude.back() >> (kLimbBits - 1)) != 0;
  if (negative) {
    bool carry = true;
    for (std::uint64_t& limb : magnitude) {
      limb = ~limb;
      carry = add_limb(limb, 0, carry);
    }
  }
  int top = static_cast<int>(magnitude.size()) * kLimbBits - 1;
  const auto bit = [&](int index) {
    return (magnitude[static_cast<std::size_t>(index / kLimbBits)] >> (index % kLimbBits)) & 1;
  };
  while (top >= 0 && bit(top) == 0) {
    --top;
  }
  constexpr int kMantissa = 53;
  std::uint64_t mantissa = 0;
  const int lowest = top < kMantissa ? 0 : top - kMantissa + 1;
  for (int index = top; index >= lowest; --index) {
    mantissa = (mantissa << 1) | bit(index);
  }
  bool sticky = false;
  for (int index = 0; index < lowest - 1 && !sticky; ++index) {
    sticky = bit(index) != 0;
  }
  if (lowest > 0 && bit(lowest - 1) != 0 && (sticky || (mantissa & 1) != 0)) {
    ++mantissa;
  }
  const double value = std::ldexp(static_cast<double>(mantissa), lowest + kLowest);
  return negative ? -value : value;
}

}  // namespace memwall
