// Text and JSON pieces of reports; whole reports are golden cases.
#include <cmath>
#include <limits>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "memwall/report/footnotes.h"
#include "memwall/report/json_text.h"
#include "memwall/report/race_report.h"
#include "memwall/report/share_bar.h"
#include "memwall/report/text_table.h"

namespace memwall {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

constexpr Ink kPlain{false}, kColour{true};

TEST(TextTable, AlignsByWhatATerminalShows) {
  TextTable table({{"name"}, {"rate", true}, {"note"}});
  table.add_row({"a", "12,345"});
  table.add_row({"\x1b[34m\u2588\u2588\x1b[0m", "7", "x"});  // two cells, however many bytes
  EXPECT_EQ(table.text(),
            "name    rate  note\n"
            "a     12,345\n"
            "\x1b[34m\u2588\u2588\x1b[0m         7  x\n");
}

TEST(Numbers, HaveThreeDigitsAndGroups) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(8), "8");
  EXPECT_EQ(count_text(0.01234), "0.0123");
  EXPECT_EQ(count_text(1.234), "1.23");
  EXPECT_EQ(count_text(12.34), "12.3");
  EXPECT_EQ(count_text(999.4), "999");
  EXPECT_EQ(count_text(999.6), "1,000");
  EXPECT_EQ(count_text(1234567.8), "1,234,568");
  EXPECT_EQ(percent_text(0), "0 %");
  EXPECT_EQ(percent_text(0.0123), "1.2 %");
  EXPECT_EQ(percent_text(0.6149), "61 %");
}

TEST(ShareBar, GivesEveryCellToTheLargestRemainder) {
  // 10 cells: exact 4.5, 2.5, 1.5, 1, 0.5; floors sum to 8, the ties go to the first two.
  EXPECT_EQ(share_bar({0.45, 0.25, 0.15, 0.10, 0.05}, 10, kPlain), "WWWWWKKKAC");
  EXPECT_EQ(share_bar({0, 0, 1, 0, 0}, 4, kColour), "\x1b[32m\u2588\u2588\u2588\u2588\x1b[0m");
  EXPECT_EQ(share_text({0.45, 0.25, 0.15, 0.10, 0.05}), "weights 45 %, KV cache 25 %, arithmetic 15 %");
  EXPECT_EQ(share_text({0, 0, 0.005, 0.995, 0}), "communication 100 %");  // nothing below a hundredth
}

RC_GTEST_PROP(ShareBar, IsAsWideAsAsked, ()) {
  Shares shares{};
  double sum = 0;
  for (double& share : shares) {
    share = *rc::gen::inRange(0, 1000);
    sum += share;
  }
  RC_PRE(sum > 0);
  for (double& share : shares) {
    share /= sum;
  }
  const int width = *rc::gen::inRange(1, 100);
  RC_ASSERT(display_width(share_bar(shares, width, kPlain)) == static_cast<std::size_t>(width));
}

TEST(JsonText, RefusesWhatJsonCannotSay) {
  const double infinity = std::numeric_limits<double>::infinity();
  try {
    json_text(Json{{"results", {{{"tpot_s", infinity}}}}});
    FAIL();
  } catch (const std::logic_error& error) {
    EXPECT_STREQ(error.what(), "[report] 'results.0.tpot_s' is not a finite number");
  }
  EXPECT_THROW(csv_text({Json{{"a", std::nan("")}}}), std::logic_error);
  EXPECT_EQ(json_text(Json{{"a", 0.1}}), "{\n  \"a\": 0.1\n}\n");
}

TEST(CsvText, FlattensQuotesAndFillsGaps) {
  const Json first = {{"a", "x,\"y\""}, {"in", {{"b", 1}, {"c", nullptr}}}, {"list", {1, 2}}};
  const Json second = {{"a", "z"}, {"d", true}, {"rows", {{{"e", 1}}}}};
  EXPECT_EQ(csv_text({first, second}),
            "a,in.b,in.c,list,d\n"
            "\"x,\"\"y\"\"\",1,,1;2,\n"
            "z,,,,true\n");
}

TEST(EstimateTable, ShowsTheLargestAndCountsTheRest) {
  const std::vector<EstimateNote> notes = {{"chip: a", "1 us", "guess", true, "1 ms", "2 ms", 0.5},
                                           {"chip: b", "2 us", "guess", true, "1 ms", "1.1 ms", 0.1},
                                           {"chip: c", "3 us", "guess", true, "1 ms", "1 ms", 0.001},
                                           {"chip: d", "4 us", "guess", false, "", "", 0}};
  EXPECT_EQ(estimate_table("TPOT", {{"sys", notes}}, 1, false, kPlain),
            "~    estimated fact                              value  TPOT over its range  moves by\n"
            "sys  chip: a                                     1 us   1 ms to 2 ms             50 %\n"
            "     3 more, none above 10 %; 1 without a range\n"
            "(~ rests on estimates; --json lists all with their reasoning)\n");
  EXPECT_EQ(estimate_table("TPOT", {{"sys", {}}}, 1, false, kPlain), "");
}

RaceResult result(const std::string& system, bool fits) {
  RaceResult made;
  made.system = system;
  made.model = "m";
  made.chips = 8;
  made.fits = fits;
  if (fits) {
    made.users = 8;
    made.ttft = Seconds(0.5);
    made.tpot = made.decode.time = made.prefill.time = Seconds(0.01);
    made.tokens_per_s_per_user = 100;
    made.prefill.shares = made.decode.shares = {1, 0, 0, 0, 0};
    made.prefill.bound_by = made.decode.bound_by = "weights";
  } else {
    made.refusal = "hbm short by 1 GB";
    made.smallest_chips = 9;
  }
  return made;
}

TEST(RaceJson, FiguresOfWhatDoesNotFitAreNull) {
  const Json json = race_json(RaceQuery{}, {result("a", true), result("b", false)});
  EXPECT_EQ(json["results"][0]["tpot_s"], 0.01);
  EXPECT_TRUE(json["results"][0]["refusal"].is_null());
  for (const char* key : {"ttft_s", "tpot_s", "tokens_per_s", "j_per_token", "bound_by"}) {
    EXPECT_TRUE(json["results"][1][key].is_null()) << key;
  }
  EXPECT_EQ(json["results"][1]["refusal"], "hbm short by 1 GB");
  EXPECT_FALSE(json["results"][1].contains("decode"));
}

TEST(RaceTable, BestFirstAndRefusalsBelow) {
  RaceResult fast = result("fast", true);
  fast.tokens_per_s_per_user = 200;
  const std::string table =
      race_table(RaceQuery{}, {result("refused", false), result("slow", true), fast}, kPlain);
  EXPECT_LT(table.find("fast"), table.find("slow"));
  EXPECT_THAT(table, HasSubstr("does not fit\n  refused: hbm short by 1 GB; 9 such chips would do\n"));
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
  EXPECT_THAT(table, Not(HasSubstr("~")));  // nothing rests on estimates
}

}  // namespace
}  // namespace memwall
