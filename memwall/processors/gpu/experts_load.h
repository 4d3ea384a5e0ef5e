// experts_load.h - how many rows of a routed-expert layer the busiest chip gets, and how they fill tiles.
#pragma once

#include <array>

#include "memwall/model/model.h"
#include "memwall/model/step.h"

namespace memwall {

// How a layer's experts are divided: `ep` groups of chips hold distinct experts; inside a group of `tp` chips
// every expert's intermediate width is divided.
struct ExpertsSplit {
  int ep = 1, tp = 1;
};

// Rows that the tiles of grouped GEMMs have.
inline constexpr std::array<double, 6> kTileHeights = {8, 16, 32, 64, 128, 256};
using RowTiles = std::array<double, kTileHeights.size()>;
// Entry of a height in kTileHeights. REQUIRES: it is one of them.
std::size_t tile_height_index(double height);

// The load of the busiest chip: the mean of its dealings for dealt routings, else in expectation.
struct ExpertsLoad {
  double experts = 0;   // distinct ones that this step touches
  double pairs = 0;     // token-expert pairs
  RowTiles row_tiles;   // sum over these experts of ceil(pairs of the expert / height)
  RowTiles full_tiles;  // the same of floor(pairs / height)
  RowTiles all_tiles;   // row_tiles of all chips together
};
// Dealt routings: groups of consecutive experts, the one with the most pairs.
ExpertsLoad busiest_load(const Experts& shape, double tokens, const Routing& routing,
                         const ExpertsSplit& split);

}  // namespace memwall
