#include "memwall/serving/fact_sweep.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/names.h"
#include "memwall/core/unit_text.h"
#include "memwall/serving/plan_choice.h"
#include "memwall/serving/run_step.h"

namespace memwall {
namespace {

// The card that answers for a key: the box, or the first chip that has it.
Chip* card_of(System& system, const std::string& key) {
  if (system.facts.facts.count(key) > 0) {
    return &system.facts;
  }
  for (Pool& pool : system.pools) {
    if (pool.chip.facts.count(key) > 0) {
      return &pool.chip;
    }
  }
  return nullptr;
}

bool is_count(const Fact& fact) {
  return !fact.has_unit && fact.value == std::floor(fact.value) && fact.value >= 1;
}

// "TB/s" of "3.35 TB/s".
std::string unit_of(const std::string& text) {
  const std::size_t blank = text.find(' ');
  return blank == std::string::npos ? "" : text.substr(blank + 1);
}

struct Value {
  std::string text;
  double base = 0;
};

Value parse_value(const Fact& fact, const std::string& text) {
  const auto fail = [&] {
    throw ConfigError("--values", quoted(text),
                      fmt::format("a value such as '{}', that of {}", fact.text, fact.key));
  };
  MeasuredNumber number;
  try {
    number = parse_measured_number(text);
  } catch (const std::invalid_argument&) {
    fail();
  }
  if (number.dimension != fact.dimension || number.has_unit != fact.has_unit || number.value <= 0) {
    fail();
  }
  return {text, number.value};
}

// In the unit that the card writes the fact in.
Value in_unit(const Fact& fact, double base) {
  const std::string unit = unit_of(fact.text);
  const double one = unit.empty() ? 1 : parse_measured_number("1 " + unit).value;
  const double value = base / one;
  const bool is_count = unit.empty() && value == std::floor(value);  // 16384, not 1.638e+04
  return {fmt::format("{:.{}g}{}{}", value, is_count ? 15 : 4, unit.empty() ? "" : " ", unit), base};
}

std::vector<Value> values_in_range(const Fact& fact) {
  if (!fact.low || !fact.high) {
    throw ConfigError(fact.where, fact.key, "a fact without a range", "--values");
  }
  std::vector<Value> values;
  if (is_count(fact)) {
    for (double value = *fact.low; value <= *fact.high; value *= 2) {
      values.push_back(in_unit(fact, value));
    }
    return values;
  }
  constexpr int kRatios = 8;
  const double ratio = *fact.high / *fact.low;
  for (int i = 0; i <= kRatios; ++i) {
    values.push_back(in_unit(fact, *fact.low * std::pow(ratio, static_cast<double>(i) / kRatios)));
  }
  return values;
}

}  // namespace

SweptAnswer ask_step(const Model& model, const Step& step, const System& system, const Processor& processor,
                     const std::optional<Plan>& plan, const LowerOptions& options) {
  processor.check(system);
  const ChosenPlan chosen = choose_plan(model, system, processor, plan, need_of(step), options,
                                        [&](StepTimer& timer) { return timer.time(step); });
  SweptAnswer answer;
  answer.plan = to_text(chosen.timer->placement().plan);
  if (!chosen.timer->fits()) {
    answer.refusal = chosen.timer->placement().refusal;
    return answer;
  }
  const Ledger ledger = chosen.timer->ledger(step);
  answer.value = ledger.time.value;
  answer.bound_by = ledger.bound_by;
  answer.energy = ledger.energy();
  answer.tokens_per_s =
      static_cast<double>(step.new_tokens()) * chosen.timer->batches_in_flight() / ledger.time.value;
  return answer;
}

SweptAnswer ask_figure(const std::string& name, const System& system, const Processor& processor) {
  processor.check(system);
  std::vector<std::string> known;
  for (const Figure& figure : processor.figures(system)) {
    if (figure.name == name) {
      SweptAnswer answer;
      answer.value = figure.value;
      return answer;
    }
    known.push_back(figure.name);
  }
  throw ConfigError("--figure", quoted(name), suggest_names(name, known));
}

std::vector<std::string> free_facts(const System& system) {
  std::vector<std::string> keys;
  const auto add = [&](const Chip& chip) {
    for (const auto& [key, fact] : chip.facts) {
      if (fact.low && fact.high && std::find(keys.begin(), keys.end(), key) == keys.end()) {
        keys.push_back(key);
      }
    }
  };
  add(system.facts);
  for (const Pool& pool : system.pools) {
    add(pool.chip);
  }
  return keys;
}

FactSweep sweep_fact(const System& system, const std::string& fact, const std::vector<std::string>& values,
                     const SweepQuestion& ask) {
  System moved = system;
  Chip* card = card_of(moved, fact);
  if (card == nullptr) {
    throw ConfigError("--fact", quoted(fact), suggest_names(fact, free_facts(system)));
  }
  Fact& swept = card->facts.at(fact);
  FactSweep sweep;
  sweep.card = card->name;
  sweep.fact = fact;
  sweep.text = swept.text;
  sweep.unit = unit_of(swept.text);
  std::vector<Value> all;
  if (values.empty()) {
    all = values_in_range(swept);
  } else {
    for (const std::string& text : values) {
      all.push_back(parse_value(swept, text));
    }
  }
  const double own = swept.value;
  const auto close = [&](double value) { return std::abs(value / own - 1) < 1e-6; };
  if (std::none_of(all.begin(), all.end(), [&](const Value& value) { return close(value.base); })) {
    all.push_back({swept.text, own});
  }
  std::stable_sort(all.begin(), all.end(), [](const Value& a, const Value& b) { return a.base < b.base; });
  for (const Value& value : all) {
    SweptPoint point{value.text, value.base, close(value.base), {}};
    swept.value = point.is_card ? own : value.base;
    swept.text = value.text;
    try {
      point.answer = ask(moved);
    } catch (const ConfigError& error) {
      if (point.is_card) {
        throw;
      }
      point.answer.refusal = error.what();
    }
    sweep.points.push_back(std::move(point));
  }
  return sweep;
}

}  // namespace memwall
