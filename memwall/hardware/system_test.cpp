// Systems from cards and from shorthands, over chip cards written to a folder of the test's own.
#include "memwall/hardware/system.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/output_file.h"

namespace memwall {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kChip =
    "title: Toy\n"
    "family: toy\n"
    "sources: {paper: A paper}\n"
    "scale_up:\n"
    "  domain: {value: 8, source: paper}\n"
    "  bandwidth: {value: 450 GB/s, source: paper}\n";

class SystemTest : public testing::Test {
 protected:
  SystemTest()
      : root_(std::filesystem::temp_directory_path() / ("memwall-system-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(root_ / "chips");
    std::filesystem::create_directories(root_ / "systems");
    write("chips/toy.yaml", kChip);
    write("chips/lone.yaml", "title: Lone\nfamily: toy\n");
    write("chips/far.yaml", std::string(kChip) + "scale_out: {bandwidth: {value: 50 GB/s, source: paper}}\n");
    ::setenv("MEMWALL_DATA", root_.c_str(), 1);
  }
  ~SystemTest() override {
    ::unsetenv("MEMWALL_DATA");
    std::filesystem::remove_all(root_);
  }
  void write(const std::string& name, const std::string& text) { write_whole_file(root_ / name, text); }

  // The message of the ConfigError that reading throws, without the folder; "" when it throws none.
  std::string refusal(const std::string& name) {
    try {
      read_system(name);
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      const std::string folder = root_.string() + "/";
      return message.starts_with(folder) ? message.substr(folder.size()) : message;
    }
    return "";
  }
  std::string refusal_of_card(const std::string& body) {
    write("systems/box.yaml", "title: Box\n" + body);
    return refusal("box");
  }

 private:
  std::filesystem::path root_;
};

TEST_F(SystemTest, ACardHasPoolsAndFacts) {
  write("systems/box.yaml",
        "title: A box\n"
        "sources: {web: A page}\n"
        "pools: [{chip: toy, count: 8, role: everything}]\n"
        "all_in_power: {value: 1.73 kW, source: web}\n"
        "scale_up: {bandwidth: {value: 400 GB/s, source: web}}\n");
  const System system = read_system("box");
  EXPECT_EQ(system.name, "box");
  EXPECT_EQ(system.chips(), 8);
  EXPECT_EQ(system.chip().name, "toy");
  EXPECT_EQ(system.pools[0].role, PoolRole::everything);
  EXPECT_DOUBLE_EQ(system.get<Watts>("all_in_power").value, 1730);
  EXPECT_THAT(to_text(system), StartsWith("box: A box\n  8 x toy (everything)\n"));
  EXPECT_THAT(to_text(system), HasSubstr("all_in_power        1.73 kW   web\n"));
}

TEST_F(SystemTest, TheSystemsFactsComeBeforeTheChips) {
  write("systems/box.yaml",
        "title: A box\n"
        "sources: {web: A page}\n"
        "pools: [{chip: toy, count: 8}]\n"
        "scale_up: {bandwidth: {value: 400 GB/s, source: web}}\n");
  const System system = read_system("box");
  EXPECT_DOUBLE_EQ(system.get<BytesPerSecond>("scale_up.bandwidth").value, 400e9);
  EXPECT_DOUBLE_EQ(system.get<Ratio>("scale_up.domain"), 8);
  EXPECT_FALSE(system.has("scale_out.bandwidth"));
  EXPECT_DOUBLE_EQ(system.get_or<Seconds>("scale_up.latency", Seconds(1)).value, 1);
}

TEST_F(SystemTest, AShorthandIsChipsOfOneKind) {
  const System system = read_system("4xtoy");
  EXPECT_EQ(system.name, "4xtoy");
  EXPECT_EQ(system.title, "4 x Toy");
  EXPECT_EQ(system.chips(), 4);
  EXPECT_EQ(read_system("1xlone").chips(), 1);
}

TEST_F(SystemTest, ChipsBeyondADomainNeedAnotherLink) {
  EXPECT_EQ(refusal("16xtoy"),
            "system: found 16 chips of toy, expected at most 8, the scale_up.domain of toy, or a "
            "scale_out.bandwidth on a card");
  EXPECT_THAT(refusal("2xlone"), HasSubstr("at most 1, the scale_up.domain of lone"));
  EXPECT_EQ(read_system("16xfar").chips(), 16);
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy, count: 9}]\n"),
              StartsWith("systems/box.yaml:2:21: pools[0].count: found 9 chips of toy"));
  EXPECT_EQ(refusal_of_card("pools: [{chip: toy, count: 9}]\nsources: {w: W}\n"
                            "scale_out: {bandwidth: {value: 50 GB/s, source: w}}\n"),
            "");
}

TEST_F(SystemTest, CountsAreBounded) {
  EXPECT_THAT(refusal("0xtoy"), HasSubstr("found '0xtoy', expected a count of chips from 1 to 1048576"));
  EXPECT_THAT(refusal("99999999999999999999xtoy"), HasSubstr("expected a count of chips"));
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy, count: 0}]\n"),
              HasSubstr("found '0', expected an integer"));
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy, count: -8}]\n"), HasSubstr("found '-8'"));
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy, count: 1e9}]\n"), HasSubstr("found '1e9'"));
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy}]\n"), HasSubstr("pools[0].count: found no such key"));
}

TEST_F(SystemTest, UnknownNamesSuggestTheNearest) {
  EXPECT_EQ(refusal("8xtoi"), "chip: found 'toi', expected one of far, lone, toy");
  write("systems/box.yaml", "title: Box\npools: [{chip: toy, count: 1}]\n");
  EXPECT_EQ(refusal("bok"), "system: found 'bok', expected one of box");
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy, count: 1, role: all}]\n"),
              HasSubstr("pools[0].role: found 'all', expected one of"));
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy, count: 1, rolle: decode}]\n"),
              HasSubstr("pools[0].rolle: found an unknown key"));
  EXPECT_THAT(refusal_of_card("pols: [{chip: toy, count: 1}]\n"),
              HasSubstr("systems/box.yaml:2:1: pols: found a list"));
}

TEST_F(SystemTest, PoolsTogetherMakeATokenOrAreRefused) {
  EXPECT_THAT(refusal_of_card("pools: []\n"), HasSubstr("pools: found an empty list"));
  EXPECT_THAT(refusal_of_card("sources: {}\n"), HasSubstr("pools: found no such key"));
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy, count: 1, role: prefill}]\n"),
              HasSubstr("pools: found roles that do not make a token"));
  EXPECT_EQ(
      refusal_of_card("pools: [{chip: toy, count: 2, role: prefill}, {chip: far, count: 4, role: decode}]\n"),
      "");
  EXPECT_EQ(read_system("box").chips(), 6);
}

TEST_F(SystemTest, AChipGivenAsAPathIsBesideTheSystem) {
  write("systems/box.yaml", "title: Box\npools: [{chip: ../chips/toy.yaml, count: 2}]\n");
  EXPECT_EQ(read_system("box").chip().name, "toy");
  EXPECT_THAT(refusal_of_card("pools: [{chip: ./none.yaml, count: 2}]\n"), HasSubstr("no such file"));
}

TEST_F(SystemTest, FactsOfASystemFollowTheRulesOfChips) {
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy, count: 8}]\nall_in_power: 1.7 kW\n"),
              HasSubstr("systems/box.yaml:3:1: all_in_power: found '1.7 kW'"));
  EXPECT_THAT(refusal_of_card("pools: [{chip: toy, count: 8}]\nsources: {w: W}\n"
                              "all_in_powr: {value: 1.7 kW, source: w}\n"),
              HasSubstr("systems/box.yaml:4:1: all_in_powr: found an unknown key, expected one of"));
  EXPECT_THAT(refusal("no/such.yaml"), HasSubstr("no/such.yaml: found no such file"));
}

}  // namespace
}  // namespace memwall
