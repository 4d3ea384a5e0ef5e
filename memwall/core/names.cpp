#include "memwall/core/names.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace memwall {
namespace {

// Levenshtein distance, ignoring case.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = std::tolower(static_cast<unsigned char>(a[i - 1])) ==
                        std::tolower(static_cast<unsigned char>(b[j - 1]));
      const std::size_t substituted = diagonal + (same ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

}  // namespace

std::string suggest_names(const std::string& wanted, const std::vector<std::string>& known) {
  if (known.empty()) {
    return "a known name, and there are none";
  }
  constexpr std::size_t kShortList = 24, kNearest = 3, kLongestName = 64;
  if (known.size() <= kShortList || wanted.size() > kLongestName) {
    std::vector<std::string> shown(
        known.begin(), known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), kShortList)));
    return "one of " + joined(shown) + (shown.size() < known.size() ? ", ..." : "");
  }
  std::vector<std::string> nearest = known;
  std::stable_sort(nearest.begin(), nearest.end(), [&](const std::string& a, const std::string& b) {
    return edit_distance(wanted, a) < edit_distance(wanted, b);
  });
  nearest.resize(kNearest);
  return "one of " + std::to_string(known.size()) + " known names, such as " + joined(nearest);
}

}  // namespace memwall
