#include "memwall/serving/estimates.h"
#include "memwall/serving/phases.h"
#include "memwall/serving/race.h"

namespace memwall {

std::vector<Sensitivity> estimate_sensitivity(const RaceQuery& query, const System& system,
                                              const Processor& processor, const Plan& plan) {
  const Measure measure = [&](const System& at) {
    StepTimer timer(query.model, at, processor, plan, need_of(query), query.options);
    if (!timer.fits()) {
      return std::vector<double>{};
    }
    const Phases phases = run_phases(query, timer);
    return std::vector<double>{phases.decode.time.value, phases.prefill.time.value, phases.j_per_token};
  };
  std::vector<Sensitivity> estimates;
  for (const EstimateEffect& effect : sweep_estimates(system, measure)) {
    Sensitivity entry;
    entry.card = effect.card;
    entry.fact = effect.fact;
    entry.value = effect.value;
    entry.estimate = effect.estimate;
    entry.has_range = effect.has_range;
    if (effect.has_range) {
      entry.tpot_low = Seconds(effect.low[0]);
      entry.tpot_high = Seconds(effect.high[0]);
      entry.ttft_low = Seconds(effect.low[1]);
      entry.ttft_high = Seconds(effect.high[1]);
      entry.j_per_token_low = effect.low[2];
      entry.j_per_token_high = effect.high[2];
      entry.tpot_swing = effect.swing;
    }
    estimates.push_back(std::move(entry));
  }
  return estimates;
}

}  // namespace memwall
