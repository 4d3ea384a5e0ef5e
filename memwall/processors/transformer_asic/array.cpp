#include "memwall/processors/transformer_asic/array.h"

#include <algorithm>
#include <cassert>

namespace memwall {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

std::int64_t fold_cycles(const StationaryArray& shape, std::int64_t folds, std::int64_t m,
                         std::int64_t loaded) {
  assert(folds >= 1 && m >= 1 && loaded >= 1 && loaded <= shape.rows);
  return loaded + (folds - 1) * std::max(m, loaded) + m + shape.fill();
}

std::int64_t ArrayPlan::busy() const { return folds * std::max(m, loaded); }

ArrayPlan plan_gemm(const StationaryArray& shape, std::int64_t arrays, std::int64_t m, std::int64_t k,
                    std::int64_t n) {
  const std::int64_t folds = ceil_div(k, shape.rows) * ceil_div(n, shape.columns);
  const std::int64_t loaded = std::min(k, shape.rows);
  ArrayPlan best;
  for (std::int64_t parts = 1; parts <= std::max<std::int64_t>(1, std::min(arrays / folds, m)); parts *= 2) {
    const ArrayPlan plan{ceil_div(folds * parts, arrays), ceil_div(m, parts), loaded};
    if (best.folds == 0 || plan.busy() < best.busy()) {
      best = plan;
    }
  }
  return best;
}

}  // namespace memwall
