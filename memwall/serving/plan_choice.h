// plan_choice.h - how a model is divided over a system when nobody says how: every candidate is tried.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "memwall/serving/step_timer.h"

namespace memwall {

struct ChosenPlan {
  std::unique_ptr<StepTimer> timer;  // fits() is false when no plan fits: its placement says why
  bool was_chosen = false;           // false: the user named it
};

// With `named`, that plan. Without, the candidate that fits and for which `cost` is least; of equals the
// first that the family proposes. When none fits, the one that is nearest to fitting.
ChosenPlan choose_plan(const Model& model, const System& system, const Processor& processor,
                       const std::optional<Plan>& named, const Need& need, const LowerOptions& options,
                       const std::function<Seconds(StepTimer&)>& cost);

}  // namespace memwall
