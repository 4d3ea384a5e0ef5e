// graph.h - whether a model is made of what the fixed graph has.
#pragma once

#include <string>

#include "memwall/model/model.h"
#include "memwall/processors/transformer_asic/card.h"

namespace memwall {

// The first operator outside the graph and the part that is missing ("attention needs sinks, which its fixed
// graph lacks"), or an operator whose arithmetic the arrays do not have; empty when the model runs.
std::string graph_refusal(const AsicCard& card, const Model& model);

}  // namespace memwall
