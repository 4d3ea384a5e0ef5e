// race.h - one batch of equal requests on one system: prefill, then decode to the end.
//
// `batch` requests arrive together with `prompt` tokens each. They are prefilled in one step (TTFT is its
// time), then every further token is one decode step; TPOT is that step's time at the mean context, prompt +
// output / 2. Rates are those of decode: per user 1 / TPOT, per system batch * batches in flight / TPOT.
// J/token is energy of prefill and of all decode steps over all output tokens.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "memwall/processors/placement.h"
#include "memwall/processors/processor.h"
#include "memwall/program/ledger.h"

namespace memwall {

struct RaceQuery {
  Model model;
  std::int64_t prompt = 4096, output = 512, batch = 8;
  Routing routing;
  std::optional<Plan> plan;  // none: the candidate with the least end-to-end time is chosen
  LowerOptions options;
};

struct Phase {  // prefill or one decode step
  Seconds time, bound;
  std::array<double, kCategoryCount> shares{};
  std::string bound_by;
  Ops ops;
  Bytes bytes;
  Joules energy;
  double ops_per_byte() const { return bytes.value > 0 ? ops.value / bytes.value : 0; }
  OpsPerSecond achieved() const { return ops / time; }
};

struct ParetoPoint {
  std::int64_t batch = 0;
  double tokens_per_s_per_user = 0, tokens_per_s_per_chip = 0;
};

// How far TPOT moves when one estimated fact of the card goes over its stated range, the others held.
struct Sensitivity {
  std::string fact, estimate;  // dotted key and its reasoning
  Seconds tpot_low, tpot_high;
  bool has_range = false;  // an estimate without a range is listed, not swept
};

struct RaceResult {
  std::string system, title, family, model;
  int chips = 0;
  bool fits = false;
  std::string refusal;  // when it does not fit
  int smallest_chips = 0;
  Plan plan;
  bool plan_was_chosen = false;
  std::vector<MemoryUse> memory;
  Seconds ttft, tpot;
  double tokens_per_s_per_user = 0, tokens_per_s_per_chip = 0, tokens_per_s = 0;
  double j_per_token = 0;
  Phase prefill, decode;
  OpsPerSecond peak_ops;            // of the system, fastest matrix format that the program uses
  BytesPerSecond peak_bandwidth;    // of the system's weight-holding memory; 0 when weights are not fetched
  std::vector<ParetoPoint> pareto;  // batch swept in powers of two while it fits; empty unless asked for
  std::vector<Sensitivity> estimates;
};

// Runs the model on one system. "Does not fit" is a value. Throws ConfigError for a plan that does not
// divide.
RaceResult race(const RaceQuery& query, const System& system, const Processor& processor);
// The throughput-against-interactivity curve of an already chosen plan.
std::vector<ParetoPoint> pareto_sweep(const RaceQuery& query, const System& system,
                                      const Processor& processor);
// Re-runs decode with every estimated fact at both ends of its range.
std::vector<Sensitivity> estimate_sensitivity(const RaceQuery& query, const System& system,
                                              const Processor& processor, const Plan& plan);

// One step on one system, for `memwall step` and `memwall explain`.
struct StepResult {
  Placement placement;
  Program program;
  Ledger ledger;
};
StepResult run_step(const Model& model, const Step& step, const System& system, const Processor& processor,
                    const std::optional<Plan>& plan, const LowerOptions& options);

}  // namespace memwall
