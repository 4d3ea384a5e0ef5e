// collector_routing.h - how AIConfigurator's collector spreads tokens over experts before it times a layer.
//
// "balanced": the i-th choice of token t is expert t + i ceil(experts / top_k), evenly apart when tokens are
// few. "power_law_A": every expert draws a load from the density x^-A on [1, 0.8 tokens] (on [0.01, 2] when
// there are fewer pairs than experts); loads are scaled to the number of pairs and rounded, no expert gets
// more than every token, what is missing or left over goes to the least or comes from the most loaded experts
// of all groups in turn, and the group with the most pairs is the one that is timed (collector/helper.py of
// github.com/ai-dynamo/aiconfigurator). The collector times five draws and takes their mean; here kDealings
// draws of the same law are dealt, always the same ones.
#pragma once

#include <cstdint>
#include <string>

#include "memwall/model/step.h"

namespace memwall {

inline constexpr int kDealings = 6;

struct CollectorLayer {
  std::int64_t tokens = 1, num_experts = 1, top_k = 1;
  std::int64_t groups = 1;  // of experts: the expert-parallel degree
};
// Throws std::invalid_argument for another name.
Routing collector_routing(const std::string& distribution, const CollectorLayer& layer);

}  // namespace memwall
