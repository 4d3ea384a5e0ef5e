// placement.h - tensor parallelism over tp chips, pp stages of equally many layers each; everything is in
// HBM.
#pragma once

#include <vector>

#include "memwall/processors/placement.h"
#include "memwall/processors/transformer_asic/card.h"

namespace memwall {

// Throws ConfigError for a plan that does not divide the model or the system.
Placement place_on_asic(const AsicCard& card, const Model& model, const Plan& plan, const Need& need,
                        int chips);

// tp up to one scale-up domain, the rest as pipeline.
std::vector<Plan> asic_plans(const Model& model, int chips);

}  // namespace memwall
