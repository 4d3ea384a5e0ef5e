// placement.h - how many layers and sequences the regions of a wafer hold.
//
// The layers of a copy of the model run over the regions of its wafers in order, equally many to a region;
// all weights stay in SRAM. A core holds one tile of every matrix of its region's layers, rounded up, and its
// share of the cache: rows of cores share the tokens of a sequence, columns the key-value width. Every new
// token moves all rows up by one, so that they stay equally full. The embedding table and the head live in
// cores outside the regions, and what these cannot take is spread over the regions. In prefill the products
// run on square grids, and weights wait on any core of the wafer until the layer before them runs.
#pragma once

#include <vector>

#include "memwall/processors/placement.h"
#include "memwall/processors/wafer/grids.h"

namespace memwall {

// One phase's regions of one copy of the model.
struct RegionShare {
  Grid grid;
  int wafers = 1;
  int regions = 0;            // that these hold
  int layers_per_region = 0;  // of the fullest
  int used = 0;               // regions that have layers
  double weights = 0;         // bytes per core of the fullest region, its part of the tables included
  double layer = 0;           // bytes per core of one layer's tiles
  double largest = 0;         // of its largest matrix, or of one expert
  double tables = 0;          // bytes of embedding and head
  double parked = 0;          // fraction of the layers' bytes that the grid's own cores have no room for
};
RegionShare share_of(const Model& model, const WaferCard& card, Grid grid, int wafers);

std::int64_t layer_count(const Model& model);
// Bytes per core of the fullest region for the cache of one sequence.
double kv_per_core(const Model& model, const RegionShare& share, double context);
// Bytes per core for the vectors of `tokens` tokens that pass together in decode.
double decode_activations(const Model& model, const WaferCard& card, Grid grid, double tokens);
// How prefill takes a sequence, because of the room that a core of the grid has beside weights and caches: at
// most `tokens` at a time, and their scores in so many parts.
struct PrefillNeed {
  double tokens = 1, context = 1;  // of one sequence
  double sequences = 1;            // whose caches are held
};
struct PrefillRoom {
  double tokens = 0, score_parts = 1;
  double held = 0;         // bytes of weights, tables and caches of the copy, wherever they wait
  double tiles = 0;        // bytes per core of the grid: what waits there, two matrices at least
  double activations = 0;  // bytes per core of the grid
};
PrefillRoom prefill_room(const Model& model, const WaferCard& card, const RegionShare& share,
                         const PrefillNeed& need);

// Proposes every division of the system's wafers into copies; K-tree reductions, grids left open.
std::vector<Plan> wafer_plans(const System& system);
// Chooses the grids that the plan leaves open: the fastest that fit the need. The placement's plan names
// them.
Placement place_wafer(const Model& model, const System& system, const WaferCard& card, const Plan& plan,
                      const Need& need);

}  // namespace memwall
