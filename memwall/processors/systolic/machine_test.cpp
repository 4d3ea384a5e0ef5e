#include "memwall/processors/systolic/machine.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/systolic/test_support.h"
#include "memwall/tensor/reference.h"

namespace memwall {
namespace {

using systolic_test::random_gemm;
using systolic_test::shape_of;
using testing::HasSubstr;

// Sums in double are exact for these operands: few terms of few bits.
std::vector<double> reference_product(const MachineGemm& gemm) {
  std::vector<double> product(static_cast<std::size_t>(gemm.m * gemm.n));
  for (std::int64_t i = 0; i < gemm.m; ++i) {
    for (std::int64_t j = 0; j < gemm.n; ++j) {
      double sum = 0;
      for (std::int64_t p = 0; p < gemm.k; ++p) {
        sum += static_cast<double>(gemm.x[static_cast<std::size_t>(i * gemm.k + p)]) *
               static_cast<double>(gemm.w[static_cast<std::size_t>(p * gemm.n + j)]);
      }
      product[static_cast<std::size_t>(i * gemm.n + j)] = sum;
    }
  }
  return product;
}

MachineResult run(const MachineSetup& setup, Dataflow dataflow, const std::vector<MachineGemm>& gemms) {
  return run_machine(setup, gemms, deal_folds(setup, dataflow, gemms));
}

// 2 x 2 cells, weights [[1, 2], [3, 4]], one vector [5, 6]: [5 + 18, 10 + 24], in 2R + C + T - 2 = 5 cycles.
TEST(SystolicMachine, OneFoldByHand) {
  const MachineSetup setup{.rows = 2, .columns = 2};
  const std::vector<MachineGemm> gemms = {{.m = 1, .n = 2, .k = 2, .x = {5, 6}, .w = {1, 2, 3, 4}}};
  const MachineResult result = run(setup, Dataflow::weight_stationary, gemms);
  EXPECT_EQ(result.products.front(), (std::vector<double>{23, 34}));
  EXPECT_EQ(result.cycles, 5);
  EXPECT_EQ(result.weight_words, 4);
  EXPECT_EQ(result.activation_words, 2);
  EXPECT_EQ(result.sum_words, 2);
  EXPECT_EQ(result.macs, 4);
  EXPECT_EQ(result.idle, 5 * 4 - 4);
  EXPECT_EQ(result.gated, 0);
}

constexpr std::array kDataflows = {Dataflow::weight_stationary, Dataflow::input_stationary,
                                   Dataflow::output_stationary};
constexpr std::array kFormats = {CellFormat::int8, CellFormat::fp8, CellFormat::bf16, CellFormat::mxfp4};

class EveryFormatAndFlow : public testing::TestWithParam<std::tuple<CellFormat, Dataflow, bool>> {};

// Y = X W whatever stays in the cells, whole and split, single- and double-buffered.
TEST_P(EveryFormatAndFlow, ProductIsTheReferences) {
  const auto [format, dataflow, double_buffered] = GetParam();
  std::mt19937 random(1);
  const std::vector<MachineGemm> gemms = {random_gemm(5, 11, 70, format, random),
                                          random_gemm(9, 3, 4, format, random)};
  for (const Split split : {Split{1, 1}, Split{2, 1}, Split{2, 4}}) {
    const MachineSetup setup{8, 4, split, double_buffered, {}, format};
    const MachineResult result = run(setup, dataflow, gemms);
    for (std::size_t g = 0; g < gemms.size(); ++g) {
      EXPECT_EQ(result.products[g], reference_product(gemms[g]));
    }
    const MachineResult plain = run_plain_machine(setup, gemms, deal_folds(setup, dataflow, gemms));
    EXPECT_EQ(plain.products, result.products);
    EXPECT_EQ(plain.macs, result.macs);
    EXPECT_EQ(result.macs, 5 * 11 * 70 + 9 * 3 * 4);
    EXPECT_EQ(plain.cycles, result.cycles);
    EXPECT_EQ(result.macs + result.idle + result.gated, result.cycles * 8 * 4);
  }
}

INSTANTIATE_TEST_SUITE_P(SystolicMachine, EveryFormatAndFlow,
                         testing::Combine(testing::ValuesIn(kFormats), testing::ValuesIn(kDataflows),
                                          testing::Bool()));

}  // namespace
}  // namespace memwall
