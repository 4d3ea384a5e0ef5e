#include "memwall/serving/run_step.h"

#include "memwall/program/power_limit.h"
#include "memwall/serving/plan_choice.h"

namespace memwall {
namespace {

std::vector<double> answer(const Ledger& ledger) { return {ledger.time.value, ledger.energy().value}; }

}  // namespace

Need need_of(const Step& step) {
  std::int64_t tokens = 0;
  for (const Slice& slice : step.slices) {
    tokens += slice.count * (slice.new_tokens + slice.past_tokens);
  }
  Need need;
  need.sequences = step.sequences();
  need.context = (tokens + need.sequences - 1) / need.sequences;
  need.step_tokens = step.new_tokens();
  return need;
}

StepResult run_step(const Model& model, const Step& step, const System& system, const Processor& processor,
                    const std::optional<Plan>& plan, const LowerOptions& options) {
  verify(step, model);
  const ChosenPlan chosen = choose_plan(model, system, processor, plan, need_of(step), options,
                                        [&](StepTimer& timer) { return timer.time(step); });
  StepResult result;
  result.placement = chosen.timer->placement();
  result.plan_was_chosen = chosen.was_chosen;
  if (chosen.timer->fits()) {
    result.ledger = chosen.timer->ledger(step);
    result.program = chosen.timer->program();
    result.roofline = roofline_of(result.program);
    result.estimates = sweep_estimates(system, [&](const System& at) {
      StepTimer timer(model, at, processor, result.placement.plan, need_of(step), options);
      return timer.fits() ? answer(timer.ledger(step)) : std::vector<double>{};
    });
  }
  return result;
}

KernelResult run_kernel(const KernelOp& op, const System& system, const Processor& processor,
                        const LowerOptions& options) {
  KernelResult result;
  result.program = processor.lower_kernel(op, system, options);
  ScheduleClock clock;
  result.brief_time = clock.run(result.program).time;
  result.ledger = ledger_within_power(result.program, clock);
  result.roofline = roofline_of(result.program);
  result.estimates = sweep_estimates(system, [&](const System& at) {
    Program program = processor.lower_kernel(op, at, options);
    return answer(ledger_within_power(program, clock));
  });
  return result;
}

}  // namespace memwall
