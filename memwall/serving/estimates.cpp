#include "memwall/serving/estimates.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace memwall {
namespace {

// The card that a fact is on: a pool's chip, or the box.
Chip& card_of(System& system, std::size_t index) {
  return index < system.pools.size() ? system.pools[index].chip : system.facts;
}

class Sweep {
 public:
  Sweep(const System& system, const Measure& measure)
      : system_(system), measure_(measure), base_(measure(system)) {}

  const std::vector<double>& base() const { return base_; }

  // The answer with one fact at another value, or the base where there is none.
  std::vector<double> with(std::size_t card, const std::string& key, double value) {
    try {
      std::vector<double> numbers = refusable_with(card, key, value);
      return numbers.empty() ? base_ : numbers;
    } catch (const ConfigError&) {
      return base_;
    }
  }

  // A value that the family refuses (a count that must be whole, say) is one that it reads.
  bool depends_on(std::size_t card, const Fact& fact) {
    constexpr double kNudge = 0.99;
    try {
      return refusable_with(card, fact.key, kNudge * fact.value) != base_;
    } catch (const ConfigError&) {
      return true;
    }
  }

 private:
  // Empty where there is no answer; ConfigError where the family refuses the value.
  std::vector<double> refusable_with(std::size_t card, const std::string& key, double value) {
    Fact& fact = card_of(system_, card).facts.at(key);
    const double published = std::exchange(fact.value, value);
    try {
      std::vector<double> numbers = measure_(system_);
      fact.value = published;
      return numbers;
    } catch (const ConfigError&) {
      fact.value = published;
      throw;
    }
  }

  System system_;  // a copy whose facts move
  const Measure& measure_;
  std::vector<double> base_;
};

// The effect of one estimate; has_range false and no numbers when it has none.
EstimateEffect effect_of(Sweep& sweep, std::size_t card, const std::string& card_name, const Fact& fact) {
  EstimateEffect effect;
  effect.card = card_name;
  effect.fact = fact.key;
  effect.value = fact.text;
  effect.estimate = fact.estimate;
  effect.has_range = fact.low && fact.high;
  if (effect.has_range) {
    effect.low = sweep.with(card, fact.key, *fact.low);
    effect.high = sweep.with(card, fact.key, *fact.high);
    effect.swing = std::abs(effect.high.front() - effect.low.front()) / sweep.base().front();
  }
  return effect;
}

}  // namespace

std::vector<EstimateEffect> sweep_estimates(const System& system, const Measure& measure) {
  Sweep sweep(system, measure);
  std::vector<EstimateEffect> effects;
  if (sweep.base().empty()) {
    return effects;
  }
  System cards = system;
  for (std::size_t card = 0; card <= system.pools.size(); ++card) {
    const Chip& chip = card_of(cards, card);
    for (const auto& [key, fact] : chip.facts) {
      if (!fact.is_estimate()) {
        continue;
      }
      EstimateEffect effect = effect_of(sweep, card, chip.name, fact);
      const bool matters = effect.has_range ? effect.low != sweep.base() || effect.high != sweep.base()
                                            : sweep.depends_on(card, fact);
      if (matters) {
        effects.push_back(std::move(effect));
      }
    }
  }
  std::stable_sort(effects.begin(), effects.end(),
                   [](const EstimateEffect& a, const EstimateEffect& b) { return a.swing > b.swing; });
  return effects;
}

}  // namespace memwall
