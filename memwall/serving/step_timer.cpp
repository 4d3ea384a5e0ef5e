#include "memwall/serving/step_timer.h"

#include <algorithm>
#include <cmath>

#include "memwall/program/power_limit.h"

namespace memwall {

StepTimer::StepTimer(const Model& model, const System& system, const Processor& processor, const Plan& plan,
                     const Need& need, const LowerOptions& options)
    : placement_(processor.place(model, system, plan, need)) {
  if (!placement_.fits) {
    return;
  }
  loaded_ = processor.load(model, system, placement_, options);
  const double in_flight = std::max(1.0, loaded_->batches_in_flight());
  if (in_flight == 1) {
    return;
  }
  // The caches of all batches in flight are held at once, but never more of them than there is room for.
  Need all = need;
  const double wanted = std::floor(in_flight * static_cast<double>(need.sequences));
  const double room = static_cast<double>(placement_.kv_capacity_tokens) / static_cast<double>(need.context);
  all.sequences =
      std::max(need.sequences, static_cast<std::int64_t>(std::min(wanted, std::max(1.0, std::floor(room)))));
  Placement full = processor.place(model, system, plan, all);
  if (!full.fits) {
    return;  // the room was counted without the larger activations: stay with one batch
  }
  placement_ = std::move(full);
  loaded_ = processor.load(model, system, placement_, options);
  batches_in_flight_ = static_cast<double>(all.sequences) / static_cast<double>(need.sequences);
}

Seconds StepTimer::time(const Step& step) {
  loaded_->lower(step, program_);
  return run_within_power(program_, clock_).time;
}

Seconds StepTimer::bound(const Step& step) {
  loaded_->lower(step, program_);
  return bound_time(program_).time;
}

Ledger StepTimer::ledger(const Step& step) {
  loaded_->lower(step, program_);
  return ledger_within_power(program_, clock_);
}

}  // namespace memwall
