// grids.h - how a wafer is cut into regions: Plan::mode of this family.
//
//   ktree-d420x420-p600      reductions by WaferLLM's K-tree; decode on regions of 420 x 420 cores, prefill
//   on
//                            regions of 600 x 600
//   chain-d188x233           the vendor's pipelined reductions; the prefill grid is chosen
//   (empty)                  K-tree, both grids chosen
// Words in this order, each may be left out; d420 is d420x420. Prefill grids are square: operands circulate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memwall/processors/wafer/card.h"
#include "memwall/processors/wafer/mesh_cost.h"

namespace memwall {

struct Grid {
  int rows = 0, columns = 0;
  bool operator==(const Grid&) const = default;
  double cores() const { return static_cast<double>(rows) * columns; }
};

struct WaferMode {
  Collective collective = Collective::ktree;
  std::optional<Grid> decode, prefill;  // none: to be chosen
};
// Throws ConfigError: an unknown word, a grid that is larger than the wafer or below 2 x 2.
WaferMode parse_wafer_mode(const std::string& text, const WaferCard& card);
std::string to_text(const WaferMode& mode);

// Regions of this size that one wafer holds side by side.
int regions_per_wafer(const WaferCard& card, Grid grid);
// Grids worth trying: the wafer cut into equal rectangles (decode) or squares (prefill), the largest first.
std::vector<Grid> decode_grids(const WaferCard& card);
std::vector<Grid> prefill_grids(const WaferCard& card);

}  // namespace memwall
