// Intervals say what they claim, and nothing is claimed where nothing was measured.
#include "memwall/validation/error_bars.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/model/read_model.h"
#include "memwall/validation/validate.h"

namespace memwall {
namespace {

using testing::HasSubstr;

ProcessorRegistry families() {
  ProcessorRegistry registry("processor family");
  register_builtin_processors(registry);
  return registry;
}

Residual gemm_class(const std::string& regime, double half_width) {
  return {{"gemm", regime, "bf16", "h100"},
          100,
          half_width,
          -half_width,
          half_width,
          {{"m", 1, 64}, {"n", 1024, 8192}, {"k", 1024, 8192}}};
}

TEST(ErrorBars, AKernelTakesTheIntervalOfItsClass) {
  const ErrorBars bars({gemm_class("decode", 0.05)});
  const System h100 = read_system("1xh100");
  const ErrorBar bar = bars.of_kernel(GemmOp{8, 4096, 4096}, h100, Seconds(1e-5));
  ASSERT_TRUE(bar.half_width);
  EXPECT_DOUBLE_EQ(*bar.half_width, 0.05);
  EXPECT_EQ(bar.n, 100);
  EXPECT_EQ(bar.basis, "gemm decode bf16 on h100");
  EXPECT_EQ(to_text(bar), "± 5.0 %");
  // fp16 runs at the rates of bf16.
  EXPECT_TRUE(
      bars.of_kernel(GemmOp{8, 4096, 4096, Format::fp16, Format::fp16}, h100, Seconds(1e-5)).half_width);
}

TEST(ErrorBars, OutsideOfWhatWasMeasuredThereIsNone) {
  const ErrorBars bars({gemm_class("decode", 0.05)});
  const System h100 = read_system("1xh100");
  const ErrorBar wide = bars.of_kernel(GemmOp{8, 16384, 4096}, h100, Seconds(1e-5));
  EXPECT_FALSE(wide.half_width);
  EXPECT_EQ(wide.outside, "n = 16384, measured up to 8192");
  EXPECT_EQ(to_text(wide), "no measurement near this point");
  EXPECT_EQ(bars.of_kernel(GemmOp{4096, 4096, 4096}, h100, Seconds(1e-5)).outside,
            "nothing was measured of gemm prefill bf16 on h100");
  EXPECT_EQ(bars.of_kernel(GemmOp{8, 4096, 4096}, read_system("1xb200"), Seconds(1e-5)).outside,
            "nothing was measured of gemm decode bf16 on b200");
}

// A measured decode step answers for itself; another step through its kernels, weighted by time.
TEST(ErrorBars, AStepTakesStepsOrElseItsKernels) {
  const Model model = read_model("llama-3.1-8b");
  const OpenSystem open = open_system("1xh100", families());
  const Step decode{{{8, 1, 512}}, {}};
  const Residual steps{{"decode_step", "dense", "bf16", "h100"},
                       40,
                       0.07,
                       -0.07,
                       0.07,
                       {{"chips", 1, 4}, {"batch", 8, 512}, {"context", 300, 4000}}};
  const ErrorBar direct =
      ErrorBars({steps}).of_step(model, decode, open.system, *open.processor, Plan{}, Seconds(7e-3));
  EXPECT_DOUBLE_EQ(direct.half_width.value_or(0), 0.07);

  Residual wide = gemm_class("decode", 0.1);
  wide.sizes = {{"m", 1, 64}, {"n", 1024, 131072}, {"k", 1024, 16384}};
  const ErrorBar composed =
      ErrorBars({wide}).of_step(model, decode, open.system, *open.processor, Plan{}, Seconds(7e-3));
  EXPECT_NEAR(composed.half_width.value_or(0), 0.1, 1e-12);
  EXPECT_THAT(composed.basis, HasSubstr("100 % gemm decode bf16 on h100"));

  const ErrorBar none =
      ErrorBars({}).of_step(model, decode, open.system, *open.processor, Plan{}, Seconds(7e-3));
  EXPECT_EQ(none.outside, "only 0 % of the time is in kernels that were measured");
}

// Megatron's division: columns and heads over tp, then a sum; experts over ep groups.
TEST(StepKernels, AreThoseOfOneChip) {
  const Model model = read_model("llama-3.1-8b");
  const std::vector<KernelUse> kernels = kernels_of(model, Step{{{8, 1, 512}}, {}}, parse_plan("tp2"));
  std::vector<std::string> texts;
  for (const KernelUse& use : kernels) {
    texts.push_back(std::to_string(static_cast<int>(use.times)) + " " + describe(use.op));
  }
  EXPECT_THAT(texts,
              testing::ElementsAre(
                  "32 gemm m=8 n=3072 k=4096 bf16",
                  "32 attention 16 heads, 4 KV heads, dim 128, 8 sequences, 1 new on 512, bf16, KV bf16",
                  "32 gemm m=8 n=4096 k=2048 bf16", "32 all-reduce 65.5 kB over 2 chips, auto",
                  "32 gemm m=8 n=14336 k=4096 bf16", "32 gemm m=8 n=4096 k=7168 bf16",
                  "32 all-reduce 65.5 kB over 2 chips, auto", "1 gemm m=8 n=64128 k=4096 bf16"));
}

TEST(Residuals, SurviveTheirFile) {
  const std::vector<Residual> residuals = {gemm_class("decode", 0.0523)};
  const std::vector<Residual> again = read_residuals(Table(residuals_text(residuals), "r.csv"));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].of, residuals[0].of);
  EXPECT_NEAR(again[0].half_width, 0.0523, 1e-9);
  EXPECT_EQ(again[0].sizes[1].name, "n");
  EXPECT_DOUBLE_EQ(again[0].sizes[1].high, 8192);
  EXPECT_THROW(read_residuals(Table(
                   "kind,regime,format,chip,n,half_width,low,high,sizes\na,b,c,d,1,0.1,0,0,m 1\n", "r.csv")),
               ConfigError);
}

// Kernels typed from published tables, with the shipped intervals. Some are among the rows that the intervals
// were made from; `memwall validate --data` counts the held-back rows of the large tables.
struct TypedKernels : MeasurementSink {
  TypedKernels() : processors(families()), predictor(processors), bars(read_error_bars()) {}
  void take(const Measurement& measurement) override {
    const auto* kernels = std::get_if<std::vector<KernelUse>>(&measurement.what);
    const bool is_bare_kernel = kernels != nullptr && kernels->size() == 1;
    if (measurement.origin != "measured" || !is_bare_kernel) {
      return;
    }
    const Prediction prediction = predictor.predict(measurement);
    const ErrorBar bar =
        bars.of_kernel(kernels->front().op, read_system(measurement.system), Seconds(prediction.calibrated));
    if (bar.half_width) {
      inside.push_back(std::abs(measurement.value / prediction.calibrated - 1) <= *bar.half_width);
    }
  }
  void exclude(const std::string&, const std::string&) override {}

  ProcessorRegistry processors;
  Predictor predictor;
  ErrorBars bars;
  std::vector<bool> inside;
};

TEST(Intervals, HoldFourOfFiveTypedRows) {
  TypedKernels typed;
  read_measurements({}, typed);
  ASSERT_GT(typed.inside.size(), 200u);
  const double covered = static_cast<double>(std::count(typed.inside.begin(), typed.inside.end(), true)) /
                         static_cast<double>(typed.inside.size());
  EXPECT_GE(covered, 0.75) << typed.inside.size();
  EXPECT_LE(covered, 0.90) << typed.inside.size();
}

}  // namespace
}  // namespace memwall
