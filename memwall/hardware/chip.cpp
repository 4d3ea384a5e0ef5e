#include "memwall/hardware/chip.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/core/names.h"
#include "memwall/core/unit_text.h"
#include "memwall/hardware/technology.h"

namespace memwall {
namespace {

constexpr const char* kEntryForm = "{value: NUMBER UNIT, source: KEY} or a group of such entries";

void require_key_form(const std::string& key, const Fields& group) {
  const bool is_plain = std::all_of(key.begin(), key.end(), [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
           character == '_';
  });
  if (key.empty() || !is_plain) {
    throw ConfigError(group.where(key), group.path(), "the key " + quoted(key),
                      "a key of lower-case letters, digits and _");
  }
}

// Tells a fact or a word from a group even when the fact has lost its value.
bool is_entry(const Fields& mapping) {
  for (const char* key : {"value", "word", "source", "estimate", "fitted"}) {
    if (mapping.has(key) && !mapping.is_mapping(key)) {
      return true;
    }
  }
  return false;
}

void read_entry(Fields& group, const std::string& key, Chip& card);

void read_group(Fields& group, Chip& card) {
  const std::vector<std::string> keys = group.keys();
  if (keys.empty()) {
    throw ConfigError(group.where(), group.path(), "an empty group", kEntryForm);
  }
  for (const std::string& key : keys) {
    read_entry(group, key, card);
  }
}

void read_entry(Fields& group, const std::string& key, Chip& card) {
  require_key_form(key, group);
  if (!group.is_mapping(key)) {
    group.fail(key, kEntryForm);
  }
  Fields entry = group.mapping(key);
  if (!is_entry(entry)) {
    read_group(entry, card);
  } else if (entry.has("word")) {
    card.words.emplace(entry.path(), read_word(entry, card.sources, group.where(key)));
  } else {
    card.facts.emplace(entry.path(), read_fact(entry, card.sources, group.where(key)));
  }
}

std::vector<std::string> keys_of(const Chip& card) {
  std::vector<std::string> keys;
  for (const auto& [key, fact] : card.facts) {
    keys.push_back(key);
  }
  for (const auto& [key, word] : card.words) {
    keys.push_back(key);
  }
  return keys;
}

const std::string kCalibrationPrefix = std::string(Chip::kCalibration) + ".";
const std::string kFitPrefix = kCalibrationPrefix + "fit.";

bool admits(const std::string& pattern, const std::string& key) {
  return pattern.ends_with(".*") ? key.starts_with(pattern.substr(0, pattern.size() - 1)) : pattern == key;
}

}  // namespace

const Fact* Chip::find(const std::string& key) const {
  auto found = facts.find(kCalibrationPrefix + key);
  if (found == facts.end()) {
    found = facts.find(key);
  }
  return found == facts.end() ? nullptr : &found->second;
}

const Fact& Chip::fact(const std::string& key) const {
  const Fact* found = find(key);
  if (found == nullptr) {
    throw ConfigError(Location{file}, key, "no such fact", "a value with its source; the card leaves it out");
  }
  return *found;
}

Chip Chip::without_calibration() const {
  Chip chip = *this;
  std::erase_if(chip.facts, [](const auto& entry) { return entry.first.starts_with(kCalibrationPrefix); });
  return chip;
}

double Chip::checked_value(const std::string& key, const Dimension& dimension) const {
  const Fact& found = fact(key);
  if (found.dimension != dimension) {
    throw ConfigError(found.where, key, quoted(found.text) + (found.has_unit ? "" : " without a unit"),
                      describe_dimension(dimension));
  }
  return found.value;
}

std::string Chip::word(const std::string& key) const {
  const auto found = words.find(key);
  if (found == words.end()) {
    throw ConfigError(Location{file}, key, "no such entry", "{word: TEXT, source: KEY}");
  }
  return found->second.text;
}

std::string Chip::word_or(const std::string& key, const std::string& fallback) const {
  const auto found = words.find(key);
  return found == words.end() ? fallback : found->second.text;
}

std::vector<std::string> Chip::below(const std::string& prefix) const {
  std::set<std::string> names;
  for (const std::string& key : keys_of(*this)) {
    if (key.starts_with(prefix + ".")) {
      const std::string rest = key.substr(prefix.size() + 1);
      names.insert(rest.substr(0, rest.find('.')));
    }
  }
  return {names.begin(), names.end()};
}

Chip Chip::with_calibration_of(const Chip& other) const {
  Chip chip = without_calibration();
  for (const auto& [key, fact] : other.facts) {
    if (key.starts_with(kCalibrationPrefix) && chip.has(key.substr(kCalibrationPrefix.size()))) {
      chip.facts.emplace(key, fact);
    }
  }
  return chip;
}

void Chip::refuse_unknown(const std::vector<std::string>& known) const {
  for (const std::string& key : keys_of(*this)) {
    const std::string plain =
        key.starts_with(kCalibrationPrefix) ? key.substr(kCalibrationPrefix.size()) : key;
    const auto own = facts.find(key);
    const bool is_known = key.starts_with(kFitPrefix) || key == kTechnology ||
                          (own != facts.end() && !own->second.table.empty()) ||
                          std::any_of(known.begin(), known.end(), [&](const std::string& pattern) {
                            return admits(pattern, key) || admits(pattern, plain);
                          });
    if (!is_known) {
      throw ConfigError(own != facts.end() ? own->second.where : words.at(key).where, key, "an unknown key",
                        suggest_names(key, known));
    }
  }
}

Sources read_sources(Fields& root) {
  Sources sources;
  if (!root.has("sources")) {
    root.ignore("sources");
    return sources;
  }
  Fields list = root.mapping("sources");
  for (const std::string& key : list.keys()) {
    require_key_form(key, list);
    if (list.string(key).empty()) {
      list.fail(key, "a citation");
    }
    sources.emplace(key, list.string(key));
  }
  return sources;
}

void read_facts(Fields& root, Chip& card, const std::set<std::string>& fixed) {
  for (const std::string& key : root.keys()) {
    if (fixed.count(key) == 0) {
      read_entry(root, key, card);
    }
  }
}

Chip parse_chip(const std::string& text, const std::string& file) {
  const Document document = parse_yaml(text, file);
  Fields root(document);
  Chip chip;
  chip.name = std::filesystem::path(file).stem().string();
  chip.file = file;
  chip.title = root.string("title");
  chip.family = root.string("family");
  chip.sources = read_sources(root);
  read_facts(root, chip, {"title", "family", "sources"});
  add_technology(chip);
  return chip;
}

bool is_card_path(const std::string& name_or_path) {
  return name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".yaml") ||
         name_or_path.ends_with(".yml") || name_or_path.ends_with(".json");
}

Chip read_chip(const std::string& name_or_path) {
  const std::filesystem::path file =
      is_card_path(name_or_path) ? std::filesystem::path(name_or_path) : card_file("chips", name_or_path);
  return parse_chip(read_text_file(file), file.string());
}

std::string to_text(const Chip& chip) {
  std::string text = fmt::format("{}: {}{}\n", chip.name, chip.title,
                                 chip.family.empty() ? "" : fmt::format(" (family {})", chip.family));
  std::size_t key_width = 0, value_width = 0;
  for (const auto& [key, fact] : chip.facts) {
    key_width = std::max(key_width, key.size());
    value_width = std::max(value_width, fact.text.size());
  }
  for (const auto& [key, word] : chip.words) {
    key_width = std::max(key_width, key.size());
    value_width = std::max(value_width, word.text.size());
  }
  const auto line = [&](const std::string& key, const std::string& value, const std::string& origin) {
    text += fmt::format("  {:<{}}  {:<{}}  {}\n", key, key_width, value, value_width, origin);
  };
  for (const auto& [key, word] : chip.words) {
    line(key, word.text, provenance(word));
  }
  for (const auto& [key, fact] : chip.facts) {
    line(key, fact.text, provenance(fact));
  }
  text += chip.sources.empty() ? "" : "sources\n";
  for (const auto& [key, citation] : chip.sources) {
    text += fmt::format("  {}: {}\n", key, citation);
  }
  return text;
}

}  // namespace memwall
