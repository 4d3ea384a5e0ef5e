// layer_time.h - a token's, or a prompt's, way through all regions: sums of operator costs.
#pragma once

#include "memwall/processors/wafer/operator_cost.h"
#include "memwall/processors/wafer/placement.h"

namespace memwall {

// Cycles from the embedding to the sampled token, crossings between wafers left out.
MeshCycles decode_passage(const Model& model, const RegionModel& regions, const RegionShare& share,
                          const DecodeLoad& load);
MeshCycles prefill_passage(const Model& model, const RegionModel& regions, const RegionShare& share,
                           const PrefillLoad& load);

// Cycles of prefill during which a grid waits for weights that are parked on cores beside it: they come in
// along one of its sides while the layers before run, which take `layers_cycles` in all.
double waiting_for_weights(const Model& model, const RegionModel& regions, const RegionShare& share,
                           double layers_cycles);

// Of one decoder layer, mean over the model's.
MeshCycles decode_layer(const Model& model, const RegionModel& regions, const DecodeLoad& load);
MeshCycles prefill_layer(const Model& model, const RegionModel& regions, const PrefillLoad& load);

// Moving all weights and caches of a wafer from one grid's places to another's: wavelets times their way over
// the links that there are. Two places picked by chance are a third of rows and columns apart.
double relayout_cycles(const WaferCard& card, double bytes_per_core);

}  // namespace memwall
