#include "memwall/hardware/technology.h"

#include <algorithm>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/core/names.h"

namespace memwall {
namespace {

constexpr const char* kFolder = "technology";
constexpr const char* kOffChip = "off_chip";

// A table is a card without a family.
Chip read_table(const std::string& name) {
  const std::filesystem::path file = card_file(kFolder, name);
  const Document document = parse_yaml(read_text_file(file), file.string());
  Fields root(document);
  Chip table;
  table.name = file.stem().string();
  table.file = file.string();
  table.title = root.string("title");
  table.sources = read_sources(root);
  read_facts(root, table, {"title", "sources"});
  return table;
}

void add_table(const std::string& name, Chip& chip) {
  const Chip table = read_table(name);
  for (const auto& [key, fact] : table.facts) {
    const auto [added, is_new] = chip.facts.emplace(key, fact);
    if (!is_new) {
      continue;
    }
    Fact& taken = added->second;
    taken.table = table.name;
    if (!taken.source.empty()) {
      const std::string source = table.name + "." + taken.source;
      chip.sources.emplace(source, table.sources.at(taken.source));
      taken.source = source;
    }
  }
}

}  // namespace

void add_technology(Chip& chip) {
  const auto process = chip.words.find(Chip::kTechnology);
  if (process == chip.words.end()) {
    return;
  }
  const std::string& name = process->second.text;
  const std::vector<std::string> names = card_names(kFolder);
  if (std::find(names.begin(), names.end(), name) == names.end() || name == kOffChip) {
    throw ConfigError(process->second.where, Chip::kTechnology, quoted(name), suggest_names(name, names));
  }
  add_table(name, chip);
  add_table(kOffChip, chip);
}

VoltageCurve voltage_curve(const Chip& chip) {
  VoltageCurve curve;
  curve.threshold = chip.get<Ratio>("supply.threshold");
  curve.alpha = chip.get<Ratio>("supply.alpha");
  curve.lowest = chip.get<Ratio>("supply.lowest");
  const auto refuse = [&](const char* key, const char* expected) {
    const Fact& fact = chip.fact(key);
    throw ConfigError(fact.where, key, fact.text, expected);
  };
  if (curve.lowest > 1) {
    refuse("supply.lowest", "a share of the nominal supply, at most 1");
  }
  if (curve.threshold >= curve.lowest) {
    refuse("supply.threshold", "less than supply.lowest");
  }
  if (curve.alpha < 1 || curve.alpha > 2) {
    refuse("supply.alpha", "from 1 to 2");
  }
  return curve;
}

Watts leakage(const Chip& chip, SquareMillimetres area) {
  using Density = decltype(Watts(1) / SquareMillimetres(1));
  return chip.get<Density>("leakage.density") * area;
}

}  // namespace memwall
