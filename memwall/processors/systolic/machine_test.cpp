#include "memwall/processors/systolic/machine.h"

#include <array>
#include <cmath>
#include <random>
#include <stdexcept>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/systolic/test_support.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

using systolic_test::random_gemm;
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

ArrayResult run(const MachineSetup& setup, Dataflow dataflow, const std::vector<MachineGemm>& gemms) {
  return run_machine(setup, gemms, deal_folds(setup, dataflow, gemms));
}

// 2 x 2 cells, weights [[1, 2], [3, 4]], one vector [5, 6]: [5 + 18, 10 + 24], in 2R + C + T - 2 = 5 cycles.
TEST(SystolicMachine, OneFoldByHand) {
  const MachineSetup setup{2, 2, {}, false, {}, CellFormat::int8};
  const std::vector<MachineGemm> gemms = {{.m = 1, .n = 2, .k = 2, .x = {5, 6}, .w = {1, 2, 3, 4}}};
  const ArrayResult result = run(setup, Dataflow::weight_stationary, gemms);
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
    const ArrayResult result = run(setup, dataflow, gemms);
    for (std::size_t g = 0; g < gemms.size(); ++g) {
      EXPECT_EQ(result.products[g], reference_product(gemms[g]));
    }
    const ArrayResult plain = run_plain_machine(setup, gemms, deal_folds(setup, dataflow, gemms));
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

// Whole folds and moving registers, whatever the split, the ports, the dataflow and the order of folds.
TEST(SystolicMachine, EqualsItsPlainTwin) {
  check_property(200, [] {
    const Split split{pick<std::int64_t>(1, 4), pick<std::int64_t>(1, 4)};
    // More columns than two of the widest vectors have lanes.
    MachineSetup setup{pick<std::int64_t>(1, 6) * split.row_parts,
                       pick<std::int64_t>(1, 40) * split.column_parts,
                       split,
                       pick(0, 2) == 1,
                       {},
                       kFormats[pick<std::size_t>(0, kFormats.size())]};
    setup.ports = {pick<std::int64_t>(0, 6), pick<std::int64_t>(0, 6), pick<std::int64_t>(0, 6)};
    std::mt19937 random(static_cast<unsigned>(pick(0, 1 << 20)));
    std::vector<MachineGemm> gemms;
    for (int i = pick(1, 4); i > 0; --i) {
      gemms.push_back(random_gemm(pick<std::int64_t>(1, 12), pick<std::int64_t>(1, 50),
                                  pick<std::int64_t>(1, 9), setup.format, random));
    }
    const auto jobs = deal_folds(setup, kDataflows[pick<std::size_t>(0, kDataflows.size())], gemms);
    const ArrayResult fast = run_machine(setup, gemms, jobs), plain = run_plain_machine(setup, gemms, jobs);
    RC_ASSERT(fast.products == plain.products);
    RC_ASSERT(fast.cycles == plain.cycles);
    RC_ASSERT(fast.macs == plain.macs);
    RC_ASSERT(fast.idle == plain.idle);
    RC_ASSERT(fast.gated == plain.gated);
    RC_ASSERT(fast.weight_words == plain.weight_words);
    RC_ASSERT(fast.activation_words == plain.activation_words);
    RC_ASSERT(fast.sum_words == plain.sum_words);
    for (std::size_t g = 0; g < gemms.size(); ++g) {
      RC_ASSERT(fast.products[g] == reference_product(gemms[g]));
    }
  });
}

// Sums of more products than the fast machine makes at a time, each as large as products get: 3000 x 2^14.
TEST(SystolicMachine, LongSumsAreWhole) {
  const std::int64_t k = 3000;
  const std::vector<float> lowest(static_cast<std::size_t>(k), -128);
  const std::vector<MachineGemm> gemms = {{1, 1, k, lowest, lowest}};
  for (const Dataflow dataflow : kDataflows) {
    const MachineSetup setup{2, 2, {1, 1}, true, {}, CellFormat::int8};
    EXPECT_EQ(run(setup, dataflow, gemms).products.front(), std::vector<double>{3000.0 * 16384});
  }
  const std::vector<float> largest(static_cast<std::size_t>(k), 448);
  const MachineSetup setup{2, 2, {1, 1}, true, {}, CellFormat::fp8};
  EXPECT_EQ(run(setup, Dataflow::output_stationary, {{1, 1, k, largest, largest}}).products.front(),
            std::vector<double>{3000.0 * 448 * 448});
}

// A large sum that cancels leaves the small terms whole, wherever the cut along k falls.
TEST(SystolicMachine, CancellationLosesNothing) {
  MachineGemm gemm{1, 1, 4, {1e30F, 1, 1, -1e30F}, {1, 1, 1, 1}};
  for (float& value : gemm.x) {
    value = round_to(SmallFloat::bf16, value);
  }
  for (const Split split : {Split{1, 1}, Split{2, 1}, Split{4, 1}}) {
    const MachineSetup setup{4, 1, split, true, {}, CellFormat::bf16};
    EXPECT_EQ(run(setup, Dataflow::weight_stationary, {gemm}).products.front(), std::vector<double>{2});
  }
}

// Blocks of 32 along k, each with a power of two of its own in both operands.
TEST(SystolicMachine, Mxfp4KeepsTheScalesOfItsBlocks) {
  std::mt19937 random(5);
  MachineGemm gemm = random_gemm(3, 5, 80, CellFormat::mxfp4, random);
  for (std::int64_t p = 0; p < gemm.k; ++p) {
    const int block = static_cast<int>(p / 32);
    for (std::int64_t i = 0; i < gemm.m; ++i) {
      gemm.x[static_cast<std::size_t>(i * gemm.k + p)] *= std::ldexp(1.0F, 20 * block - 7);
    }
    for (std::int64_t j = 0; j < gemm.n; ++j) {
      gemm.w[static_cast<std::size_t>(p * gemm.n + j)] *= std::ldexp(1.0F, 3 - 20 * block);
    }
  }
  const MachineSetup setup{8, 8, {2, 2}, true, {}, CellFormat::mxfp4};
  EXPECT_EQ(run(setup, Dataflow::weight_stationary, {gemm}).products.front(), reference_product(gemm));
}

// Two slabs run a GEMM each, the other two are fused and run a third; the first to end is gated from then on.
TEST(SystolicMachine, PartsRunDifferentGemms) {
  std::mt19937 random(2);
  const std::vector<MachineGemm> gemms = {random_gemm(3, 4, 2, CellFormat::int8, random),
                                          random_gemm(40, 4, 2, CellFormat::int8, random),
                                          random_gemm(6, 4, 4, CellFormat::int8, random)};
  const MachineSetup setup{8, 4, {4, 1}, false, {}, CellFormat::int8};
  const std::vector<MachineJob> jobs = {
      {0, 0, 1, 1, Dataflow::weight_stationary, {{0, 0, 0, 0, 1}}},
      {1, 0, 1, 1, Dataflow::output_stationary, {}},
      {2, 0, 2, 1, Dataflow::weight_stationary, {{2, 0, 0, 0, 1}}},
  };
  std::vector<MachineJob> all = jobs;
  for (std::int64_t tile = 0; tile < 20; ++tile) {  // outputs stay: 40 rows over the 2 of a slab
    all[1].folds.push_back({1, tile, 0, 0, 1});
  }
  const ArrayResult result = run_machine(setup, gemms, all);
  for (std::size_t g = 0; g < gemms.size(); ++g) {
    EXPECT_EQ(result.products[g], reference_product(gemms[g]));
  }
  EXPECT_EQ(result.jobs[0].end, 2 * 2 + 4 + 3 - 2);
  EXPECT_EQ(result.jobs[1].end, 20 * (2 + 4 + 2 - 2));
  EXPECT_EQ(result.jobs[2].end, 2 * 4 + 4 + 6 - 2);
  EXPECT_EQ(result.cycles, result.jobs[1].end);
  EXPECT_EQ(result.gated,
            8 * (result.cycles - result.jobs[0].end) + 16 * (result.cycles - result.jobs[2].end));
}

// One word of weights per cycle for two slabs of 2 x 2: each loads its 4 words in 8 cycles, not 2.
TEST(SystolicMachine, PartsThatAreNotFedWait) {
  std::mt19937 random(4);
  const std::vector<MachineGemm> gemms = {random_gemm(2, 2, 4, CellFormat::int8, random)};
  MachineSetup setup{4, 2, {2, 1}, false, {}, CellFormat::int8};
  const auto jobs = deal_folds(setup, Dataflow::weight_stationary, gemms);
  EXPECT_EQ(run_machine(setup, gemms, jobs).cycles, 2 * 2 + 2 + 2 - 2);
  setup.ports.weights = 1;
  const ArrayResult starved = run_machine(setup, gemms, jobs);
  EXPECT_EQ(starved.products.front(), reference_product(gemms.front()));
  EXPECT_EQ(starved.weight_words, 8);
  EXPECT_GE(starved.cycles, 8 + 2);
  EXPECT_GT(starved.jobs[0].waiting + starved.jobs[1].waiting, 0);
  EXPECT_EQ(run_plain_machine(setup, gemms, jobs).cycles, starved.cycles);
}

TEST(SystolicMachine, RefusesWhatCannotBe) {
  const MachineGemm gemm{1, 1, 1, {1}, {1}};
  const MachineJob whole{0, 0, 1, 1, Dataflow::weight_stationary, {{0, 0, 0, 0, 1}}};
  const auto expect_refused = [](const MachineSetup& setup, const std::vector<MachineGemm>& gemms,
                                 const std::vector<MachineJob>& jobs, const std::string& message) {
    try {
      run_machine(setup, gemms, jobs);
      ADD_FAILURE() << "accepted, expected: " << message;
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
  };
  MachineSetup setup{2, 2, {1, 1}, false, {}, CellFormat::int8};
  expect_refused(setup, {{1, 1, 2, {1}, {1}}}, {whole}, "operands are not those of the shape");
  expect_refused(setup, {{1, 1, 1, {0.5F}, {1}}}, {whole}, "a value is none of its format: 0.5");
  expect_refused(setup, {{1, 1, 1, {128}, {1}}}, {whole}, "none of its format: 128");
  expect_refused(setup, {gemm}, {whole, whole}, "two jobs on one part");
  expect_refused(setup, {gemm}, {{0, 1, 1, 1, Dataflow::weight_stationary, {}}}, "a job leaves the array");
  expect_refused(setup, {gemm}, {{0, 0, 1, 1, Dataflow::weight_stationary, {{1, 0, 0, 0, 1}}}},
                 "a fold of no GEMM");
  expect_refused(setup, {gemm}, {{0, 0, 1, 1, Dataflow::weight_stationary, {{0, 1, 0, 0, 1}}}},
                 "a fold outside its GEMM");
  setup.split = {2, 3};
  expect_refused(setup, {gemm}, {}, "the split does not divide the array");
  setup = {2, 2, {1, 1}, false, {}, CellFormat::bf16};
  expect_refused(setup, {{1, 1, 1, {1.00001F}, {1}}}, {whole}, "none of its format");
  setup.format = CellFormat::fp8;
  expect_refused(setup, {{1, 1, 1, {449}, {1}}}, {whole}, "none of its format");
  setup.format = CellFormat::mxfp4;
  expect_refused(setup, {{1, 1, 2, {6, 0.25F}, {1, 1}}}, {whole}, "a block of 32 is not fp4 with one scale");
}

}  // namespace
}  // namespace memwall
