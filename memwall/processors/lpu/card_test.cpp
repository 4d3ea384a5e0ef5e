#include "memwall/processors/lpu/card.h"

#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/hardware/system.h"
#include "memwall/processors/lpu/figures.h"
#include "memwall/processors/lpu/lpu.h"
#include "memwall/processors/lpu/test_support.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using lpu_test::card_named;

double figure(const std::string& system, const std::string& name) {
  for (const Figure& f : make_lpu()->figures(read_system(system))) {
    if (f.name == name) {
      return f.value;
    }
  }
  throw std::logic_error("no figure " + name);
}

// 4 planes x 320 x 320; x 2 x 0.9 GHz; 88 slices x 2 banks x 320 B.
TEST(LpuV1, IdentitiesFollowFromStructure) {
  EXPECT_EQ(figure("1xlpu-v1", "matrix.macs"), 409600);
  EXPECT_NEAR(figure("1xlpu-v1", "matrix.byte_peak"), 737.28, 1e-9);
  EXPECT_NEAR(figure("1xlpu-v1", "matrix.half_peak"), 184.32, 1e-9);  // published 188
  EXPECT_EQ(figure("1xlpu-v1", "sram.bytes_per_cycle"), 56320);
  EXPECT_EQ(figure("1xlpu-v1", "streams.bytes_per_cycle"), 20480);
  EXPECT_NEAR(figure("1xlpu-v1", "sram.capacity"), 230.687, 1e-3);  // 220 MiB
}

TEST(Lp30, IdentitiesFollowFromStructure) {
  EXPECT_NEAR(figure("1xlp30", "matrix.byte_peak"), 1228.8, 1e-9);
  EXPECT_NEAR(figure("1xlp30", "sram.sweep"), 3.34, 0.01);
  EXPECT_NEAR(figure("1xlp30", "sram.bandwidth"), 149.76, 1e-9);
  EXPECT_NEAR(figure("1xlp30", "batch_to_saturate.sram"), 4.1, 0.01);
  // The same weights through streams that carry less than the banks read.
  EXPECT_GT(figure("1xlp30", "batch_to_saturate.streams"), 9);
  EXPECT_NEAR(figure("lpx-rack", "system.sram"), 128, 0.1);
  EXPECT_NEAR(figure("lpx-rack", "system.byte_peak"), 315, 0.5);
}

// v1's queues by our division of them: the published sum.
TEST(LpuV1, Has144InstructionQueues) { EXPECT_EQ(queue_count(card_named("lpu-v1").geometry), 144); }

std::string refusal(const std::string& from, const std::string& to) {
  try {
    read_lpu_card(edited_chip("lpu-v1", from, to));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(LpuCardErrors, NameFileKeyFoundAndExpected) {
  const auto expect = [](const std::string& from, const std::string& to, const std::string& message) {
    const std::string found = refusal(from, to);
    EXPECT_NE(found.find(message), std::string::npos) << found;
    EXPECT_EQ(found.find("lpu-v1.yaml"), 0u) << found;
    EXPECT_EQ(found.find('\n'), std::string::npos);
  };
  expect("words: {value: 4096", "words: {value: 2048",
         "memory.capacity: found '220 MiB', expected 320 lanes x 88 slices x 2 banks x 2048 words = "
         "115343360 B");
  expect("slices: {value: 88", "slices: {value: 87",
         "memory.slices: found '87', expected as many slices in the west");
  expect("banks: {value: 2", "banks: {value: 3", "memory.banks: found '3', expected 2 single-port banks");
  expect("planes: {value: 4", "planes: {value: 2", "matrix.planes: found '2', expected 4 planes");
  expect("superlanes: {value: 20", "superlanes: {value: 40",
         "core.superlanes: found '40', expected at most 32");
  expect("lanes_per_superlane: {value: 16", "lanes_per_superlane: {value: 8", "found '8', expected 16");
  expect("streams: {value: 32", "streams: {value: 2", "core.streams: found '2', expected at least 4");
  expect("streams: {value: 32", "streams: {value: 60", "core.streams: found '60', expected fewer: 44 slices");
  expect("24 cycle, estimate: \"the skew of 20 superlanes and a crossbar\", range: [21 cycle",
         "19 cycle, estimate: \"x\", range: [19 cycle",
         "delay.switch: found '19 cycle', expected at least the skew of 20");
  expect(
      "32 cycle, estimate: \"the skew of 20 superlanes and an adder tree of 16 products in each\", range: "
      "[24 cycle",
      "8 cycle, estimate: \"x\", range: [8 cycle",
      "delay.matrix: found '8 cycle', expected at least the skew");
  expect("read: {value: 5 cycle", "read: {value: 2.5 cycle",
         "delay.read: found '2.5 cycle', expected a whole number");
  expect("local: {value: 7", "local: {value: 3",
         "links.local: found '3', expected a link to each of the 7 other chips");
  expect("word: int8", "word: bf16", ":32:3: matrix.byte_format: found 'bf16', expected 'int8' or 'fp8'");
  expect("usable: {value: 0.98", "usable: {value: 1.2", "memory.usable");
}

TEST(LpuCardErrors, IdlePowerAboveTheLimit) {
  const std::string found = refusal("tdp: {value: 300 W", "tdp: {value: 90 W");
  EXPECT_NE(found.find("power.idle: found '100 W', expected at most power.tdp"), std::string::npos) << found;
}

TEST(LpuCardErrors, UnknownFact) {
  const std::string found = refusal("core:\n", "cores:\n");
  EXPECT_NE(found.find("cores"), std::string::npos) << found;
}

}  // namespace
}  // namespace memwall
