#include "memwall/report/ink.h"

#include <array>
#include <cstdlib>
#include <string>

#include <unistd.h>

namespace memwall {
namespace {

std::string wrapped(std::string_view text, std::string_view code, Ink ink) {
  if (!ink.colour || text.empty()) {
    return std::string(text);
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

}  // namespace

Ink ink_for(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool refused = no_color != nullptr && *no_color != '\0';
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return Ink{!refused && !dumb && ::isatty(::fileno(stream)) == 1};
}

std::string painted(std::string_view text, Tone tone, Ink ink) {
  constexpr std::array<std::string_view, 3> kCodes = {"1", "2", "33"};
  return wrapped(text, kCodes[static_cast<std::size_t>(tone)], ink);
}

std::string painted(std::string_view text, Category category, Ink ink) {
  // Blue, cyan, green, magenta, grey: told apart on dark and on light backgrounds.
  constexpr std::array<std::string_view, kCategoryCount> kCodes = {"34", "36", "32", "35", "90"};
  return wrapped(text, kCodes[static_cast<std::size_t>(category)], ink);
}

}  // namespace memwall
