#include "memwall/processors/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    parse_plan(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Plan, TextLeavesOutDegreesOfOneAndReadsBack) {
  for (const char* text : {"tp8", "tp4 pp2", "tp1 dp8 ep8", "tp2 pp3 dp4 ep8", "tp1 mode=capacity"}) {
    EXPECT_EQ(to_text(parse_plan(text)), text);
  }
  EXPECT_EQ(to_text(Plan{}), "tp1");
}

TEST(Plan, OrderAndSeparatorsDoNotMatter) {
  EXPECT_EQ(parse_plan("ep8,dp8"), (Plan{1, 1, 8, 8, ""}));
  EXPECT_EQ(parse_plan(" mode=capacity   tp2 "), (Plan{2, 1, 1, 1, "capacity"}));
}

TEST(Plan, WhatIsNotAPlanIsRefused) {
  EXPECT_EQ(refusal("tp"),
            "plan: found 'tp', expected degrees such as 'tp8', 'tp4 pp2' or 'tp1 dp8 ep8 mode=capacity'");
  for (const char* text : {"", "8", "tp0", "tp-2", "tp8x", "xp8", "tp99999999999", "tp8 fast", "mode="}) {
    EXPECT_THAT(refusal(text), HasSubstr("expected degrees such as")) << text;
  }
  EXPECT_EQ(refusal("tp8 tp4"), "plan: found 'tp8 tp4', expected each degree once");
  EXPECT_THAT(refusal("tp1048576 pp1048576 dp2"), HasSubstr("at most 1048576 chips"));
}

TEST(Placement, TextSaysWhatIsShort) {
  Placement placement;
  placement.plan = parse_plan("tp2");
  placement.refusal = "hbm short by 10.0 GB per chip";
  placement.smallest_chips = 4;
  placement.memory.push_back({"hbm", Bytes(80e9), Bytes(70e9), Bytes(19e9), Bytes(1e9)});
  EXPECT_EQ(
      to_text(placement),
      "plan tp2 on 2 chips: does not fit, hbm short by 10.0 GB per chip\n"
      "  hbm: 90.0 GB of 80.0 GB used (weights 70.0 GB, kv 19.0 GB, activations 1.00 GB), short by 10.0 GB\n"
      "  smallest system of this chip that fits: 4 chips\n");
  placement.fits = true;
  placement.memory[0].kv = Bytes(1e9);
  placement.kv_capacity_tokens = 27466;
  EXPECT_EQ(to_text(placement),
            "plan tp2 on 2 chips: fits\n"
            "  hbm: 72.0 GB of 80.0 GB used (weights 70.0 GB, kv 1.00 GB, activations 1.00 GB)\n"
            "  room for 27466 tokens of context\n");
}

}  // namespace
}  // namespace memwall
