#include "memwall/serving/speculation.h"

#include <algorithm>
#include <cmath>

#include "memwall/core/error.h"
#include "memwall/serving/plan_choice.h"

namespace memwall {
namespace {

constexpr std::int64_t kMostDrafts = 64;

// Time and energy of a pass. Power that flows all the time is kept apart: it flows through the whole round.
struct Cost {
  Seconds time;
  Joules dynamic;
};

// A model loaded on a system, and what a pass over `tokens` new tokens per sequence costs there.
class Side {
 public:
  Side(const Model& model, const OpenSystem& open, const std::optional<Plan>& plan,
       const SpeculationQuery& query)
      : query_(query), model_(model), system_(open.system.name) {
    const std::int64_t most = *std::max_element(query.drafted.begin(), query.drafted.end());
    const Need need{query.batch, query.context + most + 1, query.batch * (most + 1)};
    chosen_ = choose_plan(model, open.system, *open.processor, plan, need, query.options,
                          [&](StepTimer& timer) { return timer.time(step(1)); });
    if (fits()) {
      const Ledger ledger = chosen_.timer->ledger(step(1));
      static_power_ = ledger.static_energy / ledger.time;
    }
  }

  bool fits() const { return chosen_.timer->fits(); }
  Watts static_power() const { return static_power_; }
  // All new tokens need their logits.
  Cost pass(std::int64_t tokens) {
    const Ledger ledger = chosen_.timer->ledger(step(tokens));
    return {ledger.time, ledger.dynamic_energy};
  }
  SpeculationSide summary() {
    SpeculationSide side;
    side.model = model_.name;
    side.system = system_;
    side.fits = fits();
    side.refusal = chosen_.timer->placement().refusal;
    side.plan = chosen_.timer->placement().plan;
    side.pass = fits() ? pass(1).time : Seconds(0);
    return side;
  }

 private:
  Step step(std::int64_t tokens) const {
    return {{{query_.batch, tokens, query_.context, tokens}}, query_.routing};
  }

  const SpeculationQuery& query_;
  const Model& model_;
  std::string system_;
  ChosenPlan chosen_;
  Watts static_power_;
};

// gamma passes; the first of them takes in two tokens when the round before accepted every draft.
Cost draft_cost(Side& drafter, std::int64_t drafted, double acceptance) {
  const Cost one = drafter.pass(1), two = drafter.pass(2);
  const double all_accepted = std::pow(acceptance, static_cast<double>(drafted));
  const double plain = static_cast<double>(drafted) - all_accepted;
  return {one.time * plain + two.time * all_accepted, one.dynamic * plain + two.dynamic * all_accepted};
}

struct Round {
  Seconds draft, verify, whole;
  double j_per_token = 0;
};
Round round_of(Side& drafter, Side& target, Seconds transfer, Watts static_power,
               const SpeculationPoint& point, std::int64_t batch) {
  const Cost draft = draft_cost(drafter, point.drafted, point.acceptance);
  const Cost verdict = target.pass(point.drafted + 1);
  Round round{draft.time, verdict.time, draft.time + verdict.time + transfer * 2, 0};
  const Joules energy = draft.dynamic + verdict.dynamic + static_power * round.whole;
  round.j_per_token = energy.value / point.tokens_per_round / static_cast<double>(batch);
  return round;
}

void require(bool good, const char* key, const std::string& found, const std::string& expected) {
  if (!good) {
    throw ConfigError(key, found, expected);
  }
}

Seconds transfer_of(const SpeculationQuery& query, const System& target, const System& draft) {
  if (query.transfer) {
    return *query.transfer;
  }
  const std::string key = "scale_out.latency";
  const Seconds none(0);
  const Seconds larger = std::max(target.get_or(key, none), draft.get_or(key, none));
  require(larger > none, "transfer", "no scale_out.latency on either card", "a time such as '5 us'");
  return larger;
}

}  // namespace

void verify(const SpeculationQuery& query) {
  require(!query.drafted.empty() && !query.acceptance.empty(), "gamma and acceptance", "none",
          "at least one of each");
  for (const std::int64_t drafted : query.drafted) {
    require(drafted >= 1 && drafted <= kMostDrafts, "gamma", std::to_string(drafted),
            "a whole number from 1 to " + std::to_string(kMostDrafts));
  }
  for (const double acceptance : query.acceptance) {
    require(acceptance >= 0 && acceptance <= 1, "acceptance", std::to_string(acceptance),
            "a number from 0 to 1");
  }
  require(query.target.vocab_size == query.draft.vocab_size, "draft model",
          "a vocabulary of " + std::to_string(query.draft.vocab_size),
          "the target's " + std::to_string(query.target.vocab_size));
  const std::int64_t most = *std::max_element(query.drafted.begin(), query.drafted.end());
  for (const Model* model : {&query.target, &query.draft}) {
    verify(Step{{{query.batch, most + 1, query.context}}, query.routing}, *model);
  }
}

double expected_tokens(std::int64_t drafted, double acceptance) {
  double sum = 1, power = 1;
  for (std::int64_t i = 0; i < drafted; ++i) {
    power *= acceptance;
    sum += power;
  }
  return sum;
}

SpeculationResult speculate(const SpeculationQuery& query, const OpenSystem& target,
                            const OpenSystem& draft) {
  verify(query);
  SpeculationResult result;
  Side verifier(query.target, target, query.target_plan, query);
  Side drafter(query.draft, draft, query.draft_plan, query);
  result.target = verifier.summary();
  result.draft = drafter.summary();
  result.transfer = transfer_of(query, target.system, draft.system);
  if (!verifier.fits()) {
    return result;
  }
  const Cost alone = verifier.pass(1);
  const auto users = static_cast<double>(query.batch);
  result.alone_tokens_per_s_per_user = 1 / alone.time.value;
  result.alone_j_per_token = (alone.dynamic + verifier.static_power() * alone.time).value / users;
  if (!drafter.fits()) {
    return result;
  }
  Side neighbour(query.draft, target, std::nullopt, query);
  for (const double acceptance : query.acceptance) {
    for (const std::int64_t drafted : query.drafted) {
      SpeculationPoint point;
      point.drafted = drafted;
      point.acceptance = acceptance;
      point.tokens_per_round = expected_tokens(drafted, acceptance);
      const Round apart = round_of(drafter, verifier, result.transfer,
                                   drafter.static_power() + verifier.static_power(), point, query.batch);
      point.draft = apart.draft;
      point.verify = apart.verify;
      point.round = apart.whole;
      point.tokens_per_s_per_user = point.tokens_per_round / apart.whole.value;
      point.j_per_token = apart.j_per_token;
      point.speedup = point.tokens_per_s_per_user / result.alone_tokens_per_s_per_user;
      if (neighbour.fits()) {
        const Round together =
            round_of(neighbour, verifier, Seconds(0), verifier.static_power(), point, query.batch);
        point.speedup_together = together.whole / apart.whole;
        point.j_per_token_together = together.j_per_token;
      }
      result.points.push_back(point);
    }
  }
  return result;
}

}  // namespace memwall
