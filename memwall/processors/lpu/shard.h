// shard.h - how a model is divided over the chips of a plan: what one chip of a stage holds of each operator.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/model/model.h"
#include "memwall/processors/lpu/card.h"
#include "memwall/processors/placement.h"
#include "memwall/processors/processor.h"

namespace memwall {

// A stage is tp chips that hold consecutive layers. The output matrix has stages of its own, so that all
// their chips read a part of it at once; the embedding table stays with the host, which looks a token's row
// up.
struct LpuStages {
  int layers = 1;         // stages that hold layers
  int head = 0;           // stages that hold the output matrix; 0: the last stage of layers holds it too
  std::int64_t runs = 0;  // of layer groups, over all stages
  std::int64_t first_run(int stage) const { return stage * runs / layers; }
};
LpuStages lpu_stages(const Model& model, const LpuCard& card, const Plan& plan);

// Of an operator on one of tp chips. Heads and columns are dealt in whole heads and values, the fullest chip
// counts.
double columns_per_chip(const std::vector<Operator>& operators, std::size_t index, int tp);
double rows_per_chip(const Operator& op, int tp);
Bytes lpu_weight_bytes(const std::vector<Operator>& operators, std::size_t index, int tp);
Bytes lpu_kv_bytes(const Operator& op, int tp, double tokens);

}  // namespace memwall
