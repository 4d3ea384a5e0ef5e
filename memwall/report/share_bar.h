// share_bar.h - where time went, as a bar.
#pragma once

#include <array>
#include <string>

#include "memwall/program/program.h"
#include "memwall/report/ink.h"

namespace memwall {

using Shares = std::array<double, kCategoryCount>;  // fractions that sum to 1, by Category

// `width` cells divided by largest remainder: coloured blocks with colour, one letter per category without.
std::string share_bar(const Shares& shares, int width, Ink ink);
// "W weights  K KV cache  A arithmetic  C communication  O overhead", or the same with coloured blocks.
std::string share_legend(Ink ink);
// "weights 61 %, KV cache 20 %, arithmetic 12 %": the largest three, none below a hundredth.
std::string share_text(const Shares& shares);

std::string_view category_title(Category category);  // "KV cache"

}  // namespace memwall
