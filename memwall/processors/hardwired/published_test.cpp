// validation/processors/hardwired.csv: what was published beside what memwall predicts. The predicted column
// must be what the code computes today, so the file cannot go stale.
#include <algorithm>
#include <iterator>
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

// What the structure says of a passage when nothing about vector operations and spilled cache is fitted.
struct Unscaled {
  std::int64_t context = 0;
  double attention = 0, stall = 0;
};

std::vector<Unscaled> unscaled_passages() {
  HardwiredCard card = card_named("hnlpu");
  card.vector_op_cycles = 0;
  card.hbm->spilled = card.hbm->peak;
  const HardwiredModel model = loaded(card);
  std::vector<Unscaled> passages;
  for (const std::int64_t context : {2048, 8192, 65536, 131072, 262144, 524288}) {
    const Program program = timed(model, decode(1, context)).program;
    passages.push_back({context, passage_seconds(program, Category::kv, false),
                        passage_seconds(program, Category::kv, true)});
  }
  return passages;
}

// The largest residual of the published shares when a token spends so long on links and projections.
double worst_residual(const std::vector<Row>& rows, const std::vector<Unscaled>& passages,
                      double communication, double projection) {
  double worst = 0;
  for (const Row& row : rows) {
    const auto passage = std::find_if(passages.begin(), passages.end(),
                                      [&](const Unscaled& each) { return each.context == row.context; });
    if (passage == passages.end()) {
      continue;
    }
    const std::map<std::string, double> parts = {{"share_communication", communication},
                                                 {"share_projection", projection},
                                                 {"share_attention", passage->attention}};
    if (const auto part = parts.find(row.quantity); part != parts.end()) {
      const double total = communication + projection + passage->attention + passage->stall;
      worst = std::max(worst, std::abs(part->second / total - row.published));
    }
  }
  return worst;
}

// The smallest such residual over both scales, on a grid of 1 % steps.
double best_of_two_scales(const std::vector<Row>& rows, const std::vector<Unscaled>& passages) {
  double best = 1;
  for (double communication = 200e-6; communication < 500e-6; communication *= 1.01) {
    for (double ratio = 4; ratio < 8; ratio *= 1.01) {
      best = std::min(best, worst_residual(rows, passages, communication, communication / ratio));
    }
  }
  return best;
}

// Fig. 14 with two free scales, the time on links and the time in projections: its twelve shares of the two
// at 2K to 512K, and up to 256K those of attention as well, within 1.5 points. Attention at 512K, where the
// cache spills, needs a third constant.
TEST(PublishedFigures, TwoFreeScalesSuffice) {
  std::vector<Unscaled> passages = unscaled_passages();
  std::vector<Row> rows = read_rows(), twelve;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(twelve), [](const Row& row) {
    return row.quantity == "share_communication" || row.quantity == "share_projection";
  });
  ASSERT_EQ(twelve.size(), 12u);
  EXPECT_LT(best_of_two_scales(twelve, passages), 0.015);
  EXPECT_GT(best_of_two_scales(rows, passages), 0.015);
  passages.pop_back();
  EXPECT_LT(best_of_two_scales(rows, passages), 0.015);
}

}  // namespace
}  // namespace memwall
