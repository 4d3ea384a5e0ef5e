// The closed form against the machine, and the machine against the reference product.
#include "memwall/processors/transformer_asic/array.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "memwall/processors/transformer_asic/machine.h"
#include "memwall/tensor/reference.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

std::vector<std::int32_t> random_values(std::int64_t count) {
  return *rc::gen::container<std::vector<std::int32_t>>(static_cast<std::size_t>(count),
                                                        rc::gen::inRange(-128, 128));
}

TEST(Array, ProductAndCyclesAreExact) {
  check_property(200, [] {
    const StationaryArray shape{pick<std::int64_t>(1, 9), pick<std::int64_t>(1, 9)};
    const auto m = pick<std::int64_t>(1, 20), k = pick<std::int64_t>(1, 25), n = pick<std::int64_t>(1, 25);
    const std::vector<std::int32_t> x = random_values(m * k), w = random_values(k * n);
    const ArrayRun run = run_array(shape, x, w, m, k, n);
    RC_ASSERT(run.product ==
              reference::matmul(x, w, static_cast<int>(m), static_cast<int>(k), static_cast<int>(n)));
    RC_ASSERT(run.multiplications == m * k * n);
    const std::int64_t folds =
        ((k + shape.rows - 1) / shape.rows) * ((n + shape.columns - 1) / shape.columns);
    RC_ASSERT(run.cycles == fold_cycles(shape, folds, m, std::min(k, shape.rows)));
  });
}

// 4096 x 4096 weights are 8 x 8 folds of a 512 x 512 array: four for each of 16 arrays. 2048 rows hide the
// load of 512; 128 rows do not.
TEST(Array, LongStreamsHideTheLoad) {
  const StationaryArray shape{512, 512};
  EXPECT_EQ(plan_gemm(shape, 16, 2048, 4096, 4096).busy(), 4 * 2048);
  EXPECT_EQ(plan_gemm(shape, 16, 128, 4096, 4096).busy(), 4 * 512);
}

// Two folds on 16 arrays: each fold's rows go over eight of them.
TEST(Array, FewFoldsDivideTheRows) {
  const ArrayPlan plan = plan_gemm({512, 512}, 16, 8192, 512, 1024);
  EXPECT_EQ(plan.folds, 1);
  EXPECT_EQ(plan.m, 1024);
}

}  // namespace
}  // namespace memwall
