// system.h - what a model is placed on: pools of chips with roles, and the links between chips.
//
// "hgx-h100" is a card in systems/; "8xh100" is a shorthand for that many chips of one kind joined by the
// chip's own scale-up link as far as one domain of that link reaches, and by its scale-out link beyond.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "memwall/hardware/chip.h"

namespace memwall {

enum class PoolRole { everything, prefill, decode, attention, ffn };
std::string_view name(PoolRole role);

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

  // The card that answers for a key: the system's own when it has the fact, else the first pool's chip.
  const Chip& card_of(const std::string& key) const { return facts.has(key) ? facts : chip(); }
  bool has(const std::string& key) const { return card_of(key).has(key); }
  template <class Q>
  Q get(const std::string& key) const {
    return card_of(key).get<Q>(key);
  }
  template <class Q>
  Q get_or(const std::string& key, Q fallback) const {
    return card_of(key).get_or<Q>(key, fallback);
  }
};

// A card name, a path to a card, or "NxCHIP" where CHIP is a name or path. Throws ConfigError, also for more
// chips than one scale-up domain holds when neither the system nor the chip states scale_out.bandwidth.
System read_system(const std::string& name_or_path);
// `file` is for messages and the system's name; chips given as relative paths are beside it.
System parse_system(const std::string& text, const std::string& file);
std::string to_text(const System& system);

}  // namespace memwall
