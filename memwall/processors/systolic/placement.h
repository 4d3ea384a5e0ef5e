// placement.h - dividing a model over systolic chips: weights in SRAM or HBM, the KV cache in HBM.
//
// tp chips divide every matrix (and the KV heads, replicated when there are fewer), pp stages of equally many
// layers stand one behind the other. Routed experts: ep = 1 divides each over the tp chips, ep = tp gives
// each chip whole ones. Plan::mode says where weights live and who shares the array in a mixed step:
//   "sram"  weights on chip        "hbm"  weights in HBM       (empty: the only way a card has)
//   and after a '/': "batched" one pass for all tokens, "turns" decode and then prefill on the whole array,
//   "shared" decode slabs beside prefill slabs, as the search finds best, "shared4" with 4 for decode.
//   Nothing after it: the best of them for each step.
#pragma once

#include <string>
#include <vector>

#include "memwall/processors/placement.h"
#include "memwall/processors/systolic/card.h"

namespace memwall {

enum class Sharing { best, batched, turns, shared };
struct SystolicMode {
  bool weights_in_sram = false;
  Sharing sharing = Sharing::best;
  std::int64_t decode_slabs = 0;  // of each array; 0: searched
};
// Throws ConfigError for a mode that the card does not have.
SystolicMode parse_mode(const std::string& mode, const SystolicCard& card);

std::vector<Plan> systolic_plans(const Model& model, const SystolicCard& card, int chips);

// Throws ConfigError for degrees that do not divide the model or the system.
Placement place_systolic(const Model& model, const SystolicCard& card, const Plan& plan, const Need& need,
                         int system_chips);

}  // namespace memwall
