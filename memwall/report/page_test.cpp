#include "memwall/report/page.h"

#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "memwall/report/charts.h"
#include "memwall/report/html.h"

namespace memwall {
namespace {

using testing::HasSubstr;
using testing::Not;

RaceResult running(const std::string& system) {
  RaceResult result;
  result.system = system;
  result.title = "Eight of <something>";
  result.model = "llama-3.1-70b";
  result.chips = 8;
  result.fits = true;
  result.plan.tp = 8;
  result.memory = {{"hbm", Bytes(80e9), Bytes(20e9), Bytes(10e9), Bytes(1e9)}};
  result.ttft = Seconds(0.5);
  result.tpot = Seconds(0.01);
  result.tokens_per_s_per_user = 100;
  result.tokens_per_s_per_chip = 100;
  result.tokens_per_s = 12300;
  result.j_per_token = 1.25;
  for (Phase* phase : {&result.prefill, &result.decode}) {
    phase->time = Seconds(0.01);
    phase->bound = Seconds(0.008);
    phase->shares = {0.6, 0.1, 0.1, 0.1, 0.1};
    phase->bound_by = "weights";
    phase->ops = Ops(1e12);
    phase->bytes = Bytes(1e11);
  }
  result.peak_ops = OpsPerSecond(8e15);
  result.peak_bandwidth = BytesPerSecond(2.7e13);
  for (const auto& [batch, per_user, per_chip] : {std::tuple{1, 120.0, 15.0}, std::tuple{8, 100.0, 100.0}}) {
    ParetoPoint& point = result.pareto.emplace_back();
    point.batch = batch;
    point.tokens_per_s_per_user = per_user;
    point.tokens_per_s_per_chip = per_chip;
  }
  return result;
}

RaceResult refused() {
  RaceResult result;
  result.system = "taalas-hc1";
  result.model = "llama-3.1-70b";
  result.refusal = "wired for llama-3.1-8b";
  return result;
}

TEST(Html, TextIsEscaped) {
  EXPECT_EQ(escape_html("a<b & \"c\""), "a&lt;b &amp; &quot;c&quot;");
  EXPECT_EQ(escape_script("{\"a\":\"</script>\"}"), "{\"a\":\"<\\/script>\"}");
}

TEST(Charts, ParetoHasALinePerSystemThatFits) {
  const nlohmann::ordered_json chart = pareto_chart({running("hgx-h100"), refused(), running("hgx-b200")});
  ASSERT_EQ(chart["data"]["datasets"].size(), 2u);
  EXPECT_EQ(chart["data"]["datasets"][1]["label"], "hgx-b200");
  EXPECT_EQ(chart["data"]["datasets"][0]["data"][0]["x"], 100);  // the least interactive point first
  EXPECT_EQ(chart["data"]["datasets"][0]["data"][0]["label"], "batch 8");
  EXPECT_EQ(chart["options"]["scales"]["x"]["type"], "logarithmic");
}

TEST(Charts, ASystemKeepsItsColour) {
  const std::vector<RaceResult> results = {refused(), running("hgx-h100")};
  EXPECT_EQ(pareto_chart(results)["data"]["datasets"][0]["borderColor"],
            roofline_chart(results)["data"]["datasets"][0]["borderColor"]);
}

TEST(Charts, RidgeIsPeakOverBandwidth) {
  const nlohmann::ordered_json roof = roofline_chart({running("hgx-h100")})["data"]["datasets"][0]["data"];
  EXPECT_DOUBLE_EQ(roof[1]["x"], 8e15 / 2.7e13);
  EXPECT_DOUBLE_EQ(roof[1]["y"], 8e15);
  EXPECT_DOUBLE_EQ(roof[0]["y"].get<double>() / roof[0]["x"].get<double>(), 2.7e13);
}

TEST(Charts, WithoutWeightTrafficTheRoofIsFlat) {
  RaceResult wired = running("hnlpu-16");
  wired.peak_bandwidth = BytesPerSecond(0);
  wired.prefill.bytes = Bytes(0);
  const nlohmann::ordered_json datasets = roofline_chart({wired})["data"]["datasets"];
  EXPECT_EQ(datasets[0]["data"][0]["y"], datasets[0]["data"][1]["y"]);
  EXPECT_EQ(datasets[1]["data"].size(), 1u);  // decode only: prefill moved no bytes
}

TEST(Page, NeedsNoNetwork) {
  const std::string page = race_page({"Llama", "batch 8", "memwall race"}, {running("hgx-h100")});
  for (const char* external : {"src=\"http", "href=\"http", "@import", "url(http"}) {
    EXPECT_THAT(page, Not(HasSubstr(external)));
  }
  EXPECT_THAT(page, HasSubstr("Chart.js v3"));
}

TEST(Page, ShowsNumbersRefusalsAndEstimates) {
  RaceResult estimated = running("hgx-b200");
  Sensitivity& estimate = estimated.estimates.emplace_back();
  estimate.fact = "l2.bandwidth";
  estimate.estimate = "as B300's";
  estimate.tpot_low = Seconds(0.009);
  estimate.tpot_high = Seconds(0.012);
  estimate.has_range = true;
  RaceResult short_of_memory = refused();
  short_of_memory.smallest_chips = 3;
  const std::string page = race_page({"Llama & co", "batch 8", "memwall race"}, {estimated, short_of_memory});
  EXPECT_THAT(page, HasSubstr("Llama &amp; co"));
  EXPECT_THAT(page, HasSubstr("<small>Eight of &lt;something&gt;</small><small>tp8</small>"));
  EXPECT_THAT(page, HasSubstr("<td>500 ms</td><td>10.0 ms</td><td>100</td><td>100</td><td>12\u2009300</td>"));
  EXPECT_THAT(page, HasSubstr("x1.25 of its bound"));
  EXPECT_THAT(page, HasSubstr("<b>taalas-hc1</b> wired for llama-3.1-8b; 3 chips would hold it"));
  EXPECT_THAT(page, HasSubstr("l2.bandwidth: as B300&#39;s; TPOT 9.00 ms to 12.0 ms over its range"));
}

TEST(Page, SaysOnceWhatNoMeasurementMeans) {
  RaceResult result = running("hgx-h100");
  result.ttft_error = ErrorBar{};
  result.tpot_error = ErrorBar{};
  result.tpot_error->half_width = 0.068;
  const std::string page = race_page({"", "", ""}, {result});
  EXPECT_THAT(page, HasSubstr("<td>500 ms<small>?</small></td><td>10.0 ms<small>\u00b1 6.8 %</small></td>"));
  EXPECT_THAT(page, HasSubstr("?: there is none"));
}

TEST(Charts, ColoursComeAgainWithOtherPoints) {
  EXPECT_EQ(series_round(0), 0u);
  EXPECT_EQ(series_colour(14), series_colour(0));
  EXPECT_EQ(series_round(14), 1u);
  EXPECT_EQ(series_round(28), 2u);
}

TEST(Page, GroupsByModelAndRepeatsToTheByte) {
  RaceResult other = running("hgx-h100");
  other.model = "gpt-oss-120b";
  const std::vector<RaceResult> results = {running("hgx-h100"), refused(), other};
  const std::string page = race_page({"", "", ""}, results);
  EXPECT_EQ(page, race_page({"", "", ""}, results));
  std::size_t sections = 0;
  for (std::size_t at = page.find("<h2>"); at != std::string::npos; at = page.find("<h2>", at + 1)) {
    ++sections;
  }
  EXPECT_EQ(sections, 2u);
}

}  // namespace
}  // namespace memwall
