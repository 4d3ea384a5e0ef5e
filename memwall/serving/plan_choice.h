// plan_choice.h - how a model is divided over a system when nobody says how: every candidate is tried.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memwall/serving/step_timer.h"

namespace memwall {

// "tp8", "tp4 pp2", "tp1,dp8,ep8", "tp2 capacity": degrees by their prefix, any other word is the mode.
// Throws ConfigError for a degree below 1 or above 65536, or one that is given twice.
Plan parse_plan(const std::string& text);

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
