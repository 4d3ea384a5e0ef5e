// Pages that a script writes from memwall's answers are what it writes today.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/golden/run_program.h"

namespace memwall {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(GeneratedPages, ArraysAreCurrent) {
  const std::filesystem::path root = MEMWALL_SOURCE_DIR;
  const Sandbox sandbox;
  const Sandbox::Result result =
      sandbox.run("mkdir docs && python3 " + (root / "tools/arrays-page.py").string() + " memwall docs");
  ASSERT_EQ(result.status, 0) << result.errors;
  for (const char* page : {"arrays.md", "arrays/sharing.svg", "arrays/splitting.svg", "arrays/slabs.svg"}) {
    EXPECT_EQ(sandbox.read(std::string("docs/") + page), content(root / "docs" / page))
        << "docs/" << page << " is not what tools/arrays-page.py writes: run it";
  }
}

}  // namespace
}  // namespace memwall
