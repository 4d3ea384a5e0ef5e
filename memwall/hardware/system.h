// system.h - what a model is placed on: pools of chips with roles, and the links between chips.
//
// "hgx-h100" is a card in systems/; "8xh100" is a shorthand for that many chips of one kind joined by the
// chip's own scale-up link as far as one domain of that link reaches.
#pragma once

#include <string>
#include <vector>

#include "memwall/hardware/chip.h"

namespace memwall {

enum class PoolRole { everything, prefill, decode, attention, ffn };

struct Pool {
  Chip chip;
  int count = 1;
  PoolRole role = PoolRole::everything;
};

struct System {
  std::string name, title, file;
  std::vector<Pool> pools;  // at least one
  // Facts of the box itself, by key: "all_in_power", "price_per_hour", "scale_up.bandwidth"... A Chip without
  // a family: same readers, same sources. Keys absent here fall back to the chip's.
  Chip facts;

  const Chip& chip() const { return pools.front().chip; }
  int chips() const;  // over all pools
};

// A card name, a path to a card, or "NxCHIP". Throws ConfigError.
System read_system(const std::string& name_or_path);
std::string to_text(const System& system);

}  // namespace memwall
