// Published figures of silicon and tools against what the cards give: the rows of
// validation/figures/dimc.csv.
#include "memwall/processors/dimc/figures.h"

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "memwall/processors/dimc/test_support.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

struct Row {
  std::string system, figure;
  double published = 0, predicted = 0;
  double error() const { return std::abs(predicted / published - 1); }
};

double figure(const std::vector<Figure>& figures, const std::string& name) {
  for (const Figure& each : figures) {
    if (each.name == name) {
      return each.value;
    }
  }
  ADD_FAILURE() << "no figure " << name;
  return 0;
}

std::vector<Row> read_rows() {
  std::ifstream file(std::string(MEMWALL_SOURCE_DIR) + "/validation/figures/dimc.csv");
  std::map<std::string, std::vector<Figure>> figures;
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#') || line.starts_with("system,")) {
      continue;
    }
    std::istringstream cells(line);
    Row row;
    std::string published;
    std::getline(cells, row.system, ',');
    std::getline(cells, row.figure, ',');
    std::getline(cells, published, ',');
    row.published = std::stod(published);
    if (!figures.contains(row.system)) {
      figures[row.system] = dimc_figures(read_system(row.system));
    }
    row.predicted = figure(figures[row.system], row.figure);
    rows.push_back(row);
  }
  return rows;
}

std::vector<Row> rows_of(const std::string& system, const std::string& prefix) {
  std::vector<Row> rows;
  for (const Row& row : read_rows()) {
    if (row.system == system && row.figure.starts_with(prefix)) {
      rows.push_back(row);
    }
  }
  return rows;
}

double mean_error(const std::vector<Row>& rows) {
  double sum = 0;
  for (const Row& row : rows) {
    sum += row.error();
  }
  return sum / static_cast<double>(rows.size());
}

// To the digits that are printed: four.
TEST(DimcFigures, CorsairAndMetisFollowFromTheirStructure) {
  int identities = 0;
  for (const Row& row : read_rows()) {
    const bool is_identity = row.figure.starts_with("matrix.") || row.figure == "sram.bandwidth" ||
                             row.figure == "cores" || row.figure == "core.int8_peak" ||
                             row.figure == "core.int8_peak_fast" || row.figure == "core.product_cycles" ||
                             row.figure == "core.saturating_batch_int8";
    if (is_identity) {
      EXPECT_LT(row.error(), 1e-3) << row.system << " " << row.figure << " " << row.predicted;
      ++identities;
    }
  }
  EXPECT_EQ(identities, 10);
}

// Nothing fitted: 38 TOPS/W of INT4 in the cores and 0.3 pJ/bit of memory, both the maker's, at full rate.
TEST(DimcFigures, CorsairsBalancedPowerIsItsLimit) {
  const std::vector<Row> rows = rows_of("corsair-card", "power.int8_balanced");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_LT(rows[0].error(), 0.15) << rows[0].predicted;
}

// 275 W at 800 MHz, 550 W at 1.2 GHz: the supply follows the clock by the alpha-power law of the process.
TEST(DimcFigures, CorsairsTwoOperatingPoints) {
  const std::vector<Row> rows = rows_of("corsair-card", "power.slow_over_full");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_LT(rows[0].error(), 0.20) << rows[0].predicted;
}

// Toggles of products, adders and registers, dense against half of the inputs and 90 % of the weights zero.
TEST(DimcFigures, SparseDataSavesWhatMetisMeasured) {
  const std::vector<Row> rows = rows_of("metis-card", "core.sparse_gain");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_LT(rows[0].error(), 0.10) << rows[0].predicted;
}

// Gates scaled from 28 nm; the published figure is of the whole core.
TEST(DimcFigures, MetissEfficiencyIsNearThatOfItsGates) {
  const std::vector<Row> rows = rows_of("metis-card", "core.gate_efficiency");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_LT(rows[0].error(), 0.20) << rows[0].predicted;
}

TEST(DimcFigures, GateCountsGiveZigZagsNumbersWithinOnePercent) {
  const std::vector<Row> rows = rows_of("1xzigzag-dimc", "");
  ASSERT_EQ(rows.size(), 7u);
  for (const Row& row : rows) {
    EXPECT_LT(row.error(), 0.01) << row.figure << " " << row.predicted;
  }
}

// Fig. 16a (as many activation bits as weight bits) and 16b (one activation bit): 48 and 45 points.
TEST(DimcFigures, ColonnadesEnergiesFollowFromItsGates) {
  std::vector<Row> equal_bits, one_bit;
  for (const Row& row : rows_of("1xcolonnade", "macro.energy.")) {
    (row.figure.find("_a1_") == std::string::npos || row.figure.find("w1_a1_") != std::string::npos
         ? equal_bits
         : one_bit)
        .push_back(row);
  }
  EXPECT_EQ(equal_bits.size(), 48u);
  EXPECT_EQ(one_bit.size(), 45u);
  EXPECT_LT(mean_error(equal_bits), 0.07);
  EXPECT_LT(mean_error(one_bit), 0.07);
  RecordProperty("mean", std::to_string(mean_error(equal_bits)));
}

// At the supply that the gates are stated for nothing is fitted.
TEST(DimcFigures, ColonnadesEnergiesAtTheGatesOwnSupplyNeedNoFit) {
  std::vector<Row> rows;
  for (const Row& row : rows_of("1xcolonnade", "macro.energy.")) {
    if (row.figure.ends_with("800mv")) {
      rows.push_back(row);
    }
  }
  EXPECT_EQ(rows.size(), 31u);
  EXPECT_LT(mean_error(rows), 0.07) << mean_error(rows);
}

TEST(DimcFigures, ColonnadesAreaAndThroughput) {
  EXPECT_LT(rows_of("1xcolonnade", "macro.area").front().error(), 0.08);
  EXPECT_LT(mean_error(rows_of("1xcolonnade", "macro.throughput.")), 0.03);
}

TEST(DimcFigures, AnUnknownMacroIsRefused) {
  try {
    dimc_figures(edited_system("1xcolonnade", "structure: {word: chain", "structure: {word: ring"));
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "colonnade.yaml: macro.structure: found 'ring', expected 'tree' or 'chain'");
  }
}

}  // namespace
}  // namespace memwall
