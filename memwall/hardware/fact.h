// fact.h - a published number: value, unit, and where it comes from.
//
// In a card:  bandwidth: {value: 3.35 TB/s, source: datasheet}
//             l2_latency: {value: 200 ns, estimate: "as B200's far partition", range: [150 ns, 300 ns]}
//             hbm_fraction: {value: 0.90, fitted: "GEMM m=1 rows of AIConfigurator", source: aic}
//             capacity: {value: 288 GB, source: blog, also: [{value: 268 GB, source: notes}]}
//             wired_model: {word: gpt-oss-120b, source: paper}
// `source` names an entry of the card's `sources:` list. A fact has a source, or an estimate with its
// reasoning, or the data it was fitted to; otherwise it is refused. `also` keeps what other sources say where
// they disagree: shown, never computed with. docs/adding-a-chip.md has every rule.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/units.h"

namespace memwall {

class Fields;

// Key of a source -> citation.
using Sources = std::map<std::string, std::string>;

struct Alternative {
  std::string text, source;
};

struct Fact {
  std::string key;   // dotted path in the card: "hbm.bandwidth"
  double value = 0;  // base units
  Dimension dimension;
  bool has_unit = false;
  std::string text;                 // as written: "3.35 TB/s"
  std::string source;               // key into the card's sources, or empty
  std::string estimate;             // reasoning, or empty
  std::string fitted;               // data, or empty
  std::string note;                 // anything a reader should know, or empty
  std::optional<double> low, high;  // range of an estimate, base units: low <= value <= high
  std::string range;                // as written: "150 ns to 300 ns", or empty
  std::vector<Alternative> also;
  std::string table;  // the technology table that answered for the card, or empty
  Location where;
  bool is_estimate() const { return !estimate.empty(); }
};

// An entry that is text: the model a chip is wired for, the shape of a network.
struct Word {
  std::string text, source, estimate, note;
  Location where;
};

// `entry` is the mapping of one fact or word, `where` the place of its key. Zero is accepted with a unit of
// time, energy, power or money only; negative and absurd values never. Throw ConfigError.
Fact read_fact(Fields& entry, const Sources& sources, const Location& where);
Word read_word(Fields& entry, const Sources& sources, const Location& where);

// "datasheet", "~ estimate: reasoning (150 ns to 300 ns)", "fitted to AIC, aic": what stands beside a value.
std::string provenance(const Fact& fact);
std::string provenance(const Word& word);

}  // namespace memwall
