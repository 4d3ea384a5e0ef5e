#include "memwall/validation/error_statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace memwall {

double quantile(std::vector<float> values, double share) {
  assert(!values.empty());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(place);
  std::nth_element(values.begin(), values.begin() + below, values.end());
  const double low = values[static_cast<std::size_t>(below)];
  if (static_cast<std::size_t>(below) + 1 == values.size()) {
    return low;
  }
  const double high = *std::min_element(values.begin() + below + 1, values.end());
  return low + (place - static_cast<double>(below)) * (high - low);
}

ErrorSummary ErrorList::summary() const {
  ErrorSummary summary;
  summary.n = static_cast<std::int64_t>(errors_.size());
  if (errors_.empty()) {
    return summary;
  }
  std::vector<float> sizes;
  sizes.reserve(errors_.size());
  for (const float error : errors_) {
    sizes.push_back(std::abs(error));
    summary.mean += std::abs(error);
    summary.bias += error;
  }
  summary.mean /= static_cast<double>(errors_.size());
  summary.bias /= static_cast<double>(errors_.size());
  summary.worst = *std::max_element(sizes.begin(), sizes.end());
  summary.median = quantile(sizes, 0.5);
  summary.p90 = quantile(std::move(sizes), 0.9);
  return summary;
}

}  // namespace memwall
