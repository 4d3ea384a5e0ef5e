// case_file.h - the text form of golden cases; README.md describes it.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace memwall {

struct GoldenCommand {
  int line = 0;  // in the case file
  std::string shell;
  std::vector<std::string> output, errors;  // patterns
  int status = 0;
  std::vector<std::string> files;  // left behind, sorted
};
struct GoldenCase {
  std::vector<std::pair<std::string, std::string>> inputs;  // name, content
  std::vector<GoldenCommand> commands;
};

// Throws std::runtime_error with file and line for what the format does not know.
GoldenCase read_golden_case(const std::filesystem::path& path);

// Whether lines match patterns: {*} is any text, a line of {**} any number of lines.
bool matches(const std::vector<std::string>& patterns, const std::vector<std::string>& lines);
bool line_matches(const std::string& pattern, const std::string& line);

std::vector<std::string> lines_of(const std::string& text);

}  // namespace memwall
