#include "memwall/validation/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <zlib.h>

#include "memwall/core/names.h"

namespace memwall {
namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 48;
constexpr std::size_t kLargestFile = std::size_t{256} << 20;

// Takes the next line off `rest`, without its end.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

// Appends the cells of a line.
void split(std::string_view line, const Location& where, std::vector<std::string_view>& cells) {
  for (bool more = true; more;) {
    std::size_t end = line.find(',');
    if (line.starts_with('"')) {
      const std::size_t quote = line.find('"', 1);
      end = quote == std::string_view::npos ? quote : quote + 1;
      if (quote == std::string_view::npos || (end < line.size() && line[end] != ',')) {
        throw ConfigError(where, "", "a quote inside a cell", "cells like 512 or \"a, b\"");
      }
      cells.push_back(line.substr(1, quote - 1));
    } else {
      cells.push_back(line.substr(0, end));
    }
    more = end < line.size();
    line.remove_prefix(more ? end + 1 : 0);
  }
}

std::string inflated(const std::filesystem::path& path) {
  const gzFile file = gzopen(path.c_str(), "rb");  // reads plain files as they are
  if (file == nullptr) {
    throw ConfigError(Location{path.string()}, "", "no such file", "a CSV file, plain or .gz");
  }
  std::string text;
  std::string buffer(1 << 18, '\0');
  int got = 0;
  while ((got = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    text.append(buffer, 0, static_cast<std::size_t>(got));
    if (text.size() > kLargestFile) {
      break;
    }
  }
  const bool is_whole = gzclose(file) == Z_OK && got == 0;
  if (text.size() > kLargestFile) {
    throw ConfigError(Location{path.string()}, "", "more than 256 MB", "a smaller file");
  }
  if (!is_whole) {
    throw ConfigError(Location{path.string()}, "", "a file that cannot be read to its end",
                      "a CSV file, plain or .gz");
  }
  return text;
}

}  // namespace

Table::Table(std::string text, std::string file)
    : text_(std::make_unique<const std::string>(std::move(text))), file_(std::move(file)) {
  std::string_view rest = *text_;
  for (int line = 1; !rest.empty(); ++line) {
    const std::string_view content = take_line(rest);
    if (content.empty() || content.starts_with('#')) {
      continue;
    }
    if (titles_.empty()) {
      std::vector<std::string_view> titles;
      split(content, {file_, line, 0}, titles);
      titles_.assign(titles.begin(), titles.end());
      std::sort(titles.begin(), titles.end());
      const auto twice = std::adjacent_find(titles.begin(), titles.end());
      if (twice != titles.end()) {
        throw ConfigError({file_, line, 0}, std::string(*twice), "two columns of this title", "one");
      }
      continue;
    }
    const std::size_t before = cells_.size();
    split(content, {file_, line, 0}, cells_);
    if (cells_.size() - before != titles_.size()) {
      throw ConfigError({file_, line, 0}, "", fmt::format("{} cells", cells_.size() - before),
                        fmt::format("{}, one for each title", titles_.size()));
    }
    lines_.push_back(line);
  }
  if (titles_.empty()) {
    throw ConfigError(Location{file_}, "", "an empty file", "a line of titles and rows");
  }
}

std::size_t Table::find(std::string_view title) const {
  const auto found = std::find(titles_.begin(), titles_.end(), title);
  return found == titles_.end() ? kNone : static_cast<std::size_t>(found - titles_.begin());
}

std::string_view Table::text(std::size_t row, std::string_view title) const {
  const std::size_t column = find(title);
  return column == kNone ? std::string_view() : cells_[row * titles_.size() + column];
}

void Table::refuse(std::size_t row, std::string_view title, const std::string& expected) const {
  if (!has(title)) {
    throw ConfigError(Location{file_}, "columns", "no column " + quoted(std::string(title)),
                      suggest_names(std::string(title), titles_));
  }
  const std::string cell(text(row, title));
  throw ConfigError(where(row), std::string(title), cell.empty() ? "an empty cell" : quoted(cell), expected);
}

std::string_view Table::required(std::size_t row, std::string_view title) const {
  const std::string_view cell = text(row, title);
  if (cell.empty()) {
    refuse(row, title, "a value");
  }
  return cell;
}

std::int64_t Table::integer(std::size_t row, std::string_view title, std::int64_t fallback,
                            std::int64_t least) const {
  const std::string_view cell = text(row, title);
  if (cell.empty()) {
    return fallback;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size() || value < least || value > kLargest) {
    refuse(row, title, fmt::format("a whole number from {}", least));
  }
  return value;
}

std::int64_t Table::integer(std::size_t row, std::string_view title) const {
  required(row, title);
  return integer(row, title, 0);
}

double Table::number(std::size_t row, std::string_view title) const {
  const std::string_view cell = required(row, title);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value) || value <= 0) {
    refuse(row, title, "a positive number");
  }
  return value;
}

Table read_table(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    throw ConfigError(Location{path.string()}, "", "a folder", "a CSV file, plain or .gz");
  }
  return {inflated(path), path.string()};
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::filesystem::path> tables_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files = files_in(folder);
  std::erase_if(files, [](const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    return !name.ends_with(".csv") && !name.ends_with(".csv.gz");
  });
  return files;
}

}  // namespace memwall
