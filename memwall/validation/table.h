// table.h - a CSV file of measurements: '#' comments, one line of titles, one line per row; plain or gzipped.
//
// Cells may be quoted ("a, b"); a quote inside a cell is refused. Every refusal is a ConfigError with file,
// line and column title.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memwall/core/error.h"

namespace memwall {

class Table {
 public:
  // Throws ConfigError for an empty file, two columns of one title, and a row with too many or too few cells.
  Table(std::string text, std::string file);

  const std::string& file() const { return file_; }
  std::size_t rows() const { return lines_.size(); }
  bool has(std::string_view title) const { return find(title) != kNone; }
  const std::vector<std::string>& titles() const { return titles_; }

  // Empty when the table has no such column.
  std::string_view text(std::size_t row, std::string_view title) const;
  // Not empty; throws when the column or the cell is missing.
  std::string_view required(std::size_t row, std::string_view title) const;
  // A whole number in [least, 2^48]; `fallback` for an empty cell or a column that is not there.
  std::int64_t integer(std::size_t row, std::string_view title, std::int64_t fallback,
                       std::int64_t least = 1) const;
  std::int64_t integer(std::size_t row, std::string_view title) const;
  double number(std::size_t row, std::string_view title) const;  // finite and positive

  Location where(std::size_t row) const { return {file_, lines_[row], 0}; }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t find(std::string_view title) const;
  [[noreturn]] void refuse(std::size_t row, std::string_view title, const std::string& expected) const;

  std::unique_ptr<const std::string> text_;  // what the cells point into; stays in place when moved
  std::string file_;
  std::vector<std::string> titles_;
  std::vector<std::string_view> cells_;  // rows * titles
  std::vector<int> lines_;
};

// Inflates names that end in .gz. Throws ConfigError for a file that cannot be read or inflated, or is
// larger than 256 MB.
Table read_table(const std::filesystem::path& path);

// Of a folder, sorted: everything, and the tables (.csv and .csv.gz).
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);
std::vector<std::filesystem::path> tables_in(const std::filesystem::path& folder);

}  // namespace memwall
