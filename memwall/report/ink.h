// ink.h - how text may be drawn: plain, or with colours and block characters on a terminal.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "memwall/program/program.h"

namespace memwall {

struct Ink {
  bool colour = false;
};

// Colour only when `stream` is a terminal, $NO_COLOR is unset or empty, and $TERM is not "dumb".
Ink ink_for(std::FILE* stream);

enum class Tone { strong, faint, warning };
std::string painted(std::string_view text, Tone tone, Ink ink);
// In the colour that stands for a category in every bar.
std::string painted(std::string_view text, Category category, Ink ink);

}  // namespace memwall
