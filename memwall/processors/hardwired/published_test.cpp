// validation/processors/hardwired.csv: what was published beside what memwall predicts. The predicted column
// must be what the code computes today, so the file cannot go stale.
#include <sstream>

#include <gtest/gtest.h>

#include "memwall/processors/hardwired/test_support.h"

namespace memwall {
namespace {

using hardwired_test::card_named;
using hardwired_test::decode;
using hardwired_test::loaded;
using hardwired_test::Timed;
using hardwired_test::timed;

struct Row {
  std::string quantity, system;
  std::int64_t sequences = 0, context = 0;
  double published = 0, predicted = 0;
};

std::vector<Row> read_rows() {
  std::istringstream text(
      read_text_file(std::filesystem::path(MEMWALL_SOURCE_DIR) / "validation/processors/hardwired.csv"));
  std::vector<Row> rows;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("#") || line.starts_with("quantity,")) {
      continue;
    }
    std::istringstream fields(line);
    std::vector<std::string> cells;
    for (std::string cell; std::getline(fields, cell, ',');) {
      cells.push_back(cell);
    }
    rows.push_back({cells.at(0), cells.at(1), std::stoll(cells.at(4)), std::stoll(cells.at(5)),
                    std::stod(cells.at(7)), std::stod(cells.at(8))});
  }
  return rows;
}

// Time of one token's passage spent on delays of a category, or waiting for HBM.
double passage_seconds(const Program& program, Category category, bool stalled) {
  double seconds = 0;
  for (const Block& block : program.blocks) {
    for (const Task& task : block.tasks) {
      for (std::int32_t i = 0; i < task.demand_count && block.name != "pace"; ++i) {
        const Demand& demand = task.demands[static_cast<std::size_t>(i)];
        const Resource& resource = program.resources[static_cast<std::size_t>(demand.resource)];
        if (resource.is_delay && demand.category == category && (resource.name == "hbm wait") == stalled) {
          seconds += static_cast<double>(block.repeat) * demand.charged / resource.sustained_rate;
        }
      }
    }
  }
  return seconds;
}

double predicted(const Row& row) {
  const std::string chip = row.system == "hnlpu-16" ? "hnlpu" : row.system.substr(2);
  const Timed result = timed(loaded(card_named(chip)), decode(row.sequences, row.context));
  const double sequences = static_cast<double>(row.sequences);
  if (row.quantity == "tokens_per_s") {
    return sequences / result.seconds();
  }
  if (row.quantity == "j_per_token") {
    return result.ledger.energy().value / sequences;
  }
  const std::map<std::string, Category> categories = {{"share_communication", Category::communication},
                                                      {"share_projection", Category::arithmetic},
                                                      {"share_attention", Category::kv},
                                                      {"share_stall", Category::kv}};
  return passage_seconds(result.program, categories.at(row.quantity), row.quantity == "share_stall") /
         result.seconds();
}

TEST(PublishedFigures, PredictedColumnIsWhatTheCodeComputes) {
  const std::vector<Row> rows = read_rows();
  ASSERT_GT(rows.size(), 20u);
  for (const Row& row : rows) {
    const double rounding = row.quantity.starts_with("share") ? 0.0006 : 0.0005 * row.predicted;
    EXPECT_NEAR(predicted(row), row.predicted, rounding) << row.quantity << " at " << row.context;
  }
}

// Fig. 14 within 1.5 points; rates within 6 %: HNLPU is fitted, HC1 is an estimate rounded to a power of two.
TEST(PublishedFigures, ResidualsAreSmall) {
  for (const Row& row : read_rows()) {
    if (row.quantity.starts_with("share")) {
      EXPECT_NEAR(row.predicted, row.published, 0.015) << row.quantity << " at " << row.context;
    } else {
      EXPECT_NEAR(row.predicted / row.published, 1, 0.06) << row.quantity << " of " << row.system;
    }
  }
}

// comm / projection is one ratio and attention / comm doubles with the context, as in the figure.
TEST(PublishedFigures, SharesFollowTheirLaw) {
  const HardwiredModel model = loaded(card_named("hnlpu"));
  double previous = 0;
  for (const std::int64_t context : {65536, 131072, 262144, 524288}) {
    const Program program = timed(model, decode(1, context - 1)).program;
    const double communication = passage_seconds(program, Category::communication, false);
    EXPECT_NEAR(communication / passage_seconds(program, Category::arithmetic, false), 6.01, 0.02);
    const double attention = passage_seconds(program, Category::kv, false) / communication;
    if (previous > 0) {
      EXPECT_NEAR(attention / previous, 2, 1e-6);
    }
    previous = attention;
  }
}

}  // namespace
}  // namespace memwall
