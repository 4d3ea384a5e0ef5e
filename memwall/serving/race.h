// race.h - one batch of equal requests on one system: prefill, then decode to the end.
//
// `batch` requests arrive together with `prompt` tokens each. They are prefilled in as few steps as
// max_step_tokens allows (one, unless batch * prompt is larger; TTFT is the time of all of them), then every
// further token is one decode step; TPOT is that step's time at the mean context, prompt + output / 2. Rates
// are those of decode: per user 1 / TPOT, per system batch * batches in flight / TPOT. J/token is the energy
// of prefill and of all decode steps of one batch over its output tokens; power that flows all the time is
// shared by the batches in flight.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "memwall/processors/placement.h"
#include "memwall/processors/processor.h"
#include "memwall/program/ledger.h"
#include "memwall/serving/error_bar.h"

namespace memwall {

struct RaceQuery {
  Model model;
  std::int64_t prompt = 4096, output = 512, batch = 8;
  std::int64_t max_step_tokens = 32768;  // most new tokens in one prefill step
  Routing routing;
  std::optional<Plan> plan;  // none: the candidate with the least end-to-end time is chosen
  LowerOptions options;
  bool with_pareto = false;    // fill RaceResult::pareto
  bool with_estimates = true;  // fill RaceResult::estimates

  std::int64_t mean_context() const { return prompt + output / 2; }
};
// Throws ConfigError: lengths or batch below 1, more than 2^40 tokens, a context beyond the model's
// positions.
void verify(const RaceQuery& query);

struct Phase {  // all of prefill, or one decode step
  Seconds time, bound;
  std::array<double, kCategoryCount> shares{};
  std::string bound_by;  // the category with the largest share
  Ops ops;
  Bytes bytes;  // from and to the memory that the roofline is drawn for, RaceResult::memory_level
  Bytes moved;  // by all memories and links
  Joules energy;
  std::array<double, kCategoryCount> energy_shares{};  // what is static counts as overhead
  Hertz clock;                                         // full, 0: not known
  double clock_share = 1;  // below 1: what the power limit leaves of it, in the slowest step
  double bound_fraction() const { return bound / time; }  // 1 at the chip's own bound
  double ops_per_byte() const { return bytes.value > 0 ? ops.value / bytes.value : 0; }
  OpsPerSecond achieved() const { return ops / time; }
};

// Decode at one batch size, under the plan that is best for it.
struct ParetoPoint {
  std::int64_t batch = 0;
  double tokens_per_s_per_user = 0, tokens_per_s_per_chip = 0;
  Seconds tpot;
  double users = 0;  // batch * batches in flight
  Plan plan;
};

// How far the answer moves when one estimated fact goes over its stated range, the others held. Only facts
// that the answer depends on are listed; an estimate without a range is listed and not swept.
struct Sensitivity {
  std::string fact, estimate;   // dotted key, and the reasoning
  Seconds tpot_low, tpot_high;  // at the low and at the high end of the fact's range
  bool has_range = false;
  std::string card, value;  // file stem, and the value as written
  Seconds ttft_low, ttft_high;
  double j_per_token_low = 0, j_per_token_high = 0;
  double tpot_swing = 0;  // |tpot_high - tpot_low| / TPOT
};

struct RaceResult {
  std::string system, title, family, model;
  int chips = 0;
  bool fits = false;
  std::string refusal;     // when it does not fit
  int smallest_chips = 0;  // fewest chips of this kind that would do, 0: none
  Plan plan;
  bool plan_was_chosen = false;
  std::vector<MemoryUse> memory;
  double users = 0;  // batch * batches in flight: requests that the system serves at once
  Seconds ttft, tpot, end_to_end;
  std::optional<ErrorBar> ttft_error, tpot_error;  // not filled in here
  double tokens_per_s_per_user = 0, tokens_per_s_per_chip = 0, tokens_per_s = 0;
  double j_per_token = 0;
  std::array<double, kCategoryCount> j_per_token_shares{};  // of prefill and decode
  Phase prefill, decode;
  // Peaks of the chips that work on one step at the same time, and the resources that they belong to.
  OpsPerSecond peak_ops;  // of the fastest arithmetic that the model uses
  std::string arithmetic;
  BytesPerSecond peak_bandwidth;  // of the memory that most weights and KV come from; 0: nothing is fetched
  std::string memory_level;
  std::vector<ParetoPoint> pareto;     // ascending batch, dominated points left out
  std::vector<Sensitivity> estimates;  // largest swing of TPOT first
};

// Runs the model on one system. "Does not fit" is a value. Throws ConfigError for a plan that does not
// divide.
RaceResult race(const RaceQuery& query, const System& system, const Processor& processor);

// The curve of throughput against interactivity at the mean context: batches in powers of two up to 16384
// under query.plan or every candidate plan, of which the points stay that no other beats in both rates.
std::vector<ParetoPoint> pareto_sweep(const RaceQuery& query, const System& system,
                                      const Processor& processor);

// Re-runs prefill and decode under `plan` with every estimated fact at both ends of its range.
std::vector<Sensitivity> estimate_sensitivity(const RaceQuery& query, const System& system,
                                              const Processor& processor, const Plan& plan);

}  // namespace memwall
