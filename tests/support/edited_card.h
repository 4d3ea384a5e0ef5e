// edited_card.h - shipped chip cards with one piece of their text replaced: what a card may say, and what
// not.
#pragma once

#include <string>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/hardware/system.h"

namespace memwall {

// The text of chips/NAME.yaml with `from` replaced; as it ships when `from` is empty. Throws when it is not
// there.
inline std::string edited_chip_text(const std::string& name, const std::string& from, const std::string& to) {
  std::string text = read_text_file(card_file("chips", name));
  return from.empty() ? text : text.replace(text.find(from), from.size(), to);
}

inline Chip edited_chip(const std::string& name, const std::string& from, const std::string& to) {
  return parse_chip(edited_chip_text(name, from, to), name + ".yaml");
}

// A system's card with the chip of its first pool edited: "1xcorsair", "sohu-8".
inline System edited_system(const std::string& name, const std::string& from, const std::string& to) {
  System system = read_system(name);
  Chip& chip = system.pools.front().chip;
  chip = edited_chip(chip.name, from, to);
  return system;
}

}  // namespace memwall
