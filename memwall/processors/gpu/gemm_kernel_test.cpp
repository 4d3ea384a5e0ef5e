// Questions: does a GEMM cost what its tiles, waves and bytes say, at shapes small enough to count by hand?
#include "memwall/processors/gpu/gemm_kernel.h"

#include <algorithm>
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

// The tile's time per step along k, the waves and the steps, by the equations of gemm_kernel.h.
double step_seconds(const GpuSpec& spec, double m, double n) {
  const double rate = spec.tensor[0].peak.value / spec.sms * (spec.gemm.boost / spec.clock) * 0.97;
  return std::max({m * n * 2 * 64 / rate, (m + n) * 128 / spec.gemm.feed.value, spec.gemm.wide.step.value});
}

// One token: 512 MiB of weights at the achieved bandwidth, and at the same time 128 x 16 tiles in one wave.
// 16384 / 128 = 128 blocks of 256 steps; sqrt(weights^2 + blocks^2) and the start.
TEST(GemmKernel, GemvIsItsWeightsAndItsBlocksAtOnce) {
  const GpuSpec spec = h100();
  GemmTiling tiling;
  const GemmShape gemv = shape(1, 16384, 16384);
  gemm_cost(spec, gemv, &tiling);
  EXPECT_EQ(tiling.tile_n, 128);
  EXPECT_EQ(tiling.blocks, 128);
  EXPECT_EQ(tiling.splits, 1);
  const double hbm = spec.hbm_bandwidth.value;
  const double stream = 2.0 * 16384 * 16384 / (hbm * spec.hbm_gemm);
  const double blocks = 256 * step_seconds(spec, tiling.tile_m, 128) +
                        spec.gemm.wide.store_passes * tiling.tile_m * 128 * 2 * 128 / hbm;
  const double expected = spec.gemm.start.value + std::hypot(stream, blocks);
  EXPECT_NEAR(seconds(spec, gemv), expected, 0.002 * expected);
}

// 8192^3: 2048 tiles of 128 x 256 in 16 waves of 132 SMs, 128 steps each, against the same tiles' operands
// from L2.
TEST(GemmKernel, LargeGemmIsItsWavesAndItsDrawFromL2) {
  const GpuSpec spec = h100();
  GemmTiling tiling;
  const GemmShape large = shape(8192, 8192, 8192);
  gemm_cost(spec, large, &tiling);
  ASSERT_EQ(tiling.tile_m * tiling.tile_n, 128 * 256);
  EXPECT_EQ(tiling.blocks, 2048);
  EXPECT_EQ(tiling.waves, 16);
  const double peak = spec.tensor[0].peak.value;
  const double waves = 16 * (128 * step_seconds(spec, 128, 256) +
                             spec.gemm.wide.store_passes * 128 * 256 * 2 * 132 / spec.hbm_bandwidth.value);
  const double at_rate = 2.0 * 8192 * 8192 * 8192 / (peak * spec.tensor[0].achieved);
  const double draw = 2048.0 * 128 * 128 * (128 + 256) / (132 * spec.gemm.wide.draw * spec.gemm.boost.value);
  const double expected = spec.gemm.start.value + std::hypot(std::max(waves, at_rate), draw);
  EXPECT_NEAR(seconds(spec, large), expected, 1e-6 * expected);
}

// 132 SMs. 11 x 12 tiles of 128 x 256 are one wave; one row of tokens more makes a second one, or smaller
// tiles that waste less.
TEST(GemmKernel, TilesRunInWholeWaves) {
  GpuSpec spec = h100();
  spec.tensor[0].achieved = 1;  // no other limit than the waves
  GemmTiling full, over;
  gemm_cost(spec, shape(128 * 11, 256 * 12, 8192), &full);
  EXPECT_EQ(full.blocks, 132);
  EXPECT_EQ(full.waves, 1);
  const GemmShape longer = shape(128 * 11 + 1, 256 * 12, 8192);
  gemm_cost(spec, longer, &over);
  EXPECT_GT(over.waves, 1);
  EXPECT_GT(seconds(spec, longer), 1.1 * seconds(spec, shape(128 * 11, 256 * 12, 8192)));
}

// Time against m is a staircase: flat inside a tile; a better tile wins back a little.
TEST(GemmKernel, TimeGrowsWithTokensUpToQuantisation) {
  const GpuSpec spec = h100();
  double before = 0;
  for (int m = 1; m <= 4096; m += 7) {
    const double time = seconds(spec, shape(m, 8192, 8192));
    EXPECT_GE(time, before * 0.95) << m;
    before = std::max(before, time);
  }
  EXPECT_NEAR(seconds(spec, shape(1, 8192, 8192)), seconds(spec, shape(16, 8192, 8192)), 0.2e-6);
}

// 2 tiles of 64 x 128 would keep 2 of 132 SMs busy for 1024 steps. Partial sums cost a second pass.
TEST(GemmKernel, FewTilesAreSplitAlongK) {
  const GpuSpec spec = h100();
  GemmTiling narrow, wide;
  gemm_cost(spec, shape(64, 256, 65536), &narrow);
  EXPECT_GE(narrow.splits, 12);
  EXPECT_LE(narrow.blocks, 4 * spec.sms);
  gemm_cost(spec, shape(64, 65536, 256), &wide);
  EXPECT_EQ(wide.splits, 1);
  GpuSpec free = spec;
  free.gemm.helper_start = Seconds(1e-12);
  EXPECT_NEAR(seconds(spec, shape(64, 256, 65536)) - seconds(free, shape(64, 256, 65536)),
              spec.gemm.helper_start.value, 0.1e-6);
}

// A shape whose 32 MiB of weights and as much again fit into L2: only a benchmark that repeats itself on one
// set of weights finds them there; a step, and a benchmark with many sets, read them from memory.
TEST(GemmKernel, OnlyRepeatedWeightsAreFoundInL2) {
  const GpuSpec spec = h100();
  GemmShape step = shape(1, 2048, 4096), once = step, cycled = step;
  once.operand_sets = 1;
  cycled.operand_sets = 6;
  EXPECT_DOUBLE_EQ(seconds(spec, step), seconds(spec, cycled));
  EXPECT_LT(seconds(spec, once), 0.9 * seconds(spec, step));
  const KernelCost cost = gemm_cost(spec, once);
  // 16.8 MB of 0.8 x 50 MB: (0.42)^3 of the weights come from memory.
  const double weights = 2.0 * 2048 * 4096;
  const double share = (weights + 2 * 4096 + 2 * 2048) / (spec.gemm.retained * spec.l2_capacity.value);
  EXPECT_NEAR(cost.hbm.charged, weights * std::pow(share, 3) * spec.hbm_best / spec.hbm_gemm, 0.02 * weights);
}

TEST(GemmKernel, ChargesAtLeastWhatTheMathematicsNeeds) {
  for (const char* system : {"1xa100", "1xh100", "1xb200", "1xb300", "1xmi300x"}) {
    const GpuSpec spec = read_gpu_spec(read_system(system));
    for (const double m : {1.0, 3.0, 17.0, 129.0, 1000.0, 20000.0}) {
      for (const double n : {1.0, 100.0, 4096.0, 50257.0}) {
        for (const double k : {1.0, 65.0, 7168.0}) {
          const KernelCost cost = gemm_cost(spec, shape(m, n, k));
          EXPECT_DOUBLE_EQ(cost.tensor.useful, 2 * m * n * k);
          EXPECT_GE(cost.tensor.charged, cost.tensor.useful);
          EXPECT_GE(cost.hbm.useful, 0.99 * 2 * n * k);  // a step's weights come from memory
          EXPECT_LE(cost.hbm.useful, cost.hbm.charged);
          const double peak = spec.tensor[0].peak.value;
          EXPECT_GE(alone_seconds(spec, cost), 2 * m * n * k / peak);
          EXPECT_GE(alone_seconds(spec, cost), 2 * n * k / spec.hbm_bandwidth.value);
        }
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
  EXPECT_LT(seconds(spec, shape(8192, 8192, 8192, Format::fp8, Format::fp8)),
            0.6 * seconds(spec, shape(8192, 8192, 8192)));
}

// DeepGEMM on 132 SMs. 2048 x 8192: 16 rows of 128 tokens by 64 widths of 128 are 8 waves. One token more
// makes 17 rows: widths of 128 and of 120 both take 9 waves, of which the last is fuller with 120 (69 x 17 =
// 1173 = 8 x 132
// + 117 tiles). 120 does not divide the blocks of 128 weights, so every step scales twice.
TEST(GemmKernel, HoppersScaledTilesMakeTheFewestWaves) {
  const GpuSpec spec = h100();
  GemmTiling even, odd, few;
  const GemmShape full = shape(2048, 8192, 8192, Format::fp8_block, Format::fp8_block);
  GemmShape over = full;
  over.m = 2049;
  gemm_cost(spec, full, &even);
  gemm_cost(spec, over, &odd);
  EXPECT_EQ(even.tile_m, 128);
  EXPECT_EQ(even.tile_n, 128);
  EXPECT_EQ(even.waves, 8);
  EXPECT_EQ(odd.tile_n, 120);
  EXPECT_EQ(odd.blocks, 1173);
  EXPECT_EQ(odd.waves, 9);
  EXPECT_GT(seconds(spec, over), 1.15 * seconds(spec, full));
  gemm_cost(spec, shape(8, 8192, 8192, Format::fp8_block, Format::fp8_block), &few);
  EXPECT_EQ(few.tile_m, 16);
  EXPECT_EQ(few.tile_n, 128);
}

// 129 tokens are 2 rows of 128, 127 of which are missing; 64 tiles (of 128 x 128 outputs, 8192 of k) are
// short of them at once: 127 x 8192 x 64 bytes at 3.35 TB/s are 19.9 us. 256 tokens are the same tiles with
// none missing.
TEST(GemmKernel, RowsMissingInTheLastTileAreWaitedFor) {
  const GpuSpec spec = h100();
  GemmTiling full, short_of;
  const GemmShape whole = shape(256, 8192, 8192, Format::fp8_block, Format::fp8_block);
  GemmShape missing = whole;
  missing.m = 129;
  gemm_cost(spec, whole, &full);
  gemm_cost(spec, missing, &short_of);
  EXPECT_EQ(full.blocks, short_of.blocks);
  const double more = seconds(spec, missing) - seconds(spec, whole);
  EXPECT_GT(more, 0.7 * 19.9e-6);  // of the root of squares
  EXPECT_LT(more, 19.9e-6);
}

// vLLM's four-bit kernels on B200: two SMs compute 256 x 128 outputs, so that 64 columns of tiles are one
// wave of 74 pairs and 80 are two. TensorRT-LLM's run 80 tiles on 148 SMs at once.
TEST(GemmKernel, FourBitTilesInPairsHaveHalfAsManyPlaces) {
  const GpuSpec vllm = read_gpu_spec(read_system("1xb200")), tensorrt = read_gpu_spec(read_system("1xb300"));
  GemmTiling fits, over, single;
  gemm_cost(vllm, shape(8, 8192, 4096, Format::nvfp4, Format::nvfp4), &fits);
  gemm_cost(vllm, shape(8, 10240, 4096, Format::nvfp4, Format::nvfp4), &over);
  gemm_cost(tensorrt, shape(8, 10240, 4096, Format::nvfp4, Format::nvfp4), &single);
  EXPECT_EQ(fits.tile_m, 256);
  EXPECT_EQ(fits.waves, 1);
  EXPECT_EQ(over.waves, 2);
  EXPECT_EQ(single.waves, 1);
}

// On Ampere arithmetic and memory add up by their fourth powers. The time of a shape by the search's own
// parts is between the larger part and the root of squares.
TEST(GemmKernel, AmpereOverlapsArithmeticAndMemoryBetter) {
  const GpuSpec spec = read_gpu_spec(read_system("1xa100"));
  GpuSpec loose = spec;
  loose.gemm.wide.overlap = 2;
  const GemmShape both = shape(128, 12288, 12288);
  EXPECT_LT(seconds(spec, both), 0.95 * seconds(loose, both));
  EXPECT_GT(seconds(spec, both), 2.0 * 12288 * 12288 / (spec.hbm_bandwidth.value * spec.hbm_gemm));
}

// Hopper scales sums over blocks of 128 on its vector lanes: 1/128 of the operations, at their rate.
TEST(GemmKernel, BlockScalesInSoftwareTakeVectorTime) {
  const GpuSpec spec = h100();
  GpuSpec hardware = spec;
  hardware.gemm.scales_in_software = false;
  const GemmShape blocks = shape(8192, 8192, 8192, Format::fp8_block, Format::fp8_block);
  const double scaling = 2.0 * 8192 * 8192 * 8192 / 128 / (spec.vector_peak.value * spec.vector_achieved);
  const double more = seconds(spec, blocks) - seconds(hardware, blocks);
  EXPECT_GT(more, 0.6 * scaling);
  EXPECT_LT(more, 1.3 * scaling);
}

// Two shapes with 64 x 64 outputs and 64 values of k, one step each: the launch is all but everything.
TEST(GemmKernel, TheSmallestGemmTakesItsStart) {
  const GpuSpec spec = h100();
  EXPECT_NEAR(seconds(spec, shape(1, 64, 64)), spec.gemm.start.value, 0.2e-6);
}

TEST(GemmKernel, GroupsAreThatManyGemmsInOneLaunch) {
  const GpuSpec spec = h100();
  GemmShape one = shape(16, 4096, 4096), eight = one;
  eight.groups = 8;
  const KernelCost single = gemm_cost(spec, one), grouped = gemm_cost(spec, eight);
  EXPECT_DOUBLE_EQ(grouped.tensor.useful, 8 * single.tensor.useful);
  EXPECT_LT(alone_seconds(spec, grouped), 8 * alone_seconds(spec, single));
}

}  // namespace
}  // namespace memwall
