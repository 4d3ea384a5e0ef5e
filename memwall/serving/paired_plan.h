// paired_plan.h - the plans of both pools of a paired system as one Plan (paired_processor.h says how).
#pragma once

#include <optional>

#include "memwall/processors/placement.h"

namespace memwall {

struct PairedPlan {
  Plan attention;
  std::optional<Plan> ffn;  // none: not said
  int micro_batches = 2;
};

// Throws ConfigError for a mode of another form.
PairedPlan parse_paired_plan(const Plan& plan);
// REQUIRES: plan.ffn.
Plan to_plan(const PairedPlan& plan);

}  // namespace memwall
