// names.h - "did you mean": the known names nearest to one that was not found.
#pragma once

#include <string>
#include <vector>

namespace memwall {

// Up to three names by edit distance, nearest first, then the whole list if it is short:
// "one of h100, h200, gh200" or "'h100'? known: a100, b200, ...".
std::string suggest_names(const std::string& wanted, const std::vector<std::string>& known);

}  // namespace memwall
