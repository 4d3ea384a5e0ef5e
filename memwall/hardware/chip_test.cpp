// What a good card says, and every way in which a card can be bad.
#include "memwall/hardware/chip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace memwall {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHead =
    "title: Test chip\n"
    "family: toy\n"
    "sources: {datasheet: The datasheet 2024, paper: A paper}\n";

Chip chip_of(const std::string& body) { return parse_chip(kHead + body, "chips/toy.yaml"); }

// The message of the ConfigError that reading the card throws; its first line of `body` is line 4.
std::string refusal(const std::string& body) {
  try {
    chip_of(body);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

template <class Action>
std::string refusal_of(Action&& action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Chip, GroupsBecomeDottedKeysInBaseUnits) {
  const Chip chip = chip_of(
      "hbm:\n"
      "  bandwidth: {value: 3.35 TB/s, source: datasheet}\n"
      "  capacity: {value: 80 GB, source: datasheet, note: five stacks}\n"
      "compute: {bf16: {value: 989 TFLOP/s, source: datasheet}, fp8: {value: 1979 TFLOP/s, source: "
      "datasheet}}\n"
      "sms: {value: 132, source: paper}\n"
      "wired_model: {word: gpt-oss-120b, source: paper}\n");
  EXPECT_EQ(chip.name, "toy");
  EXPECT_EQ(chip.family, "toy");
  EXPECT_EQ(chip.title, "Test chip");
  EXPECT_DOUBLE_EQ(chip.get<BytesPerSecond>("hbm.bandwidth").value, 3.35e12);
  EXPECT_DOUBLE_EQ(chip.get<OpsPerSecond>("compute.bf16").value, 989e12);
  EXPECT_DOUBLE_EQ(chip.get<Ratio>("sms"), 132);
  EXPECT_EQ(chip.word("wired_model"), "gpt-oss-120b");
  EXPECT_EQ(chip.word_or("absent", "none"), "none");
  EXPECT_EQ(chip.fact("hbm.capacity").note, "five stacks");
  EXPECT_THAT(chip.below("compute"), ElementsAre("bf16", "fp8"));
  EXPECT_THAT(chip.below("hb"), ElementsAre());
}

TEST(Chip, AnEstimateKeepsItsReasoningAndRange) {
  const Chip chip =
      chip_of("latency: {value: 200 ns, estimate: \"as the far partition\", range: [150 ns, 0.3 us]}\n");
  const Fact& fact = chip.fact("latency");
  EXPECT_TRUE(fact.is_estimate());
  EXPECT_EQ(fact.estimate, "as the far partition");
  EXPECT_DOUBLE_EQ(*fact.low, 150e-9);
  EXPECT_DOUBLE_EQ(*fact.high, 300e-9);
}

TEST(Chip, SourcesThatDisagreeAreBothKept) {
  const Chip chip = chip_of(
      "capacity: {value: 288 GB, source: datasheet, also: [{value: 268 GB, source: paper}]}\n"
      "fraction: {value: 0.90, fitted: \"GEMM rows\", source: paper}\n");
  EXPECT_DOUBLE_EQ(chip.get<Bytes>("capacity").value, 288e9);
  EXPECT_THAT(to_text(chip), HasSubstr("288 GB  datasheet; also 268 GB, paper\n"));
  EXPECT_THAT(to_text(chip), HasSubstr("0.90    fitted to GEMM rows, paper\n"));
}

TEST(Chip, TextShowsEveryFactWithItsSource) {
  const Chip chip = chip_of(
      "hbm: {bandwidth: {value: 3.35 TB/s, source: datasheet}}\n"
      "latency: {value: 200 ns, estimate: guess, range: [150 ns, 300 ns]}\n"
      "wired_model: {word: llama, source: paper}\n");
  EXPECT_EQ(to_text(chip),
            "toy: Test chip (family toy)\n"
            "  wired_model    llama      paper\n"
            "  hbm.bandwidth  3.35 TB/s  datasheet\n"
            "  latency        200 ns     ~ estimate: guess (150 ns to 300 ns)\n"
            "sources\n"
            "  datasheet: The datasheet 2024\n"
            "  paper: A paper\n");
}

TEST(Chip, AskingForWhatIsNotThereNamesCardAndKey) {
  const Chip chip = chip_of("sms: {value: 132, source: paper}\nclock: {value: 1 GHz, source: paper}\n");
  EXPECT_EQ(refusal_of([&] { chip.get<BytesPerSecond>("hbm.bandwidth"); }),
            "chips/toy.yaml: hbm.bandwidth: found no such fact, expected a value with its source; the card "
            "leaves it out");
  EXPECT_THAT(refusal_of([&] { chip.word("wired_model"); }),
              HasSubstr("chips/toy.yaml: wired_model: found no such entry"));
  EXPECT_DOUBLE_EQ(chip.get_or<Bytes>("hbm.capacity", Bytes(7)).value, 7);
}

TEST(Chip, AskingInAnotherUnitNamesThePlaceOfTheFact) {
  const Chip chip = chip_of("clock: {value: 1 GHz, source: paper}\nsms: {value: 132, source: paper}\n");
  EXPECT_EQ(refusal_of([&] { chip.get<Bytes>("clock"); }),
            "chips/toy.yaml:4:1: clock: found '1 GHz', expected a size such as '80 GB'");
  EXPECT_EQ(refusal_of([&] { chip.get<Seconds>("sms"); }),
            "chips/toy.yaml:5:1: sms: found '132' without a unit, expected a time such as '30 ns'");
  EXPECT_THAT(refusal_of([&] { chip.get_or<Ratio>("clock", 1.0); }), HasSubstr("a plain number"));
}

TEST(Chip, KeysThatTheFamilyDoesNotKnowAreRefused) {
  const Chip chip =
      chip_of("hbm: {bandwith: {value: 1 TB/s, source: paper}}\ncompute: {a: {value: 1, source: paper}}\n");
  EXPECT_EQ(
      refusal_of([&] { chip.refuse_unknown({"hbm.bandwidth", "compute.*"}); }),
      "chips/toy.yaml:4:7: hbm.bandwith: found an unknown key, expected one of hbm.bandwidth, compute.*");
  chip.refuse_unknown({"hbm.bandwith", "compute.*"});
}

TEST(Chip, AValueNeedsASource) {
  EXPECT_EQ(
      refusal("clock: {value: 1 GHz}\n"),
      "chips/toy.yaml:4:1: clock: found no source, expected 'source: KEY' of an entry in 'sources:', or "
      "'estimate: REASONING'");
  EXPECT_EQ(refusal("clock: {value: 1 GHz, source: papper}\n"),
            "chips/toy.yaml:4:23: clock.source: found 'papper', expected one of datasheet, paper");
  EXPECT_THAT(refusal("clock: {value: 1 GHz, estimate: \" \"}\n"),
              HasSubstr("clock.estimate: found ' ', expected text"));
  EXPECT_THAT(refusal("model: {word: llama}\n"), HasSubstr("model: found no source"));
}

TEST(Chip, ABareValueIsNotAFact) {
  EXPECT_EQ(
      refusal("clock: 1 GHz\n"),
      "chips/toy.yaml:4:1: clock: found '1 GHz', expected {value: NUMBER UNIT, source: KEY} or a group of "
      "such entries");
  EXPECT_THAT(refusal("clock: [1 GHz]\n"), HasSubstr("clock: found a list"));
  EXPECT_THAT(refusal("hbm: {}\n"), HasSubstr("hbm: found an empty group"));
  EXPECT_THAT(refusal("clock: {vale: 1 GHz, source: paper}\n"), HasSubstr("clock.value: found no such key"));
}

TEST(Chip, UnknownAndDuplicateKeysAreRefused) {
  EXPECT_EQ(
      refusal("clock: {value: 1 GHz, source: paper, sauce: x}\n"),
      "chips/toy.yaml:4:38: clock.sauce: found an unknown key, expected one of also, estimate, fitted, note, "
      "range, source, value");
  EXPECT_THAT(refusal("clock: {value: 1 GHz, source: paper}\nclock: {value: 2 GHz, source: paper}\n"),
              HasSubstr("chips/toy.yaml:5:1: clock: found a duplicate key"));
  EXPECT_THAT(refusal("hbm.bandwidth: {value: 1 TB/s, source: paper}\n"),
              HasSubstr("the key 'hbm.bandwidth'"));
}

// Each body's value, and what the message must say about it.
TEST(Chip, ValuesThatCannotBeAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"fast", "(not a finite number)"},
      {"nan GHz", "(not a finite number)"},
      {"inf s", "(not a finite number)"},
      {"3 TBs", "unknown unit 'TBs'"},
      {"3TB/s", "no space between number and unit"},
      {"8 Gb", "bits are only for rates"},
      {"-1 GHz", "expected a positive number"},
      {"0 GB", "expected a positive number"},
      {"0", "a cost of zero has a unit"},
      {"1e25 B/s", "expected a value between 1e+06 and 1e+19 in base units"},
      {"1e40 s", "expected a value between 1e-15 and 1e+09"},
      {"3.35 B/s", "expected a value between 1e+06 and 1e+19"},
      {"1e300", "expected a value between"},
  };
  for (const auto& [value, expected] : cases) {
    const std::string message = refusal(std::string("x: {value: ") + value + ", source: paper}\n");
    EXPECT_THAT(message, HasSubstr("chips/toy.yaml:4:5: x.value: found '")) << value;
    EXPECT_THAT(message, HasSubstr(expected)) << value;
  }
}

TEST(Chip, WhatAChipSpendsMayBeZero) {
  const Chip chip = chip_of("launch: {value: 0 ns, source: paper}\nidle: {value: 0 W, source: paper}\n");
  EXPECT_EQ(chip.get<Seconds>("launch").value, 0);
  EXPECT_EQ(chip.get<Watts>("idle").value, 0);
}

TEST(Chip, ARangeBelongsToAnEstimateAndHoldsItsValue) {
  const auto message = [](const std::string& rest) { return refusal("x: {value: 2 ns, " + rest + "}\n"); };
  EXPECT_THAT(message("source: paper, range: [1 ns, 3 ns]"), HasSubstr("a range only beside an estimate"));
  EXPECT_THAT(message("estimate: e, range: [1 ns]"),
              HasSubstr("x.range: found 1 values, expected [low, high]"));
  EXPECT_THAT(message("estimate: e, range: [3 ns, 4 ns]"), HasSubstr("a range that holds the value, '2 ns'"));
  EXPECT_THAT(message("estimate: e, range: [1, 3]"), HasSubstr("the unit of the value, '2 ns'"));
  EXPECT_THAT(message("estimate: e, range: [1 GB, 3 GB]"), HasSubstr("the unit of the value, '2 ns'"));
  EXPECT_THAT(message("source: paper, also: [{value: 2 GB, source: paper}]"),
              HasSubstr("the unit of the value"));
  EXPECT_THAT(message("source: paper, also: [{value: 3 ns, source: blog}]"),
              HasSubstr("also[0].source: found 'blog'"));
}

TEST(Chip, TheFixedPartIsRequired) {
  const auto message = [](const std::string& text) {
    return refusal_of([&] { parse_chip(text, "c.yaml"); });
  };
  EXPECT_EQ(message("family: toy\n"), "c.yaml:1:1: title: found no such key, expected text");
  EXPECT_EQ(message("title: T\n"), "c.yaml:1:1: family: found no such key, expected text");
  EXPECT_THAT(message("title: T\nfamily: f\nsources: [a]\n"), HasSubstr("sources: found a list"));
  EXPECT_THAT(message("title: T\nfamily: f\nsources: {a: }\n"),
              HasSubstr("c.yaml:3:11: sources.a: found nothing"));
  EXPECT_THAT(message("title: T\nfamily: f\nx: {value: 1 s, source: a}\n"), HasSubstr("which is empty"));
  EXPECT_THAT(message("title: [\n"), HasSubstr("broken YAML"));
  EXPECT_THAT(message("- a\n"), HasSubstr("a mapping of keys to values"));
}

TEST(Chip, MissingCards) {
  EXPECT_EQ(refusal_of([] { read_chip("no/such.yaml"); }),
            "no/such.yaml: found no such file, expected a readable file");
}

}  // namespace
}  // namespace memwall
