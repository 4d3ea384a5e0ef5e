#include "memwall/hardware/fact.h"

#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "memwall/core/config_reader.h"
#include "memwall/core/names.h"
#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

// What a chip or system card can mean at all, in base units: a value outside is a slip of a prefix or a
// hostile file, and would overflow the integer clock. `free` costs (time, energy, power, money) may also be
// zero.
struct Plausible {
  Dimension dimension;
  double least, most;
  bool may_be_zero;
};
constexpr std::array kPlausible = {
    Plausible{dimension_of(Ratio{}), 1e-12, 1e18, false},
    Plausible{dimension_of(Seconds{}), 1e-15, 1e9, true},
    Plausible{dimension_of(Hertz{}), 1, 1e15, false},
    Plausible{dimension_of(Bytes{}), 0.125, 1e18, false},
    Plausible{dimension_of(BytesPerSecond{}), 1e6, 1e19, false},
    Plausible{dimension_of(Ops{}), 1, 1e24, false},
    Plausible{dimension_of(OpsPerSecond{}), 1e6, 1e24, false},
    Plausible{dimension_of(OpsPerByte{}), 1e-9, 1e12, false},
    Plausible{dimension_of(Joules{}), 1e-21, 1e12, true},
    Plausible{dimension_of(Watts{}), 1e-9, 1e10, true},
    Plausible{dimension_of(JoulesPerByte{}), 1e-18, 1, true},
    Plausible{dimension_of(JoulesPerOp{}), 1e-21, 1, true},
    Plausible{dimension_of(Usd{}), 1e-9, 1e12, true},
    Plausible{dimension_of(UsdPerSecond{}), 1e-12, 1e6, true},
    Plausible{dimension_of(SquareMillimetres{}), 1e-9, 1e9, false},
};
constexpr double kAnyLeast = 1e-30, kAnyMost = 1e30;  // of a unit that the table does not list

Plausible plausible(const Dimension& dimension) {
  for (const Plausible& candidate : kPlausible) {
    if (candidate.dimension == dimension) {
      return candidate;
    }
  }
  return {dimension, kAnyLeast, kAnyMost, false};
}

constexpr const char* kFactForm = "a number with its unit, such as '3.35 TB/s'";

// `shown_key` and `where` are those of the text for messages.
MeasuredNumber measure(const std::string& text, const std::string& shown_key, const Location& where) {
  MeasuredNumber number;
  try {
    number = parse_measured_number(text);
  } catch (const std::invalid_argument& problem) {
    throw ConfigError(where, shown_key, quoted(text) + " (" + problem.what() + ")", kFactForm);
  }
  const Plausible limits = plausible(number.dimension);
  const bool is_free = number.value == 0 && number.has_unit && limits.may_be_zero;
  if (number.value <= 0 && !is_free) {
    throw ConfigError(where, shown_key, quoted(text),
                      number.value == 0 && !number.has_unit
                          ? "a positive number; a cost of zero has a unit ('0 ns')"
                          : "a positive number");
  }
  if (!is_free && (number.value < limits.least || number.value > limits.most)) {
    throw ConfigError(where, shown_key, quoted(text),
                      fmt::format("a value between {:g} and {:g} in base units", limits.least, limits.most));
  }
  return number;
}

void require_known_source(const std::string& source, const Sources& sources, const std::string& shown_key,
                          const Location& where) {
  if (sources.count(source) > 0) {
    return;
  }
  std::vector<std::string> known;
  for (const auto& [key, citation] : sources) {
    known.push_back(key);
  }
  throw ConfigError(where, shown_key, quoted(source),
                    known.empty() ? "a key of 'sources:', which is empty" : suggest_names(source, known));
}

// Text that must say something when it is there.
std::string optional_text(Fields& entry, const std::string& key) {
  if (!entry.has(key)) {
    entry.ignore(key);
    return "";
  }
  std::string text = entry.string(key);
  if (text.find_first_not_of(" \t\n") == std::string::npos) {
    entry.fail(key, "text");
  }
  return text;
}

std::string optional_source(Fields& entry, const Sources& sources) {
  std::string source = optional_text(entry, "source");
  if (!source.empty()) {
    require_known_source(source, sources, entry.key_path("source"), entry.where("source"));
  }
  return source;
}

void read_range(Fields& entry, Fact& fact) {
  if (!entry.has("range")) {
    entry.ignore("range");
    return;
  }
  if (!fact.is_estimate()) {
    entry.fail("range", "a range only beside an estimate; 'also' holds what other sources say");
  }
  const std::vector<std::string> ends = entry.strings("range");
  const std::string key = entry.key_path("range");
  if (ends.size() != 2) {
    throw ConfigError(entry.where("range"), key, fmt::format("{} values", ends.size()), "[low, high]");
  }
  const MeasuredNumber low = measure(ends[0], key, entry.where("range"));
  const MeasuredNumber high = measure(ends[1], key, entry.where("range"));
  for (const MeasuredNumber& end : {low, high}) {
    if (end.dimension != fact.dimension) {
      throw ConfigError(entry.where("range"), key, quoted(ends[0] + " to " + ends[1]),
                        "the unit of the value, " + memwall::quoted(fact.text));
    }
  }
  if (low.value > fact.value || high.value < fact.value) {
    throw ConfigError(entry.where("range"), key, quoted(ends[0] + " to " + ends[1]),
                      "a range that holds the value, " + memwall::quoted(fact.text));
  }
  fact.low = low.value;
  fact.high = high.value;
  fact.range = ends[0] + " to " + ends[1];
}

void read_alternatives(Fields& entry, const Sources& sources, Fact& fact) {
  if (!entry.has("also")) {
    entry.ignore("also");
    return;
  }
  for (Fields& other : entry.mappings("also")) {
    Alternative alternative{other.string("value"), other.string("source")};
    const MeasuredNumber number = measure(alternative.text, other.key_path("value"), other.where("value"));
    if (number.dimension != fact.dimension) {
      other.fail("value", "the unit of the value, " + memwall::quoted(fact.text));
    }
    require_known_source(alternative.source, sources, other.key_path("source"), other.where("source"));
    other.finish();
    fact.also.push_back(std::move(alternative));
  }
}

[[noreturn]] void refuse_unsourced(const Fields& entry, const Location& where) {
  throw ConfigError(where, entry.path(), "no source",
                    "'source: KEY' of an entry in 'sources:', or 'estimate: REASONING'");
}

}  // namespace

Fact read_fact(Fields& entry, const Sources& sources, const Location& where) {
  Fact fact;
  fact.key = entry.path();
  fact.where = where;
  fact.text = entry.string("value");
  const MeasuredNumber number = measure(fact.text, entry.key_path("value"), entry.where("value"));
  fact.value = number.value;
  fact.dimension = number.dimension;
  fact.has_unit = number.has_unit;
  fact.source = optional_source(entry, sources);
  fact.estimate = optional_text(entry, "estimate");
  fact.fitted = optional_text(entry, "fitted");
  fact.note = optional_text(entry, "note");
  if (fact.source.empty() && fact.estimate.empty() && fact.fitted.empty()) {
    refuse_unsourced(entry, where);
  }
  read_range(entry, fact);
  read_alternatives(entry, sources, fact);
  entry.finish();
  return fact;
}

Word read_word(Fields& entry, const Sources& sources, const Location& where) {
  Word word;
  word.where = where;
  word.text = entry.string("word");
  if (word.text.find_first_not_of(' ') == std::string::npos) {
    entry.fail("word", "text");
  }
  word.source = optional_source(entry, sources);
  word.estimate = optional_text(entry, "estimate");
  word.note = optional_text(entry, "note");
  if (word.source.empty() && word.estimate.empty()) {
    refuse_unsourced(entry, where);
  }
  entry.finish();
  return word;
}

namespace {

std::string joined_provenance(const std::string& estimate, const std::string& range,
                              const std::string& fitted, const std::string& source, const std::string& note) {
  std::string text;
  const auto add = [&text](const std::string& part) {
    text += (text.empty() || part.empty() ? "" : ", ") + part;
  };
  if (!estimate.empty()) {
    add("~ estimate: " + estimate + (range.empty() ? "" : " (" + range + ")"));
  }
  add(fitted.empty() ? "" : "fitted to " + fitted);
  add(source);
  return text + (note.empty() ? "" : "; " + note);
}

}  // namespace

std::string provenance(const Fact& fact) {
  std::string text = joined_provenance(fact.estimate, fact.range, fact.fitted, fact.source, fact.note);
  for (const Alternative& other : fact.also) {
    text += "; also " + other.text + ", " + other.source;
  }
  return text + (fact.table.empty() ? "" : "; of technology " + fact.table);
}

std::string provenance(const Word& word) {
  return joined_provenance(word.estimate, "", "", word.source, word.note);
}

}  // namespace memwall
