#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/data_files.h"
#include "memwall/core/names.h"
#include "memwall/core/number_format.h"
#include "memwall/core/output_file.h"
#include "memwall/core/registry.h"
#include "memwall/core/sim_time.h"

namespace memwall {
namespace {

using testing::HasSubstr;

TEST(NumberFormat, TheTableIsInEnumerationOrder) {
  for (int index = 0; index < kFormatCount; ++index) {
    const Format format = static_cast<Format>(index);
    EXPECT_EQ(info(format).format, format);
    EXPECT_EQ(find_format(name(format)), format);
  }
}

TEST(NumberFormat, SizesIncludeScales) {
  EXPECT_DOUBLE_EQ(bytes_of(32, Format::mxfp4).value, 17);  // 32 nibbles and one scale byte
  EXPECT_DOUBLE_EQ(bytes_of(32, Format::q4_1).value, 20);   // 32 nibbles, fp16 scale and minimum
  EXPECT_DOUBLE_EQ(bytes_of(16, Format::nvfp4).value, 9);
}

TEST(NumberFormat, UnknownNamesAreRefusedWithTheList) {
  EXPECT_THROW(format_named("--format", "fp7"), ConfigError);
}

TEST(SimTime, RoundsUpAndComesBack) {
  EXPECT_EQ(to_sim_time(Seconds(1.5e-12)).ps, 2);
  EXPECT_EQ(to_sim_time(Seconds(0)).ps, 0);
  EXPECT_DOUBLE_EQ(to_seconds(SimTime{1'000'000}).value, 1e-6);
}

TEST(Names, LongListsShowTheNearest) {
  std::vector<std::string> known;
  for (int index = 0; index < 40; ++index) {
    known.push_back("system-" + std::to_string(index));
  }
  known.push_back("hgx-h100");
  EXPECT_THAT(suggest_names("hgx-h10", known), HasSubstr("such as hgx-h100"));
}

TEST(Registry, RefusesDuplicatesAndUnknownNames) {
  Registry<int> numbers("number");
  numbers.add("one", "the first", [] { return std::make_unique<int>(1); });
  EXPECT_THROW(numbers.add("one", "again", nullptr), std::logic_error);
  EXPECT_EQ(*numbers.find("one").make(), 1);
  EXPECT_THROW(numbers.find("two"), ConfigError);
}

TEST(OutputFile, AppearsWholeOrNotAtAll) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("memwall_output_" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  EXPECT_THROW(write_whole_file(folder / "page.html", "text"), ConfigError);
  std::filesystem::create_directory(folder);
  write_whole_file(folder / "page.html", "text");
  EXPECT_EQ(std::filesystem::file_size(folder / "page.html"), 4u);
  EXPECT_THROW(write_whole_file(folder, "text"), ConfigError);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  std::filesystem::remove_all(folder);
}

TEST(DataFiles, UnknownCardsAndFoldersAreRefused) {
  EXPECT_THROW(card_file("models", "no-such-model"), ConfigError);
  EXPECT_THROW(data_folder("no-such-kind"), ConfigError);
}

}  // namespace
}  // namespace memwall
