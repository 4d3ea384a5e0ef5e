#include "memwall/core/output_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/config_reader.h"
#include "memwall/core/error.h"

namespace memwall {
namespace {

namespace fs = std::filesystem;

class OutputFolders : public testing::Test {
 protected:
  OutputFolders() : root_(fs::temp_directory_path() / ("folders-" + std::to_string(::getpid()))) {
    fs::create_directories(root_);
  }
  ~OutputFolders() override { fs::remove_all(root_); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(root_), fs::directory_iterator()));
  }
  fs::path root_;
};

TEST_F(OutputFolders, AppearWholeOrNotAtAll) {
  {
    OutputFolder folder(root_ / "out");
    folder.file("a") << "one";
    EXPECT_FALSE(fs::exists(root_ / "out"));
  }
  EXPECT_EQ(entries(), 0u);
  OutputFolder folder(root_ / "out/");
  folder.file("a") << "one";
  folder.file("b") << "two";
  folder.commit();
  EXPECT_EQ(read_text_file(root_ / "out" / "a"), "one");
  EXPECT_EQ(read_text_file(root_ / "out" / "b"), "two");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(OutputFolders, TakeAnEmptyFoldersPlaceButNoOther) {
  fs::create_directory(root_ / "empty");
  OutputFolder(root_ / "empty").commit();
  fs::create_directory(root_ / "full");
  std::ofstream(root_ / "full" / "a") << "kept";
  EXPECT_THROW(OutputFolder(root_ / "full"), ConfigError);
  EXPECT_THROW(OutputFolder(root_ / "none" / "out"), ConfigError);
}

}  // namespace
}  // namespace memwall
