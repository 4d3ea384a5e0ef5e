// run_step.h - one step, or one kernel, on one system: what `memwall step`, `op` and `explain` show.
#pragma once

#include <optional>
#include <vector>

#include "memwall/processors/placement.h"
#include "memwall/processors/processor.h"
#include "memwall/program/ledger.h"
#include "memwall/serving/error_bar.h"
#include "memwall/serving/estimates.h"
#include "memwall/serving/roofline.h"

namespace memwall {

struct StepResult {
  Placement placement;  // of the step alone: its sequences, each with room for their mean context
  bool plan_was_chosen = false;
  Program program;  // empty, as the ledger, when the placement does not fit
  Ledger ledger;
  Roofline roofline;
  std::vector<EstimateEffect> estimates;  // on {time in seconds, energy in joules}
  std::optional<ErrorBar> error;          // of the time; not filled in here
};

// Room for the step alone: its sequences at their mean context.
Need need_of(const Step& step);

// Without a plan, the candidate that runs this step in the least time. Throws ConfigError for a step beyond
// the model's positions or a plan that does not divide.
StepResult run_step(const Model& model, const Step& step, const System& system, const Processor& processor,
                    const std::optional<Plan>& plan, const LowerOptions& options);

struct KernelResult {
  Program program;
  Ledger ledger;       // repeated until clock and power are steady
  Seconds brief_time;  // at full clock: alone on a chip that has just rested
  Roofline roofline;
  std::vector<EstimateEffect> estimates;  // on {time in seconds, energy in joules}
  std::optional<ErrorBar> error;          // of the time; not filled in here
};
KernelResult run_kernel(const KernelOp& op, const System& system, const Processor& processor,
                        const LowerOptions& options);

}  // namespace memwall
