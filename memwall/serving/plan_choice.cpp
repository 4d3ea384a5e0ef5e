#include "memwall/serving/plan_choice.h"

#include <limits>
#include <utility>

#include "memwall/core/error.h"

namespace memwall {
namespace {

// Bytes that a placement lacks on its fullest chip; infinite when memory is not the reason.
double shortfall(const Placement& placement) {
  double bytes = 0;
  for (const MemoryUse& use : placement.memory) {
    bytes += use.shortfall().value;
  }
  return bytes > 0 ? bytes : std::numeric_limits<double>::infinity();
}

}  // namespace

ChosenPlan choose_plan(const Model& model, const System& system, const Processor& processor,
                       const std::optional<Plan>& named, const Need& need, const LowerOptions& options,
                       const std::function<Seconds(StepTimer&)>& cost) {
  if (named) {
    return {std::make_unique<StepTimer>(model, system, processor, *named, need, options), false};
  }
  std::unique_ptr<StepTimer> best;
  double least = std::numeric_limits<double>::infinity();
  for (const Plan& plan : processor.candidate_plans(model, system)) {
    auto timer = std::make_unique<StepTimer>(model, system, processor, plan, need, options);
    const bool first_that_fits = timer->fits() && best != nullptr && !best->fits();
    if (best != nullptr && best->fits() && !timer->fits()) {
      continue;
    }
    const double value = timer->fits() ? cost(*timer).value : shortfall(timer->placement());
    if (best == nullptr || first_that_fits || value < least) {
      best = std::move(timer);
      least = value;
    }
  }
  if (best == nullptr) {
    throw ConfigError("system", quoted(system.name),
                      "a number of chips over which " + model.name + " can be divided");
  }
  return {std::move(best), true};
}

}  // namespace memwall
