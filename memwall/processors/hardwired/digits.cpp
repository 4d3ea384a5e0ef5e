#include "memwall/processors/hardwired/digits.h"

namespace memwall {

std::vector<SignedDigit> canonical_digits(std::int64_t value) {
  std::vector<SignedDigit> digits;
  for (int shift = 0; value != 0; ++shift, value /= 2) {
    if (value % 2 != 0) {
      const std::int64_t rest = ((value % 4) + 4) % 4;  // 1: a one here; 3: minus one here, one more above
      const int sign = rest == 1 ? 1 : -1;
      digits.push_back({shift, sign});
      value -= sign;
    }
  }
  return digits;
}

std::vector<int> ternary_digits(std::int64_t value, int count) {
  std::vector<int> digits;
  for (int i = 0; i < count; ++i) {
    const int rest = static_cast<int>(((value % 3) + 3) % 3);
    digits.push_back(rest == 2 ? -1 : rest);
    value = (value - digits.back()) / 3;
  }
  return digits;
}

int ternary_length(std::int64_t largest_magnitude) {
  int count = 0;
  for (std::int64_t reach = 0; reach < largest_magnitude; reach = 3 * reach + 1) {
    ++count;
  }
  return count;
}

}  // namespace memwall
