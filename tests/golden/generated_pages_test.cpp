// Pages that a script writes from memwall's answers are what it writes today.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include "tests/golden/run_program.h"

namespace memwall {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// A script of tools/ and what it writes into docs/.
struct Page {
  const char* script;
  std::vector<const char*> files;
};

void PrintTo(const Page& page, std::ostream* out) { *out << page.script; }

class GeneratedPages : public testing::TestWithParam<Page> {};

TEST_P(GeneratedPages, AreCurrent) {
  const std::filesystem::path root = MEMWALL_SOURCE_DIR;
  const Sandbox sandbox;
  const Sandbox::Result result = sandbox.run("mkdir docs && python3 -B " +
                                             (root / "tools" / GetParam().script).string() + " memwall docs");
  ASSERT_EQ(result.status, 0) << result.errors;
  for (const std::string file : GetParam().files) {
    EXPECT_EQ(sandbox.read("docs/" + file), content(root / "docs" / file))
        << "docs/" << file << " is not what tools/" << GetParam().script << " writes: run tools/make_docs.sh";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Docs, GeneratedPages,
    testing::Values(Page{"docs/arrays.py",
                         {"arrays.md", "pictures/arrays-sharing.svg", "pictures/arrays-splitting.svg",
                          "pictures/arrays-slabs.svg"}},
                    Page{"docs/attention_and_ffn_apart.py",
                         {"attention-and-ffn-apart.md", "pictures/attention-and-ffn-apart.svg"}},
                    Page{"docs/fifteen_times.py", {"fifteen-times.md"}},
                    Page{"docs/memory_wall.py",
                         {"memory-wall.md", "pictures/memory-wall-1.svg", "pictures/memory-wall-1-all.svg",
                          "pictures/memory-wall-64.svg", "pictures/memory-wall-64-all.svg"}},
                    Page{"docs/removing_control.py",
                         {"removing-control.md", "pictures/removing-control.svg"}}),
    [](const testing::TestParamInfo<Page>& page) { return "Page" + std::to_string(page.index); });

}  // namespace
}  // namespace memwall
