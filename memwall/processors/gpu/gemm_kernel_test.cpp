// Questions: does a GEMM cost what its tiles, waves and bytes say, at shapes small enough to count by hand?
#include "memwall/processors/gpu/gemm_kernel.h"

#include <cmath>

#include <gtest/gtest.h>

namespace memwall {
namespace {

GpuSpec h100() { return read_gpu_spec(read_system("1xh100")); }

GemmShape shape(double m, double n, double k, Format weight = Format::bf16,
                Format activation = Format::bf16) {
  GemmShape gemm;
  gemm.m = m;
  gemm.n = n;
  gemm.k = k;
  gemm.weight = weight;
  gemm.activation = activation;
  return gemm;
}

double seconds(const GpuSpec& spec, const GemmShape& gemm) {
  return alone_seconds(spec, gemm_cost(spec, gemm));
}

// t = start + bytes / (achieved bandwidth): 2 * 16384^2 B of weights at 0.875 of 3.35 TB/s is 183.2 us.
TEST(GemmKernel, GemvIsItsWeightsOverTheBandwidthAndAStart) {
  const GpuSpec spec = h100();
  const double weights = 2.0 * 16384 * 16384;
  const double expected = spec.gemm_start.value + weights / (spec.hbm_bandwidth.value * spec.hbm_gemm);
  EXPECT_NEAR(seconds(spec, shape(1, 16384, 16384)), expected, 0.001 * expected);
  EXPECT_NEAR(expected * 1e6, 183.2 + 3.2, 0.1);
}

// 132 SMs, k large. With 128 x 256 tiles: 132 tiles are one wave, 133 are two.
TEST(GemmKernel, TilesRunInWholeWaves) {
  const GpuSpec spec = h100();
  GemmTiling full, over;
  const KernelCost one = gemm_cost(spec, shape(128 * 11, 256 * 12, 8192), &full);
  EXPECT_EQ(full.blocks, 132);
  EXPECT_EQ(full.waves, 1);
  EXPECT_DOUBLE_EQ(one.tensor.charged, one.tensor.useful);
  // 12 x 12 tiles of that size would be two waves; smaller tiles waste less, and some work all the same.
  const KernelCost two = gemm_cost(spec, shape(128 * 12, 256 * 12, 8192), &over);
  EXPECT_GT(two.tensor.charged, 1.2 * two.tensor.useful);
}

// Time against m is a staircase: flat inside a tile, never falling.
TEST(GemmKernel, TimeNeverFallsAsTokensGrow) {
  const GpuSpec spec = h100();
  double before = 0;
  int flat = 0, steps = 0;
  for (int m = 1; m <= 4096; m += 7) {
    const double now = gemm_cost(spec, shape(m, 8192, 8192)).tensor.charged;
    const double time = seconds(spec, shape(m, 8192, 8192));
    EXPECT_GE(time, before * 0.98) << m;  // a better tile can win back a little
    before = std::max(before, time);
    ++steps;
    flat += now == gemm_cost(spec, shape(m + 1, 8192, 8192)).tensor.charged ? 1 : 0;
  }
  EXPECT_GT(flat, steps * 8 / 10);
}

TEST(GemmKernel, FewTilesAreSplitAlongK) {
  const GpuSpec spec = h100();
  GemmTiling narrow, wide;
  gemm_cost(spec, shape(64, 256, 65536), &narrow);
  EXPECT_GT(narrow.splits, 1);
  EXPECT_LE(narrow.blocks, 2 * spec.sms);
  gemm_cost(spec, shape(64, 65536, 256), &wide);
  EXPECT_EQ(wide.splits, 1);
  // Partial sums are added by one more small kernel.
  KernelCost cost = gemm_cost(spec, shape(64, 256, 65536));
  EXPECT_EQ(cost.delay(GpuDelay::pointwise_start), 1);
}

TEST(GemmKernel, ChargesAtLeastWhatTheMathematicsNeeds) {
  const GpuSpec spec = h100();
  for (const double m : {1.0, 3.0, 17.0, 129.0, 1000.0}) {
    for (const double n : {1.0, 100.0, 4096.0, 50257.0}) {
      for (const double k : {1.0, 65.0, 7168.0}) {
        const KernelCost cost = gemm_cost(spec, shape(m, n, k));
        EXPECT_DOUBLE_EQ(cost.tensor.useful, 2 * m * n * k);
        EXPECT_GE(cost.tensor.charged, cost.tensor.useful);
        EXPECT_DOUBLE_EQ(cost.hbm.useful, 2 * (n * k + m * k + m * n));
        EXPECT_GE(cost.hbm.charged, cost.hbm.useful);
      }
    }
  }
}

// int4 holds 4.25 bits or so a weight, and multiplies in bf16: it streams faster, and computes no faster.
TEST(GemmKernel, WeightOnlyFormatsStreamFewerBytesAndComputeInBf16) {
  const GpuSpec spec = h100();
  const KernelCost narrow = gemm_cost(spec, shape(1, 8192, 8192, Format::int4));
  const KernelCost wide = gemm_cost(spec, shape(1, 8192, 8192));
  EXPECT_EQ(narrow.arithmetic, Format::bf16);
  EXPECT_DOUBLE_EQ(narrow.tensor.useful, wide.tensor.useful);
  EXPECT_LT(narrow.hbm.charged, 0.5 * wide.hbm.charged);
  EXPECT_GE(seconds(spec, shape(8192, 8192, 8192, Format::int4)),
            0.97 * seconds(spec, shape(8192, 8192, 8192)));
  EXPECT_LT(seconds(spec, shape(8192, 8192, 8192, Format::fp8, Format::fp8)),
            0.6 * seconds(spec, shape(8192, 8192, 8192)));
}

// Both operands far beyond L2 are read again by later waves; one that fits is read once.
TEST(GemmKernel, OperandsBeyondL2AreReadAgain) {
  const GpuSpec spec = h100();
  const KernelCost large = gemm_cost(spec, shape(32768, 32768, 8192));
  EXPECT_GT(large.hbm.charged, 2 * large.hbm.useful);
  const KernelCost small = gemm_cost(spec, shape(1024, 32768, 8192));
  EXPECT_LT(small.hbm.charged, 1.1 * small.hbm.useful);
}

TEST(GemmKernel, GroupsAreThatManyGemmsInOneLaunch) {
  const GpuSpec spec = h100();
  GemmShape one = shape(16, 4096, 4096), eight = one;
  eight.groups = 8;
  const KernelCost single = gemm_cost(spec, one), grouped = gemm_cost(spec, eight);
  EXPECT_DOUBLE_EQ(grouped.hbm.useful, 8 * single.hbm.useful);
  EXPECT_DOUBLE_EQ(grouped.tensor.useful, 8 * single.tensor.useful);
  EXPECT_LT(alone_seconds(spec, grouped), 8 * alone_seconds(spec, single));
}

}  // namespace
}  // namespace memwall
