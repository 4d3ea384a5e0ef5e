#include "memwall/report/share_bar.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "memwall/report/text_table.h"

namespace memwall {
namespace {

constexpr std::string_view kBlock = "\u2588";
constexpr std::array<std::string_view, kCategoryCount> kLetters = {"W", "K", "A", "C", "O"};

std::string cell(Category category, Ink ink) {
  return std::string(ink.colour ? kBlock : kLetters[static_cast<std::size_t>(category)]);
}

// Categories by descending share, ties in their own order.
std::array<int, kCategoryCount> by_value(const Shares& values) {
  std::array<int, kCategoryCount> order{};
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
  });
  return order;
}

}  // namespace

std::string_view category_title(Category category) {
  constexpr std::array<std::string_view, kCategoryCount> kTitles = {"weights", "KV cache", "arithmetic",
                                                                    "communication", "overhead"};
  return kTitles[static_cast<std::size_t>(category)];
}

std::string share_bar(const Shares& shares, int width, Ink ink) {
  std::array<int, kCategoryCount> cells{};
  Shares remainder{};
  int given = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double exact = shares[i] * width;
    cells[i] = static_cast<int>(std::floor(exact));
    remainder[i] = exact - cells[i];
    given += cells[i];
  }
  for (const int i : by_value(remainder)) {
    if (given < width && remainder[static_cast<std::size_t>(i)] > 0) {
      ++cells[static_cast<std::size_t>(i)];
      ++given;
    }
  }
  std::string bar;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string run;
    for (int n = 0; n < cells[i]; ++n) {
      run += cell(static_cast<Category>(i), ink);
    }
    bar += painted(run, static_cast<Category>(i), ink);
  }
  return bar;
}

std::string share_legend(Ink ink) {
  std::string legend;
  for (int i = 0; i < kCategoryCount; ++i) {
    const auto category = static_cast<Category>(i);
    legend += (i > 0 ? "  " : "") + painted(cell(category, ink), category, ink) + " " +
              std::string(category_title(category));
  }
  return legend;
}

std::string share_text(const Shares& shares) {
  constexpr double kLeast = 0.01;
  constexpr int kMost = 3;
  std::string text;
  int shown = 0;
  for (const int i : by_value(shares)) {
    const double share = shares[static_cast<std::size_t>(i)];
    if (share >= kLeast && shown++ < kMost) {
      text += (text.empty() ? "" : ", ") + std::string(category_title(static_cast<Category>(i))) + " " +
              percent_text(share);
    }
  }
  return text;
}

}  // namespace memwall
