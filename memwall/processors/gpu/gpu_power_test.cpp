// Question: does a GPU at its power limit lower its clock as measured ones do?
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "memwall/processors/gpu/gpu_processor.h"
#include "memwall/program/power_limit.h"

namespace memwall {
namespace {

struct Steady {
  double clock_share = 1, slowdown = 1, tera_ops = 0, watts = 0;
};
Steady steady(const GemmOp& gemm, const std::string& system) {
  Program program = make_gpu()->lower_kernel(gemm, read_system(system), {});
  ScheduleClock clock;
  const Seconds brief = clock.run(program).time;
  const Ledger ledger = ledger_within_power(program, clock);
  return {ledger.clock_share, ledger.time / brief, (ledger.ops / ledger.time).value / 1e12,
          (ledger.energy() / ledger.time).value};
}

// H100: 794 TFLOP/s is the best that bf16 GEMMs reach for long (ml-engineering, maximum achievable matmul);
// B200: 1,250 to 1,460 TFLOP/s at 980 to 995 W (AIConfigurator's vLLM table, 2 m n k > 1e12).
TEST(GpuPower, ADenseGemmRunsBelowTheFullClock) {
  const Steady h100 = steady({8192, 8192, 8192}, "1xh100");
  EXPECT_LT(h100.clock_share, 0.95);
  EXPECT_GT(h100.clock_share, 0.7);
  EXPECT_GT(h100.slowdown, 1.03);
  EXPECT_LT(h100.tera_ops, 1.03 * 794);
  EXPECT_GT(h100.tera_ops, 0.85 * 794);
  EXPECT_NEAR(h100.watts, 700, 2);
  const Steady b200 = steady({8192, 8192, 8192}, "1xb200");
  EXPECT_LT(b200.clock_share, 0.95);
  EXPECT_GT(b200.slowdown, 1.03);
  EXPECT_GT(b200.tera_ops, 0.85 * 1400);
  EXPECT_LT(b200.tera_ops, 1.1 * 1400);
  EXPECT_NEAR(b200.watts, 1000, 3);
}

// A100: 295 TFLOP/s with zeros, 257 with random data, at 400 W (He, 2024).
TEST(GpuPower, AnA100LosesAnEighth) {
  const Steady a100 = steady({8192, 8192, 8192}, "1xa100");
  EXPECT_NEAR(a100.tera_ops, 257, 0.1 * 257);
  EXPECT_LT(a100.clock_share, 0.97);
}

TEST(GpuPower, FiguresSayWhatALargeGemmHolds) {
  const std::vector<Figure> figures = make_gpu()->figures(read_system("1xa100"));
  ASSERT_EQ(figures.size(), 3u);  // no fp8
  EXPECT_EQ(figures[0].name, "steady_gemm.bf16");
  EXPECT_DOUBLE_EQ(figures[0].value, steady({8192, 8192, 8192}, "1xa100").tera_ops);
  EXPECT_NEAR(figures[2].value, 400, 2);
}

TEST(GpuPower, AMemoryBoundKernelKeepsItsClock) {
  for (const char* system : {"1xh100", "1xb200", "1xa100"}) {
    const Steady gemv = steady({1, 8192, 8192}, system);
    EXPECT_EQ(gemv.clock_share, 1) << system;
    EXPECT_EQ(gemv.slowdown, 1) << system;
  }
}

}  // namespace
}  // namespace memwall
