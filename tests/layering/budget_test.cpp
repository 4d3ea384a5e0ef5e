// Files stay small enough to be read, and hold nothing of the machine they were written on.
#include <gtest/gtest.h>

#include "tests/layering/source_tree.h"

namespace memwall {
namespace {

// The value below which `fraction` of the sorted sizes lie.
std::ptrdiff_t percentile(std::vector<std::ptrdiff_t> sizes, double fraction) {
  std::sort(sizes.begin(), sizes.end());
  return sizes.empty() ? 0
                       : sizes[static_cast<std::size_t>(fraction * static_cast<double>(sizes.size() - 1))];
}

TEST(Budget, ProductFilesAreShort) {
  std::vector<std::ptrdiff_t> files, headers;
  for (const SourceFile& file : product_sources()) {
    files.push_back(file.lines());
    if (file.is_header()) {
      headers.push_back(file.lines());
    }
  }
  EXPECT_LE(percentile(files, 0.5), 120) << "median file";
  EXPECT_LE(percentile(files, 0.9), 400) << "nine files of ten";
  EXPECT_LE(percentile(headers, 0.5), 80) << "median header";
}

TEST(Budget, NoFileIsBeyondReading) {
  for (const SourceFile& file : source_tree()) {
    if (file.is_cpp() || file.is_header()) {
      EXPECT_LE(file.lines(), 800) << file.path;
    }
  }
}

TEST(Budget, NothingNamesAMachineOrAPackageRegistry) {
  // In two pieces each, so that this file does not hold what it looks for.
  const std::vector<std::string> refused = {
      std::string("/wo") + "rk/",     std::string("/ro") + "ot/",   std::string("/ho") + "me/",
      std::string("debian") + ".org", std::string("pypi") + ".org", std::string("npmjs") + ".org",
      std::string("ubuntu") + ".com",
  };
  for (const SourceFile& file : source_tree()) {
    for (const std::string& text : refused) {
      if (const std::size_t found = file.text.find(text); found != std::string::npos) {
        const auto line =
            1 + std::count(file.text.begin(), file.text.begin() + static_cast<std::ptrdiff_t>(found), '\n');
        ADD_FAILURE() << file.path << ":" << line << " holds '" << text << "'";
      }
    }
  }
}

}  // namespace
}  // namespace memwall
