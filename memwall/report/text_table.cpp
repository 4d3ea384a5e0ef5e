#include "memwall/report/text_table.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

namespace memwall {

void TextTable::add_row(std::vector<std::string> cells) {
  assert(cells.size() <= columns_.size());
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths.push_back(display_width(column.title));
  }
  for (const std::vector<std::string>& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  std::string text;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string pad(widths[i] - display_width(cells[i]), ' ');
      line += (i > 0 ? "  " : "") + (columns_[i].right ? pad + cells[i] : cells[i] + pad);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add_line(titles);
  for (const std::vector<std::string>& row : rows_) {
    add_line(row);
  }
  return text;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = std::min(text.find('m', i), text.size());  // colour codes end in m
      continue;
    }
    const bool continues = (static_cast<unsigned char>(text[i]) & 0xC0u) == 0x80u;  // within a character
    width += continues ? 0 : 1;
  }
  return width;
}

std::string count_text(double value) {
  const double magnitude = std::abs(value);
  if (magnitude >= 999.5) {
    std::string digits = fmt::format("{:.0f}", value);
    const std::size_t first = value < 0 ? 1 : 0;
    for (std::size_t place = digits.size(); place > first + 3; place -= 3) {
      digits.insert(place - 3, ",");
    }
    return digits;
  }
  if (value == std::floor(value)) {
    return fmt::format("{:.0f}", value);
  }
  const int decimals = std::clamp(2 - static_cast<int>(std::floor(std::log10(magnitude))), 0, 9);
  return fmt::format("{:.{}f}", value, decimals);
}

std::string percent_text(double fraction) {
  const double percent = 100 * fraction;
  return fmt::format("{:.{}f} %", percent, percent != 0 && std::abs(percent) < 9.95 ? 1 : 0);
}

}  // namespace memwall
