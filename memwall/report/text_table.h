// text_table.h - rows of text in aligned columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace memwall {

struct Column {
  std::string title;
  bool right = false;  // numbers stand on the right
};

class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // One cell per column; missing ones at the end are empty.
  void add_row(std::vector<std::string> cells);
  // Title line and rows, two spaces between columns, no space at the end of a line.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Cells that text takes on a terminal: UTF-8 characters, colour codes not counted.
std::size_t display_width(std::string_view text);

// 12,345; below a thousand whole numbers as they are and others with three significant digits: 8, 12.3,
// 0.0123.
std::string count_text(double value);
std::string percent_text(double fraction);  // "71 %", "0.4 %"

}  // namespace memwall
