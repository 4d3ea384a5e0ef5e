#include "memwall/processors/dimc/card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/dimc/test_support.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using dimc_test::card_named;
using testing::HasSubstr;

std::string refusal(const std::string& chip, const std::string& from, const std::string& to) {
  try {
    read_dimc_card(edited_system("1x" + chip, from, to));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

// 16 x 4 x 4 cores, 4 x 2 chiplets; 150 TB/s and 400 GB/s are divided by 8.
TEST(DimcCard, NumbersAreOfOneChiplet) {
  const DimcCard card = card_named("corsair");
  EXPECT_EQ(card.cores, 256);
  EXPECT_EQ(card.chiplets, 8);
  EXPECT_NEAR(card.sram->bandwidth.value, 150e12 / 8, 1e9);
  EXPECT_DOUBLE_EQ(card.lpddr->bandwidth.value, 50e9);
  EXPECT_DOUBLE_EQ(card.lpddr->capacity.value, 32e9);
  EXPECT_DOUBLE_EQ(card.scale_up->bandwidth.value, 8e9);
  EXPECT_DOUBLE_EQ(card.d2d->latency.value, 115e-9);
  EXPECT_EQ(card.server_cards, 8);
}

TEST(DimcCard, EnergyOfAnOperationGoesWithBothWidths) {
  const DimcCard card = card_named("corsair");
  EXPECT_DOUBLE_EQ(card.energy_of_op(4, 4).value, card.op_energy.value / 4);
  EXPECT_DOUBLE_EQ(card.energy_of_op(16, 8).value, card.op_energy.value * 2);
}

// 8 bits of exponent per 32 values: a quarter of a bit each.
TEST(DimcCard, FormatsBecomeTheNarrowestWidthThatHoldsThem) {
  const DimcCard card = card_named("corsair");
  EXPECT_EQ(card.stored(Format::bf16), (Stored{8, 8.25}));
  EXPECT_EQ(card.stored(Format::fp8), (Stored{8, 8.25}));
  EXPECT_EQ(card.stored(Format::mxfp4), (Stored{4, 4.25}));
  EXPECT_EQ(card.stored(Format::q4_k), (Stored{4, 4.25}));
  EXPECT_EQ(card.stored(Format::q6_k), (Stored{8, 8.25}));
  EXPECT_EQ(card_named("metis").stored(Format::int4), (Stored{8, 8}));
}

TEST(DimcCard, AMacroHasNoMemoryAndNeedsNone) {
  EXPECT_FALSE(card_named("colonnade").sram);
  EXPECT_EQ(card_named("zigzag-dimc").core.inputs, 128);
}

TEST(DimcCard, PartsThatContradictEachOtherAreRefused) {
  EXPECT_THAT(refusal("corsair", "cores_per_slice: {value: 16", "cores_per_slice: {value: 8"),
              HasSubstr("published.cores: found '2048', expected 1024, the product of structure.*"));
  EXPECT_THAT(
      refusal("corsair", "int4_peak: {value: 9600 TOP/s", "int4_peak: {value: 4800 TOP/s"),
      HasSubstr("published.int4_peak: found '4800 TOP/s', expected 9.6e+15, op/s that cores of this shape "
                "do at 4 bits by published.int8_peak"));
  EXPECT_THAT(
      refusal("corsair", "int16_peak: {value: 600 TOP/s", "int16_peak: {value: 1200 TOP/s"),
      HasSubstr("published.int16_peak: found '1200 TOP/s', expected 6e+14, op/s that cores of this shape "
                "do at 16 bits by published.int8_peak"));
  EXPECT_THAT(
      refusal("corsair", "reload: {value: 64 B/cycle", "reload: {value: 128 B/cycle"),
      HasSubstr("published.sram_bandwidth: found '150 TB/s', expected 3e+14, B/s that core.reload gives at "
                "the clock of published.int8_peak"));
  EXPECT_THAT(refusal("corsair", "block_inputs: {value: 32", "block_inputs: {value: 48"),
              HasSubstr("core.block_inputs: found '48', expected a divisor of core.inputs = 64"));
  EXPECT_THAT(refusal("corsair", "cards: {value: 2,", "cards: {value: 3,"),
              HasSubstr("d2d.cards: found '3', expected a divisor of scale_up.domain = 8"));
  EXPECT_THAT(refusal("corsair", "tdp: {value: 600 W", "tdp: {value: 50 W"),
              HasSubstr("power.idle: found '60 W', expected at most power.tdp"));
}

TEST(DimcCard, BadValuesAreRefused) {
  EXPECT_THAT(refusal("corsair", "inputs: {value: 64", "inputs: {value: 64.5"),
              HasSubstr("core.inputs: found '64.5', expected a whole number of parts from 1 to 2^20"));
  EXPECT_THAT(refusal("corsair", "reload: {value: 64 B/cycle", "reload: {value: 0.5 B/cycle"),
              HasSubstr("core.reload: found '0.5 B/cycle', expected a whole number of bytes from 1 to 2^20"));
  EXPECT_THAT(
      refusal("corsair", "word: \"4 8 16\"", "word: \"8 4\""),
      HasSubstr("formats.widths: found '8 4', expected ascending widths such as '4 8 16' that divide the "
                "512 bits of a row"));
  EXPECT_THAT(refusal("corsair", "word: \"4 8 16\"", "word: \" \""), HasSubstr("formats.widths"));
  EXPECT_THAT(refusal("corsair", "wide_bits: {value: 8,", "wide_bits: {value: 12,"),
              HasSubstr("formats.wide_bits"));
  EXPECT_THAT(
      refusal("corsair",
              "achieved: {value: 0.85, estimate: \"long sequential reads of LPDDR5X\", range: [0.7, 0.95]",
              "achieved: {value: 1.5, source: register"),
      HasSubstr("lpddr.achieved: found '1.5', expected a fraction, at most 1"));
  EXPECT_THAT(refusal("corsair", "noc:\n", "nok:\n"), HasSubstr("nok.latency"));
}

TEST(DimcCard, ChipletsNeedALinkBetweenThem) {
  EXPECT_THAT(
      refusal("metis", "cores_per_slice: {value: 4, source: isscc}",
              "cores_per_slice: {value: 4, source: isscc}\n  packages_per_card: {value: 2, source: isscc}"),
      HasSubstr("d2d: found no entry, expected the link that joins the chiplets of the card"));
}

}  // namespace
}  // namespace memwall
