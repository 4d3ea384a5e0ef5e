// Plays every case of tests/golden/cases.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/golden/case_file.h"
#include "tests/golden/run_program.h"

namespace memwall {
namespace {

namespace fs = std::filesystem;

const fs::path kCases = fs::path(MEMWALL_SOURCE_DIR) / "tests" / "golden" / "cases";

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(kCases)) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> difference(const std::vector<std::string>& after,
                                    const std::vector<std::string>& before) {
  std::vector<std::string> added;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(added));
  return added;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, SaysWhatIsWritten) {
  const GoldenCase golden = read_golden_case(kCases / (GetParam() + ".case"));
  const Sandbox sandbox;
  for (const auto& [name, content] : golden.inputs) {
    sandbox.write(name, content);
  }
  for (const GoldenCommand& command : golden.commands) {
    SCOPED_TRACE(GetParam() + ".case:" + std::to_string(command.line) + ": " + command.shell);
    const std::vector<std::string> before = sandbox.files();
    const Sandbox::Result result = sandbox.run(command.shell);
    EXPECT_EQ(result.status, command.status);
    EXPECT_TRUE(matches(command.output, lines_of(result.output))) << result.output;
    EXPECT_TRUE(matches(command.errors, lines_of(result.errors))) << result.errors;
    EXPECT_EQ(difference(sandbox.files(), before), command.files);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::ValuesIn(case_names()), [](const auto& each) {
  std::string name = each.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// The example of the front page: an indented command, what it prints, and "..." for the rest.
TEST(Golden, TheFrontPageIsCurrent) {
  const std::string indent = "    ", prompt = indent + "$ ";
  std::ifstream page(fs::path(MEMWALL_SOURCE_DIR) / "README.md");
  std::string line, shell;
  std::vector<std::string> output;
  while (std::getline(page, line)) {
    if (line.starts_with(prompt)) {
      shell = line.substr(prompt.size());
    } else if (!shell.empty()) {
      if (line == indent + "...") {
        break;
      }
      output.push_back(line.empty() ? "" : line.substr(indent.size()));
    }
  }
  ASSERT_FALSE(shell.empty());
  output.emplace_back("{**}");
  const Sandbox sandbox;
  const Sandbox::Result result = sandbox.run(shell);
  EXPECT_TRUE(matches(output, lines_of(result.output))) << result.output;
}

// Whatever the input, bad input is one line on standard error, status 2 and nothing on standard output.
TEST(Golden, BadInputIsOneLine) {
  for (const std::string& name : case_names()) {
    for (const GoldenCommand& command : read_golden_case(kCases / (name + ".case")).commands) {
      if (command.status == 2) {
        SCOPED_TRACE(name + ".case:" + std::to_string(command.line));
        ASSERT_EQ(command.errors.size(), 1u);
        EXPECT_EQ(command.errors[0].substr(0, 9), "memwall: ");
        EXPECT_TRUE(command.output.empty());
        EXPECT_TRUE(command.files.empty());
      }
    }
  }
}

}  // namespace
}  // namespace memwall
