// Question: what does a conversion before a GEMM cost?
#include "memwall/processors/gpu/quantise_kernel.h"

#include <gtest/gtest.h>

namespace memwall {
namespace {

GpuSpec h100() { return read_gpu_spec(read_system("1xh100")); }

double seconds(const GpuSpec& spec, double tokens, Format to, Scaling scaling) {
  return alone_seconds(spec, quantise_cost(spec, tokens, 8192, to, scaling));
}

TEST(QuantiseKernel, AFewTokensCostStarts) {
  const GpuSpec spec = h100();
  const double start = spec.gemm.helper_start.value;
  EXPECT_NEAR(seconds(spec, 1, Format::fp8, Scaling::dynamic), 4 * start, 0.1e-6);
  EXPECT_NEAR(seconds(spec, 1, Format::int8, Scaling::dynamic), 2 * start, 0.1e-6);
  EXPECT_NEAR(seconds(spec, 1, Format::fp8_block, Scaling::dynamic), start, 0.1e-6);
  EXPECT_NEAR(seconds(spec, 1, Format::fp8, Scaling::in_model), start, 0.1e-6);
}

// 2 bytes in and 1 out of each value; the maximum over the tensor reads the 2 once more. 0.68 of streaming.
TEST(QuantiseKernel, ManyTokensCostTheirBytes) {
  const GpuSpec spec = h100();
  const double values = 65536.0 * 8192, rate = spec.hbm_bandwidth.value * spec.hbm_read * 0.68;
  const double start = spec.gemm.helper_start.value;
  EXPECT_NEAR(seconds(spec, 65536, Format::fp8, Scaling::in_model), start + 3 * values / rate, 1e-7);
  EXPECT_NEAR(seconds(spec, 65536, Format::fp8, Scaling::dynamic), 4 * start + 5 * values / rate, 1e-7);
}

// The same, whether the values are in L2 or not: conversions are slower than either.
TEST(QuantiseKernel, L2MakesItNoFaster) {
  const GpuSpec spec = h100();
  const double start = spec.gemm.helper_start.value;
  const double small = seconds(spec, 1000, Format::fp8, Scaling::in_model) - start;
  const double large = seconds(spec, 100000, Format::fp8, Scaling::in_model) - start;
  EXPECT_NEAR(100 * small, large, 0.01 * large);
  EXPECT_EQ(quantise_cost(spec, 1000, 8192, Format::fp8, Scaling::in_model).hbm.charged, 0);
}

}  // namespace
}  // namespace memwall
