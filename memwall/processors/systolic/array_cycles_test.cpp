#include "memwall/processors/systolic/array_cycles.h"

#include <array>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "memwall/processors/systolic/test_support.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

using systolic_test::random_gemm;
using systolic_test::shape_of;

constexpr Dataflow kW = Dataflow::weight_stationary, kI = Dataflow::input_stationary,
                   kO = Dataflow::output_stationary;

// Runs of SCALE-Sim v3 with its own choice of bandwidth (InterfaceBandwidth CALC), compute cycles as it
// reports them: counted from zero.
TEST(ArrayCycles, AreScaleSimsPlusOne) {
  struct Run {
    std::int64_t rows, columns;
    Dataflow dataflow;
    std::int64_t m, n, k, reported;
  };
  const std::array runs = {
      Run{32, 32, kW, 17, 33, 65, 665},      Run{32, 32, kO, 17, 33, 65, 253},
      Run{32, 32, kI, 17, 33, 65, 380},      Run{32, 32, kW, 8, 512, 256, 13055},
      Run{32, 32, kO, 8, 512, 256, 5087},    Run{32, 32, kI, 8, 512, 256, 4847},
      Run{32, 32, kW, 256, 256, 256, 22399}, Run{32, 32, kO, 256, 256, 256, 20351},
      Run{128, 128, kW, 100, 75, 60, 481},   Run{128, 128, kO, 100, 75, 60, 313},
      Run{128, 128, kI, 100, 75, 60, 456},   Run{128, 128, kW, 32, 1024, 512, 13247},
      Run{16, 16, kW, 1, 512, 512, 48127},   Run{16, 16, kO, 1, 512, 512, 17343},
      Run{16, 16, kI, 1, 512, 512, 17855},   Run{16, 64, kW, 1, 512, 512, 24319},
      Run{16, 64, kI, 128, 128, 64, 1775},   Run{64, 16, kW, 100, 75, 60, 1209},
      Run{64, 16, kO, 100, 75, 60, 1379},    Run{8, 8, kO, 128, 128, 64, 19967},
      Run{256, 256, kW, 128, 64, 128, 893},  Run{256, 256, kI, 128, 64, 128, 829},
  };
  for (const Run& run : runs) {
    const ArrayShape array{run.rows, run.columns, 1, false, {}};
    EXPECT_EQ(gemm_cycles(array, {}, run.dataflow, {run.m, run.n, run.k}).cycles, run.reported + 1)
        << run.rows << "x" << run.columns << " " << name(run.dataflow) << " " << run.m << "," << run.n << ","
        << run.k;
  }
}

// Its SRAM counts of the first run: reads of inputs, reads of filters, writes of outputs.
TEST(ArrayCycles, WordsAreScaleSimsAccesses) {
  const ArrayCycles weights = gemm_cycles({32, 32, 1, false, {}}, {}, kW, {17, 33, 65});
  EXPECT_EQ(weights.activation_words, 2210);
  EXPECT_EQ(weights.weight_words, 2145);
  EXPECT_EQ(weights.sum_words, 1683);
  const ArrayCycles inputs = gemm_cycles({32, 32, 1, false, {}}, {}, kI, {17, 33, 65});
  EXPECT_EQ(inputs.activation_words, 1105);
  EXPECT_EQ(inputs.weight_words, 2145);
  EXPECT_EQ(inputs.sum_words, 1683);
}

// K = N = 8192 over 65,536 cells, weight stationary: useful multiply-accumulates per cell and cycle, left
// without overlap of folds, right with double-buffered weights.
TEST(ArrayCycles, UtilizationOfSplitArrays) {
  struct Cut {
    std::int64_t rows, columns, count;
    Split split;
  };
  const std::array cuts = {Cut{256, 256, 1, {1, 1}}, Cut{128, 128, 4, {1, 1}}, Cut{64, 64, 16, {1, 1}},
                           Cut{32, 32, 64, {1, 1}}, Cut{256, 256, 1, {16, 1}}};
  const std::array<std::int64_t, 6> batches = {1, 8, 16, 64, 256, 4096};
  const std::array<std::array<const char*, 5>, 6> published = {{
      {"0.13 / 0.39", "0.26 / 0.78", "0.52 / 1.56", "1.05 / 3.1", "0.35 / 6.1"},
      {"1.0 / 3.1", "2.1 / 6.2", "4.0 / 12.5", "7.8 / 24.9", "2.7 / 49"},
      {"2.1 / 6.2", "4.0 / 12.5", "7.8 / 24.9", "14.6 / 49.9", "5.3 / 98"},
      {"7.7 / 24.9", "14.4 / 49.9", "25 / 99.7", "41 / 99.9", "18 / 99.6"},
      {"25 / 99.7", "40 / 99.9", "57 / 99.9", "73 / 100", "47 / 99.9"},
      {"84 / 100", "91 / 100", "96 / 100", "98 / 100", "93 / 100"},
  }};
  // As many decimals as are printed, halves up. The left figures were printed by way of two decimals: two of
  // them, 14.545 and 14.3498, became 14.6 and 14.4 that way.
  const auto rounded = [](double value, int decimals) {
    const double unit = std::pow(10, -decimals);
    return std::floor(value / unit + 0.5) * unit;
  };
  const auto as_printed = [](const std::string& printed, double value) {
    const std::size_t point = printed.find('.');
    const int decimals = point == std::string::npos ? 0 : static_cast<int>(printed.size() - point - 1);
    return fmt::format("{:.{}f}", value + 1e-9, decimals);
  };
  for (std::size_t row = 0; row < batches.size(); ++row) {
    for (std::size_t column = 0; column < cuts.size(); ++column) {
      const Cut& cut = cuts[column];
      ArrayShape array{cut.rows, cut.columns, cut.count, false, {}};
      const ProductShape gemm{batches[row], 8192, 8192};
      const double single = 100 * gemm_cycles(array, cut.split, kW, gemm).utilization;
      array.double_buffered = true;
      const double buffered = 100 * gemm_cycles(array, cut.split, kW, gemm).utilization;
      const std::string text = published[row][column];
      const std::size_t slash = text.find(" / ");
      EXPECT_EQ(as_printed(text.substr(0, slash), rounded(single, 2)), text.substr(0, slash))
          << row << " " << column;
      EXPECT_EQ(as_printed(text.substr(slash + 3), buffered), text.substr(slash + 3)) << row << " " << column;
    }
  }
}

// Cycles of the machine are those of the closed form, for any shape, split and dataflow.
TEST(ArrayCycles, AreTheMachines) {
  check_property(400, [] {
    const std::int64_t part_rows = pick<std::int64_t>(1, 7), part_columns = pick<std::int64_t>(1, 7);
    const Split split{pick<std::int64_t>(1, 4), pick<std::int64_t>(1, 4)};
    const Dataflow dataflow = std::array{kW, kI, kO}[pick<std::size_t>(0, 3)];
    const bool double_buffered = pick(0, 2) == 1;
    const MachineSetup setup{part_rows * split.row_parts,
                             part_columns * split.column_parts,
                             split,
                             double_buffered,
                             {},
                             CellFormat::int8};
    std::mt19937 random(static_cast<unsigned>(pick(0, 1 << 20)));
    const MachineGemm gemm = random_gemm(pick<std::int64_t>(1, 20), pick<std::int64_t>(1, 20),
                                         pick<std::int64_t>(1, 20), CellFormat::int8, random);
    const ArrayResult result = run_machine(setup, {gemm}, deal_folds(setup, dataflow, {gemm}));
    const ArrayShape array{setup.rows, setup.columns, 1, double_buffered, {}};
    const ArrayCycles form = gemm_cycles(array, split, dataflow, shape_of(gemm));
    RC_ASSERT(static_cast<double>(result.cycles) == form.cycles);
    RC_ASSERT(static_cast<double>(result.macs) ==
                  form.utilization * form.cycles * static_cast<double>(setup.rows * setup.columns) ||
              std::abs(static_cast<double>(result.macs) -
                       form.utilization * form.cycles * static_cast<double>(setup.rows * setup.columns)) <
                  1e-6);
    RC_ASSERT(static_cast<double>(result.weight_words) == form.weight_words);
    RC_ASSERT(static_cast<double>(result.activation_words) == form.activation_words);
    RC_ASSERT(static_cast<double>(result.sum_words) == form.sum_words);
  });
}

// With a port too narrow the machine is never quicker than with wide ones, and for many folds the form is
// within a tenth of it: what the form spreads evenly, the machine takes in bursts.
TEST(ArrayCycles, NarrowPortsSlowTheMachineAsTheFormSays) {
  std::mt19937 random(7);
  const MachineGemm gemm = random_gemm(4, 64, 64, CellFormat::int8, random);
  for (const std::int64_t width : {2, 4, 8, 16, 32}) {
    for (const int port : {0, 1, 2}) {
      MachineSetup setup{16, 16, {4, 1}, true, {}, CellFormat::int8};
      const auto jobs = deal_folds(setup, kW, {gemm});
      const std::int64_t free_running = run_machine(setup, {gemm}, jobs).cycles;
      ArrayShape array{16, 16, 1, true, {}};
      (port == 0 ? setup.ports.weights : port == 1 ? setup.ports.activations : setup.ports.sums) = width;
      (port == 0   ? array.ports.weights
       : port == 1 ? array.ports.activations
                   : array.ports.sums) = static_cast<double>(width);
      const ArrayResult starved = run_machine(setup, {gemm}, jobs);
      const double form = gemm_cycles(array, setup.split, kW, shape_of(gemm)).cycles;
      EXPECT_GE(starved.cycles, free_running);
      EXPECT_NEAR(static_cast<double>(starved.cycles) / form, 1, 0.1)
          << "port " << port << " width " << width;
    }
  }
}

// Section 1.3: utilization = min(1, M s_r / R, width * M / (R C)): slabs pay at decode only while the weight
// port grows with them.
TEST(ArrayCycles, SplittingPaysWhileWeightBandwidthGrows) {
  const ProductShape decode{1, 8192, 8192};
  const auto utilization = [&](std::int64_t slabs, double width) {
    const ArrayShape array{256, 256, 1, true, {width, 0, 0}};
    return gemm_cycles(array, {slabs, 1}, kW, decode).utilization;
  };
  for (const std::int64_t slabs : {1, 2, 4, 8, 16, 32}) {
    const double wide = utilization(slabs, static_cast<double>(256 * slabs));
    EXPECT_NEAR(wide / (static_cast<double>(slabs) / 256), 1, 0.07) << slabs;
    // A port of one row per cycle, as wide as the unsplit array's: nothing is gained.
    EXPECT_NEAR(utilization(slabs, 256) / utilization(1, 256), 1, 0.01) << slabs;
    // A port of eight rows: the gain ends at eight slabs.
    EXPECT_NEAR(utilization(slabs, 8 * 256) / std::min(1.0 / 32, static_cast<double>(slabs) / 256), 1, 0.07);
  }
}

// Shapes whose folds do not fit an integer have a time all the same.
TEST(ArrayCycles, LargestShapesDoNotOverflow) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  for (const Dataflow dataflow : {kW, kI, kO}) {
    const ArrayCycles cycles = gemm_cycles({16, 16, 1, true, {}}, {}, dataflow, {kMost, kMost, kMost});
    EXPECT_NEAR(cycles.cycles / std::pow(2.0, 120 - 8), 1, 1e-6);
    EXPECT_NEAR(cycles.utilization, 1, 1e-6);
  }
}

TEST(ArrayCycles, PaceIsNamed) {
  const ArrayShape array{128, 128, 1, true, {}};
  EXPECT_EQ(gemm_cycles(array, {}, kW, {1, 512, 512}).limit, "load");
  EXPECT_EQ(gemm_cycles(array, {}, kW, {1000, 512, 512}).limit, "stream");
  EXPECT_EQ(gemm_cycles({128, 128, 1, true, {16, 0, 0}}, {}, kW, {1, 512, 512}).limit, "weight port");
  EXPECT_EQ(gemm_cycles({128, 128, 1, true, {0, 16, 0}}, {}, kW, {512, 512, 512}).limit, "activation port");
  EXPECT_EQ(gemm_cycles({128, 128, 1, true, {0, 0, 16}}, {}, kW, {512, 512, 512}).limit, "sum port");
}

}  // namespace
}  // namespace memwall
