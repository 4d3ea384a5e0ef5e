// collector_routing.h - how AIConfigurator's collector spreads tokens over experts before it times a layer.
//
// "balanced": pairs are dealt to the experts in turn. "power_law_A": every expert draws a load from the
// density x^-A on [1, 0.8 tokens] (on [0.01, 2] when there are fewer pairs than experts); loads are scaled to
// the number of pairs, no expert gets more than every token, and the group of experts with the most pairs is
// the one that is timed (collector/helper.py of github.com/ai-dynamo/aiconfigurator). The collector draws at
// random; here the quantiles of the law are taken, in a fixed shuffled order.
#pragma once

#include <cstdint>
#include <string>

#include "memwall/model/step.h"

namespace memwall {

struct CollectorLayer {
  std::int64_t tokens = 1, num_experts = 1, top_k = 1;
};
// Throws std::invalid_argument for another name.
Routing collector_routing(const std::string& distribution, const CollectorLayer& layer);

}  // namespace memwall
