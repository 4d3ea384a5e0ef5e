// placement.h - which chiplet holds what: weights and cache in SRAM or in LPDDR, divided over all chiplets.
//
// tp counts cards; the chiplets of tp cards, C of them, hold one copy of a pipeline stage together. Matrices
// are cut into C equal slices along their split dimension. The cache is divided by heads as far as there are
// heads, and by tokens beyond. Routed experts are cut like matrices, or in ep groups of whole experts. The
// embedding table, of which a step reads a row per token, is in LPDDR where there is any.
// Modes: "performance" weights and cache in SRAM, "mixed" weights in SRAM and cache in LPDDR, "capacity" both
// in LPDDR.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memwall/model/model.h"
#include "memwall/processors/dimc/card.h"
#include "memwall/processors/placement.h"

namespace memwall {

struct Residence {
  bool weights_in_sram = true, cache_in_sram = true;
};
// Throws ConfigError for a mode that is none, or one that needs LPDDR where there is none.
Residence residence_of(const DimcCard& card, const std::string& mode);

// Consecutive layers of one pipeline stage that come from the same group of the model.
struct StageRun {
  std::size_t group = 0;
  std::int64_t repeat = 1;
};
// Equal numbers of layer runs to every stage. REQUIRES: pp divides them.
std::vector<std::vector<StageRun>> stage_runs(const Model& model, int pp);

// Heads and key ranges that one chiplet of C has of an attention's cache.
struct CacheShare {
  double heads = 1;   // cached heads on one chiplet; latents count as one head
  double ranges = 1;  // chiplets over which the tokens of a head are dealt
};
CacheShare cache_share(const Attention& attention, double chiplets);

std::vector<Plan> dimc_plans(const DimcCard& card, const Model& model, int cards);
// Throws ConfigError for a plan that does not divide the model or the system.
Placement place_dimc(const DimcCard& card, const Model& model, const Plan& plan, const Need& need, int cards);

}  // namespace memwall
