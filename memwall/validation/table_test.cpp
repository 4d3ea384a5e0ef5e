// CSV as it is found: comments, quotes, gzip; and what is refused.
#include "memwall/validation/table.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

namespace memwall {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    const Table table(text, "t.csv");
    for (std::size_t row = 0; row < table.rows(); ++row) {
      table.integer(row, "m");
      table.number(row, "us");
    }
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Table, SkipsCommentsAndReadsCells) {
  const Table table("# a comment\nm,name,us\n1,\"a, b\",2.5\n\n64,c,1e3\r\n", "t.csv");
  ASSERT_EQ(table.rows(), 2u);
  EXPECT_EQ(table.integer(0, "m"), 1);
  EXPECT_EQ(table.text(0, "name"), "a, b");
  EXPECT_DOUBLE_EQ(table.number(1, "us"), 1000);
  EXPECT_EQ(table.where(1).line, 5);
  EXPECT_EQ(table.text(0, "absent"), "");
  EXPECT_EQ(table.integer(0, "absent", 7), 7);
}

TEST(Table, RefusesWithFileLineAndColumn) {
  EXPECT_EQ(refusal("m,us\n1,2\n"), "");
  EXPECT_THAT(refusal(""), HasSubstr("t.csv: found an empty file"));
  EXPECT_THAT(refusal("m,m\n"), HasSubstr("t.csv:1:0: m: found two columns of this title"));
  EXPECT_THAT(refusal("m,us\n1\n"), HasSubstr("t.csv:2:0: found 1 cells, expected 2"));
  EXPECT_THAT(refusal("m,us\n1.5,2\n"),
              HasSubstr("t.csv:2:0: m: found '1.5', expected a whole number from 1"));
  EXPECT_THAT(refusal("m,us\n1,nan\n"), HasSubstr("us: found 'nan', expected a positive number"));
  EXPECT_THAT(refusal("m,us\n1,0\n"), HasSubstr("us: found '0', expected a positive number"));
  EXPECT_THAT(refusal("m,us\n1,\n"), HasSubstr("us: found an empty cell"));
  EXPECT_THAT(refusal("m,us\n\"1\"2,3\n"), HasSubstr("a quote inside a cell"));
  EXPECT_THAT(refusal("n,us\n1,2\n"), HasSubstr("columns: found no column 'm'"));
}

TEST(Table, InflatesAndRefusesTruncatedFiles) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("memwall_table_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = folder / "t.csv.gz";
  const gzFile file = gzopen(path.c_str(), "wb");
  const std::string text = "m,us\n" + std::string("3,4\n");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  EXPECT_EQ(read_table(path).integer(0, "m"), 3);

  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 6);
  EXPECT_THROW(read_table(path), ConfigError);
  EXPECT_THROW(read_table(folder / "absent.csv"), ConfigError);
  EXPECT_THROW(read_table(folder), ConfigError);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace memwall
