#include <algorithm>
#include <cmath>
#include <optional>

#include "memwall/serving/phases.h"
#include "memwall/serving/race.h"

namespace memwall {
namespace {

// The card that a fact is on: a pool's chip, or the box.
Chip& card_of(System& system, std::size_t index) {
  return index < system.pools.size() ? system.pools[index].chip : system.facts;
}

struct Outcome {
  Seconds ttft, tpot;
  double j_per_token = 0;
  bool operator==(const Outcome&) const = default;
};

class Sweep {
 public:
  Sweep(const RaceQuery& query, const System& system, const Processor& processor, const Plan& plan)
      : query_(query), system_(system), processor_(processor), plan_(plan) {}

  // The outcome with one fact set to another value. None if the placement no longer fits.
  std::optional<Outcome> with(std::size_t card, const std::string& key, double value) {
    Fact& fact = card_of(system_, card).facts.at(key);
    const double published = fact.value;
    fact.value = value;
    std::optional<Outcome> outcome = run();
    fact.value = published;
    return outcome;
  }
  std::optional<Outcome> run() {
    StepTimer timer(query_.model, system_, processor_, plan_, need_of(query_), query_.options);
    if (!timer.fits()) {
      return std::nullopt;
    }
    const Phases phases = run_phases(query_, timer);
    return Outcome{phases.prefill.time, phases.decode.time, phases.j_per_token};
  }

 private:
  const RaceQuery& query_;
  System system_;  // a copy whose facts move
  const Processor& processor_;
  Plan plan_;
};

// Whether the answer depends on an estimate that has no range: does a hundredth less of it move anything? A
// value that the family then refuses (a count that must be whole, say) is one that it reads.
bool in_use(Sweep& sweep, std::size_t card, const Fact& fact, const Outcome& base) {
  constexpr double kNudge = 0.99;
  try {
    const std::optional<Outcome> nudged = sweep.with(card, fact.key, kNudge * fact.value);
    return !nudged || *nudged != base;
  } catch (const ConfigError&) {
    return true;
  }
}

void set_range(Sensitivity& entry, const Outcome& low, const Outcome& high, const Outcome& base) {
  entry.ttft_low = low.ttft;
  entry.ttft_high = high.ttft;
  entry.tpot_low = low.tpot;
  entry.tpot_high = high.tpot;
  entry.j_per_token_low = low.j_per_token;
  entry.j_per_token_high = high.j_per_token;
  entry.tpot_swing = std::abs((high.tpot - low.tpot) / base.tpot);
}

}  // namespace

std::vector<Sensitivity> estimate_sensitivity(const RaceQuery& query, const System& system,
                                              const Processor& processor, const Plan& plan) {
  Sweep sweep(query, system, processor, plan);
  const std::optional<Outcome> base = sweep.run();
  std::vector<Sensitivity> estimates;
  if (!base) {
    return estimates;
  }
  System cards = system;
  for (std::size_t card = 0; card <= system.pools.size(); ++card) {
    const Chip& chip = card_of(cards, card);
    for (const auto& [key, fact] : chip.facts) {
      if (!fact.is_estimate()) {
        continue;
      }
      Sensitivity entry;
      entry.card = chip.name;
      entry.fact = key;
      entry.value = fact.text;
      entry.estimate = fact.estimate;
      entry.has_range = fact.low && fact.high;
      if (entry.has_range) {
        const Outcome low = sweep.with(card, key, *fact.low).value_or(*base);
        const Outcome high = sweep.with(card, key, *fact.high).value_or(*base);
        if (low == *base && high == *base) {
          continue;
        }
        set_range(entry, low, high, *base);
      } else if (!in_use(sweep, card, fact, *base)) {
        continue;
      }
      estimates.push_back(std::move(entry));
    }
  }
  std::stable_sort(estimates.begin(), estimates.end(),
                   [](const Sensitivity& a, const Sensitivity& b) { return a.tpot_swing > b.tpot_swing; });
  return estimates;
}

}  // namespace memwall
