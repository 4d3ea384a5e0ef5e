// machine.h - one weight-stationary array, cycle by cycle on real numbers (array.h says how it works).
//
// Integers: the accumulators are exact. The closed form of the cycles is fold_cycles.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "memwall/processors/transformer_asic/array.h"

namespace memwall {

struct ArrayRun {
  std::vector<std::int64_t> product;  // [m, n]
  std::int64_t cycles = 0;
  std::int64_t multiplications = 0;  // by cells that had an activation and a weight
};

// x [m, k] times w [k, n], |values| up to 2^15. Folds run column block after column block, the row blocks of
// one after another.
ArrayRun run_array(const StationaryArray& shape, std::span<const std::int32_t> x,
                   std::span<const std::int32_t> w, std::int64_t m, std::int64_t k, std::int64_t n);

}  // namespace memwall
