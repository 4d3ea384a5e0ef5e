#include "memwall/serving/race.h"

#include <string>

#include "memwall/core/error.h"
#include "memwall/serving/phases.h"
#include "memwall/serving/plan_choice.h"

namespace memwall {
namespace {

void require_count(const std::string& key, std::int64_t value) {
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  if (value < 1 || value > kMost) {
    throw ConfigError(key, std::to_string(value), "a whole number from 1 to 2^30");
  }
}

}  // namespace

void verify(const RaceQuery& query) {
  require_count("prompt", query.prompt);
  require_count("output", query.output);
  require_count("batch", query.batch);
  require_count("max_step_tokens", query.max_step_tokens);
  verify(Step{{{query.batch, query.prompt, 0}}, query.routing}, query.model);
  verify(Step{{{query.batch, 1, query.prompt + query.output - 1}}, query.routing}, query.model);
}

RaceResult race(const RaceQuery& query, const System& system, const Processor& processor) {
  verify(query);
  RaceResult result;
  result.system = system.name;
  result.title = system.title;
  result.family = system.chip().family;
  result.model = query.model.name;
  result.chips = system.chips();

  const ChosenPlan chosen =
      choose_plan(query.model, system, processor, query.plan, need_of(query), query.options,
                  [&](StepTimer& timer) { return end_to_end_time(query, timer); });
  StepTimer& timer = *chosen.timer;
  const Placement& placement = timer.placement();
  result.fits = placement.fits;
  result.refusal = placement.refusal;
  result.smallest_chips = placement.smallest_chips;
  result.plan = placement.plan;
  result.plan_was_chosen = chosen.was_chosen;
  result.memory = placement.memory;
  if (!placement.fits) {
    return result;
  }

  Phases phases = run_phases(query, timer);
  result.prefill = phases.prefill;
  result.decode = phases.decode;
  result.peak_ops = phases.roofline.peak_ops;
  result.arithmetic = phases.roofline.arithmetic;
  result.peak_bandwidth = phases.roofline.peak_bandwidth;
  result.memory_level = phases.roofline.memory;
  result.users = static_cast<double>(query.batch) * timer.batches_in_flight();
  result.ttft = phases.prefill.time;
  result.tpot = phases.decode.time;
  result.end_to_end = end_to_end(query, result.ttft, result.tpot);
  result.tokens_per_s_per_user = 1 / result.tpot.value;
  result.tokens_per_s = result.users * result.tokens_per_s_per_user;
  result.tokens_per_s_per_chip = result.tokens_per_s / result.chips;
  result.j_per_token = phases.j_per_token;
  result.j_per_token_shares = phases.j_per_token_shares;
  if (query.with_pareto) {
    result.pareto = pareto_sweep(query, system, processor);
  }
  if (query.with_estimates) {
    result.estimates = estimate_sensitivity(query, system, processor, result.plan);
  }
  return result;
}

}  // namespace memwall
