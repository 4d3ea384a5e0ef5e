// gpu_card.h - checked reading of a GPU's card.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "memwall/core/error.h"
#include "memwall/hardware/system.h"

namespace memwall {

// Facts of the box override those of its chips.
class GpuCard {
 public:
  explicit GpuCard(const System& system) : system_(system) {}

  template <class Q>
  Q get(const std::string& key) const {
    const Q value = card(key).get<Q>(key);
    if (!(std::isfinite(value.value) && value.value > 0)) {
      refuse(key, "a positive value");
    }
    return value;
  }
  double fraction(const std::string& key) const {
    const double value = get<Ratio>(key);
    if (value > 1) {
      refuse(key, "a share of the peak, at most 1");
    }
    return value;
  }
  int count(const std::string& key) const {
    const double value = get<Ratio>(key);
    if (value != std::floor(value) || value > 1e6) {
      refuse(key, "a whole number");
    }
    return static_cast<int>(value);
  }
  bool has(const std::string& key) const { return card(key).has(key); }
  std::string word(const std::string& key) const { return system_.chip().word(key); }
  [[noreturn]] void refuse_word(const std::string& key, const std::string& expected) const {
    const Word& word = system_.chip().words.at(key);
    throw ConfigError(word.where, key, quoted(word.text), expected);
  }
  // The entry of an architecture's libraries that the card names: entries have a `name`.
  template <class Libraries>
  const auto& library(const std::string& key, const Libraries& libraries) const {
    const std::string name = word(key);
    const auto found = std::find_if(std::begin(libraries), std::end(libraries),
                                    [&](const auto& each) { return name == each.name; });
    if (found == std::end(libraries)) {
      refuse_word(key, "ampere, hopper, blackwell or cdna");
    }
    return *found;
  }
  std::string word_or(const std::string& key, const std::string& fallback) const {
    return system_.facts.word_or(key, system_.chip().word_or(key, fallback));
  }
  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const {
    const Fact& fact = card(key).fact(key);
    throw ConfigError(fact.where, key, fact.text, expected);
  }

 private:
  const Chip& card(const std::string& key) const {
    return system_.facts.has(key) ? system_.facts : system_.chip();
  }
  const System& system_;
};

}  // namespace memwall
