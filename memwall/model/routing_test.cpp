#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/error.h"
#include "memwall/core/output_file.h"
#include "memwall/model/read_model.h"
#include "memwall/model/step.h"

namespace memwall {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Routing power_law(double exponent) {
  Routing routing;
  routing.kind = Routing::Kind::power_law;
  routing.exponent = exponent;
  return routing;
}

template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

class HistogramFile {
 public:
  explicit HistogramFile(std::string_view content)
      : path_(std::filesystem::temp_directory_path() /
              ("memwall_histogram_" + std::to_string(::getpid()) + ".json")) {
    write_whole_file(path_, content);
  }
  ~HistogramFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(ParseRouting, TheThreeKinds) {
  EXPECT_EQ(parse_routing("uniform").kind, Routing::Kind::uniform);
  EXPECT_EQ(parse_routing("power_law:1.2").exponent, 1.2);
  const HistogramFile file("[3, 1, 0.5]");
  EXPECT_EQ(parse_routing("histogram:" + file.path()).histogram, (std::vector<double>{3, 1, 0.5}));
}

TEST(ParseRouting, RefusesWithWhatItExpects) {
  EXPECT_EQ(refusal([] { parse_routing("zipf"); }),
            "routing: found 'zipf', expected 'uniform', 'power_law:EXPONENT' or 'histogram:FILE'");
  for (const char* text : {"power_law:", "power_law:-1", "power_law:nan", "power_law:9", "power_law:1x"}) {
    EXPECT_THAT(refusal([&] { parse_routing(text); }), HasSubstr("an exponent from 0 to 8")) << text;
  }
  EXPECT_THAT(refusal([] { parse_routing("histogram:/nowhere.json"); }),
              HasSubstr("/nowhere.json: found no such file"));
  for (const char* content : {"[]", "{\"a\": 1}", "3"}) {
    const HistogramFile file(content);
    EXPECT_THAT(refusal([&] { parse_routing("histogram:" + file.path()); }),
                HasSubstr("a list of positive numbers"));
  }
  const HistogramFile negative("[1,\n 2, -3]");
  EXPECT_THAT(
      refusal([&] { parse_routing("histogram:" + negative.path()); }),
      AllOf(HasSubstr(".json:2:"), HasSubstr("routing: found '-3', expected a number from 1e-9 to 1e9")));
}

TEST(ParseRouting, HistogramHasAnEntryPerExpert) {
  Step step{{{1, 1, 10}}, {}};
  step.routing.kind = Routing::Kind::histogram;
  step.routing.histogram = {1, 2, 3};
  EXPECT_EQ(refusal([&] { verify(step, read_model("mixtral-8x7b")); }),
            "routing: found a histogram of 3, expected the 8 experts of mixtral-8x7b");
}

// E (1 - (1 - k/E)^T)
TEST(DistinctExperts, UniformClosedForm) {
  EXPECT_DOUBLE_EQ(expected_distinct_experts(128, 4, 1, {}), 4);
  EXPECT_NEAR(expected_distinct_experts(128, 8, 64, {}), 128 * (1 - std::pow(0.9375, 64)), 1e-10);
  EXPECT_NEAR(expected_distinct_experts(256, 8, 1e6, {}), 256, 1e-9);
  EXPECT_DOUBLE_EQ(expected_distinct_experts(4, 4, 1, {}), 4);
  EXPECT_DOUBLE_EQ(expected_distinct_experts(4, 4, 0, {}), 0);
}

TEST(DistinctExperts, OneTokenTouchesTopKUnderAnySkew) {
  for (const double exponent : {0.0, 0.5, 1.0, 2.0, 8.0}) {
    for (const std::int64_t top_k : {1, 4, 8, 127}) {
      EXPECT_NEAR(expected_distinct_experts(128, top_k, 1, power_law(exponent)), static_cast<double>(top_k),
                  1e-8)
          << exponent << " " << top_k;
    }
  }
}

TEST(DistinctExperts, SkewTouchesFewerAndMoreTokensMore) {
  double previous = 0;
  for (const double tokens : {1.0, 2.0, 8.0, 64.0, 512.0}) {
    const double skewed = expected_distinct_experts(128, 8, tokens, power_law(1.2));
    EXPECT_GT(skewed, previous);
    EXPECT_LE(skewed, expected_distinct_experts(128, 8, tokens, {}) + 1e-9);
    previous = skewed;
  }
}

TEST(DistinctExperts, FlatPowerLawAndHistogramAreUniform) {
  Routing flat;
  flat.kind = Routing::Kind::histogram;
  flat.histogram.assign(64, 7.5);
  for (const double tokens : {1.0, 5.0, 100.0}) {
    const double uniform = expected_distinct_experts(64, 6, tokens, {});
    EXPECT_NEAR(expected_distinct_experts(64, 6, tokens, power_law(0)), uniform, 1e-9);
    EXPECT_NEAR(expected_distinct_experts(64, 6, tokens, flat), uniform, 1e-9);
  }
}

TEST(Imbalance, IsOneWhenEvenAndGrowsWithSkew) {
  EXPECT_EQ(expected_imbalance(128, 8, 8, {}), 1);
  EXPECT_EQ(expected_imbalance(128, 8, 1, power_law(2)), 1);
  EXPECT_NEAR(expected_imbalance(128, 8, 8, power_law(0)), 1, 1e-9);
  const double mild = expected_imbalance(128, 8, 8, power_law(0.5));
  const double strong = expected_imbalance(128, 8, 8, power_law(1.5));
  EXPECT_GT(mild, 1);
  EXPECT_GT(strong, mild);
  EXPECT_LE(strong, 8);
}

TEST(Imbalance, HistogramGroupsAreConsecutive) {
  Routing routing;
  routing.kind = Routing::Kind::histogram;
  routing.histogram = {1e9, 1e9, 1e-9, 1e-9};  // top-2 always takes the first two
  EXPECT_NEAR(expected_imbalance(4, 2, 2, routing), 2, 1e-6);
}

TEST(Solve, ChangesNoResult) {
  const Model model = read_model("qwen3-30b-a3b");
  const Routing plain = power_law(1.1);
  Routing solved = plain;
  solve(solved, model);
  ASSERT_EQ(solved.solutions.size(), 1u);
  for (const double tokens : {1.0, 17.0, 300.0}) {
    EXPECT_EQ(expected_distinct_experts(128, 8, tokens, solved),
              expected_distinct_experts(128, 8, tokens, plain));
  }
  EXPECT_EQ(expected_imbalance(128, 8, 4, solved), expected_imbalance(128, 8, 4, plain));
  solve(solved, model);
  EXPECT_EQ(solved.solutions.size(), 1u);
}

// 8 tokens with 2 experts each are 16 pairs; dealt 8 : 4 : 4 : 0.
TEST(Routing, DealtPairsLeaveNothingToChance) {
  Routing routing;
  routing.kind = Routing::Kind::dealt;
  routing.histogram = {8, 4, 4, 0};
  EXPECT_DOUBLE_EQ(expected_distinct_experts(4, 2, 8, routing), 3);
  // 1/4 of a token's pairs to the second and third, 1/2 to the first.
  EXPECT_DOUBLE_EQ(expected_distinct_experts(4, 2, 0.5, routing), 0.5 + 0.25 + 0.25);
  EXPECT_DOUBLE_EQ(expected_imbalance(4, 2, 2, routing), 12.0 / 8);
}

}  // namespace
}  // namespace memwall
