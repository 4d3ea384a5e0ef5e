// phases.h - prefill and decode of a race query on a placed model, as the race, the plan choice and the
// sensitivity of estimates all need them.
#pragma once

#include <vector>

#include "memwall/serving/race.h"
#include "memwall/serving/roofline.h"
#include "memwall/serving/step_timer.h"

namespace memwall {

// The steps that prefill the whole batch: every sequence advances by equal shares of the prompt, the last one
// shorter, so that no step has more than max_step_tokens new tokens.
std::vector<Step> prefill_steps(const RaceQuery& query);
// One token for every sequence at the mean context.
Step decode_step(const RaceQuery& query);
// Room for the batch at its longest.
Need need_of(const RaceQuery& query);

// TTFT + (output - 1) TPOT.
Seconds end_to_end(const RaceQuery& query, Seconds ttft, Seconds tpot);

struct Phases {
  Phase prefill, decode;
  Roofline roofline;  // of decode, with the faster of both phases' arithmetic
  double j_per_token = 0;
  std::array<double, kCategoryCount> j_per_token_shares{};
};
Phases run_phases(const RaceQuery& query, StepTimer& timer);

// The same answers by the clock alone, without the account: several times faster.
Seconds end_to_end_time(const RaceQuery& query, StepTimer& timer);

}  // namespace memwall
