// chip.h - a chip card: facts with sources, grouped by dotted keys that its family reads.
//
// The card's fixed part is name, family, title and sources; everything else is a Fact. What a family needs it
// asks for by key, so a number that nobody published is left out of the card and fails clearly when asked
// for.
//
// The group `calibration` holds constants fitted to measurements (`memwall calibrate` writes it). A key K is
// read as calibration.K where the card has that, else as K, so a family does not know which of the two it
// got. What a card that names its process leaves out comes from a technology table (technology.h).
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "memwall/core/number_format.h"
#include "memwall/hardware/fact.h"

namespace memwall {

struct Chip {
  std::string name;    // file stem
  std::string family;  // a registered processor family
  std::string title;   // "NVIDIA H100 SXM 80 GB"
  std::string file;
  Sources sources;
  std::map<std::string, Word> words;  // textual entries by dotted key: "wired_model" -> "gpt-oss-120b"
  std::map<std::string, Fact> facts;  // by dotted key, as written: calibration.K and K are two entries

  bool has(const std::string& key) const { return find(key) != nullptr; }
  const Fact& fact(const std::string& key) const;  // ConfigError naming the card and key when absent
  bool is_calibrated() const { return !below(kCalibration).empty(); }
  Chip without_calibration() const;  // the card as it was before anything was fitted
  // This card with what was fitted to another chip, as far as it has the same facts.
  Chip with_calibration_of(const Chip& other) const;

  // The value of a fact; ConfigError if absent or of another dimension.
  template <class Q>
  Q get(const std::string& key) const {
    return Q(checked_value(key, dimension_of(Q{})));
  }
  template <class Q>
  Q get_or(const std::string& key, Q fallback) const {
    return has(key) ? get<Q>(key) : fallback;
  }
  std::string word(const std::string& key) const;  // ConfigError when absent
  std::string word_or(const std::string& key, const std::string& fallback) const;
  // Keys directly below a dotted prefix, sorted: below("compute") -> bf16, fp8.
  std::vector<std::string> below(const std::string& prefix) const;
  // Throws for facts and words outside `known`; an entry ending in ".*" admits a whole group. calibration.K
  // is admitted with K; calibration.fit.* (what the fit was made of), the word `technology` and what came
  // from its table always.
  void refuse_unknown(const std::vector<std::string>& known) const;

  static constexpr const char* kCalibration = "calibration";
  static constexpr const char* kTechnology = "technology";  // the word that names the chip's process

 private:
  const Fact* find(const std::string& key) const;
  double checked_value(const std::string& key, const Dimension& dimension) const;
};

// By card name or path (whatever has a '/' or a .yaml, .yml or .json ending). Throws ConfigError.
Chip read_chip(const std::string& name_or_path);
// `file` is for messages; its stem is the chip's name.
Chip parse_chip(const std::string& text, const std::string& file);
std::string to_text(const Chip& chip);  // every fact with its source; estimates marked

// For readers of other cards with facts. read_sources reads `sources:`, which may be absent; read_facts reads
// every key of `root` outside `fixed` as a fact, a word or a group of them.
Sources read_sources(Fields& root);
void read_facts(Fields& root, Chip& card, const std::set<std::string>& fixed);
bool is_card_path(const std::string& name_or_path);

}  // namespace memwall
