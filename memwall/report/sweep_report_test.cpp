#include "memwall/report/sweep_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace memwall {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SweptPoint point(const std::string& text, double value, bool is_card, double answer,
                 const std::string& refusal = "") {
  SweptPoint result{text, value, is_card, {}};
  result.answer.refusal = refusal;
  result.answer.value = answer;
  result.answer.plan = "tp1";
  result.answer.bound_by = "weights";
  return result;
}

// hbm.bandwidth halves the time, clock does nothing, and one value contradicts another fact.
std::vector<FactSweep> sweeps() {
  return {{"toy",
           "hbm.bandwidth",
           "1 TB/s",
           "TB/s",
           {point("1 TB/s", 1e12, true, 2e-3), point("2 TB/s", 2e12, false, 1e-3)}},
          {"toy",
           "clock",
           "1 GHz",
           "GHz",
           {point("1 GHz", 1e9, true, 2e-3), point("2 GHz", 2e9, false, 2e-3 * 1.001)}},
          {"toy", "parts", "4", "", {point("3", 3, false, 0, "a divisor of 8"), point("4", 4, true, 2e-3)}}};
}
SweepHeading heading() { return {"1xtoy", "A toy", "llama, decode 1@10", "s", "memwall sweep", true}; }

TEST(SweepReport, TableMarksTheCardsValueAndSaysWhyThereIsNoAnswer) {
  const std::string table = sweep_table(heading(), sweeps());
  EXPECT_THAT(table, HasSubstr("1 TB/s *  2.00 ms  tp1"));
  EXPECT_THAT(table, HasSubstr("-  a divisor of 8"));
}

// Lines of facts that move the answer by 1 % or lose it; times over the card's; the others named.
TEST(SweepReport, PageDrawsWhatMovesAndNamesWhatDoesNot) {
  const std::string page = sweep_page(heading(), sweeps());
  EXPECT_THAT(page, HasSubstr(R"({"x":2.0,"y":0.5,"label":"hbm.bandwidth 2 TB/s"})"));
  EXPECT_THAT(page, Not(HasSubstr(R"("label":"clock 2 GHz")")));
  EXPECT_THAT(page, HasSubstr("\"label\":\"parts (4)\""));
  EXPECT_THAT(page, HasSubstr("moves the answer by less than 1 %: clock."));
  EXPECT_THAT(page,
              HasSubstr(R"("type":"linear","title":{"display":true,"text":"time of the step over that)"));
  EXPECT_THAT(page, HasSubstr("<th class=\"name\">fact</th><th>value</th><th>time</th>"));
}

// One fact: its own unit along, milliseconds up.
TEST(SweepReport, OneFactIsDrawnInUnits) {
  const std::string page = sweep_page(heading(), {sweeps().front()});
  EXPECT_THAT(page, HasSubstr(R"({"x":2.0,"y":1.0,"label":"hbm.bandwidth 2 TB/s"})"));
  EXPECT_THAT(page, HasSubstr("time of the step [ms]"));
  EXPECT_THAT(page, HasSubstr("hbm.bandwidth [TB/s]"));
}

TEST(SweepReport, LargeFiguresArePrintedWhole) {
  SweepHeading figure{"1xtoy", "A toy", "sharing.rate", "tokens/s", "memwall sweep", false};
  const std::string table = sweep_table(figure, {{"toy", "parts", "4", "", {point("4", 4, true, 648765.2)}}});
  EXPECT_THAT(table, HasSubstr("648,765 tokens/s"));
}

}  // namespace
}  // namespace memwall
