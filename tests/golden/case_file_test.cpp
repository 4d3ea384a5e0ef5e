#include "tests/golden/case_file.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <gtest/gtest.h>

namespace memwall {
namespace {

constexpr const char* kAnyText = "{*}";
constexpr const char* kAnyLines = "{**}";

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  std::sort(words.begin(), words.end());
  return words;
}

bool matches_from(const std::vector<std::string>& patterns, std::size_t pattern,
                  const std::vector<std::string>& lines, std::size_t line) {
  for (; pattern < patterns.size(); ++pattern, ++line) {
    if (patterns[pattern] == kAnyLines) {
      for (std::size_t rest = line; rest <= lines.size(); ++rest) {
        if (matches_from(patterns, pattern + 1, lines, rest)) {
          return true;
        }
      }
      return false;
    }
    if (line >= lines.size() || !line_matches(patterns[pattern], lines[line])) {
      return false;
    }
  }
  return line == lines.size();
}

}  // namespace

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

bool line_matches(const std::string& pattern, const std::string& line) {
  const std::size_t hole = pattern.find(kAnyText);
  if (hole == std::string::npos) {
    return pattern == line;
  }
  if (line.compare(0, hole, pattern, 0, hole) != 0) {
    return false;
  }
  const std::string rest = pattern.substr(hole + std::string(kAnyText).size());
  for (std::size_t at = hole; at <= line.size(); ++at) {
    if (line_matches(rest, line.substr(at))) {
      return true;
    }
  }
  return false;
}

bool matches(const std::vector<std::string>& patterns, const std::vector<std::string>& lines) {
  return matches_from(patterns, 0, lines, 0);
}

GoldenCase read_golden_case(const std::filesystem::path& path) {
  std::ifstream stream(path);
  GoldenCase golden;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    const std::string rest = line.size() > 2 ? line.substr(2) : "";
    const auto fail = [&](const std::string& why) {
      throw std::runtime_error(path.string() + ":" + std::to_string(number) + ": " + why);
    };
    const auto last = [&]() -> GoldenCommand& {
      if (golden.commands.empty()) {
        fail("no command before this line");
      }
      return golden.commands.back();
    };
    if (line.empty() || line[0] == '#') {
      continue;
    }
    switch (line[0]) {
      case '@':
        golden.inputs.emplace_back(rest, "");
        break;
      case '|':
        if (golden.inputs.empty()) {
          fail("no file before this line");
        }
        golden.inputs.back().second += rest + "\n";
        break;
      case '$':
        golden.commands.push_back({number, rest, {}, {}, 0, {}});
        break;
      case ' ':
        last().output.push_back(rest);
        break;
      case '!':
        last().errors.push_back(rest);
        break;
      case '?':
        last().status = std::stoi(rest);
        break;
      case '=':
        last().files = words_of(rest);
        break;
      default:
        fail("a line begins with one of # @ | $ space ! ? =");
    }
  }
  return golden;
}

TEST(GoldenPattern, WildcardsStandForAnyTextAndAnyLines) {
  EXPECT_TRUE(line_matches("a {*} c", "a b c"));
  EXPECT_TRUE(line_matches("{*}", ""));
  EXPECT_FALSE(line_matches("a {*} c", "a b d"));
  EXPECT_TRUE(matches({"a", "{**}", "d"}, {"a", "b", "c", "d"}));
  EXPECT_TRUE(matches({"a", "{**}"}, {"a"}));
  EXPECT_FALSE(matches({"a", "{**}", "d"}, {"a", "b"}));
  EXPECT_FALSE(matches({"a"}, {"a", "b"}));
}

}  // namespace memwall
