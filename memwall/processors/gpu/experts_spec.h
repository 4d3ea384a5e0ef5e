// experts_spec.h - what the kernels of routed-expert layers need to know of a GPU beside its GEMMs.
#pragma once

#include <string>
#include <vector>

#include "memwall/core/units.h"

namespace memwall {

// The library of sorted experts (TensorRT-LLM's CUTLASS kernels): one of an architecture, not of a chip.
struct ExpertsLibrary {
  double step_clocks = 0;         // least time of a step along k, in clocks of an SM; see gemm_spec.h
  double draw = 64;               // operand bytes that an SM receives from L2 in a clock, of shared loads too
  double small_tile = 0;          // power of the area by which tiles below 128 x 256 multiply slower
  double feed = 1;                // share of gemm.feed that its tiles get
  bool fuses_activation = false;  // the first GEMM ends with it
  // Share of streaming at which kernels pass rows to make scales of blocks: of fp8_block and of 4 bits.
  double block_scales = 1, packed_scales = 1;
  // Columns of the tile that comes first in its list, with 128 rows; 0: one as good as any.
  double first_width = 0;
};

struct ExpertsSpec {
  Seconds packed_step;       // least time of a step along k of 4-bit rows
  Seconds start;             // of each small kernel beside the grouped GEMMs
  double tensor = 0;         // share of a lone GEMM's rate that grouped tiles reach
  BytesPerSecond rows;       // rows of results that are gathered and summed
  Seconds per_pair;          // sorting: for every token-expert pair of the layer
  Seconds per_row;           // activation: for every row, beside its bytes
  Seconds per_expert;        // choice: for every expert of the layer
  Seconds per_group;         // each grouped GEMM: for every expert held
  Seconds per_scaled_group;  // more when its operands carry block scales
  ExpertsLibrary library;
};

class GpuCard;
std::vector<std::string> experts_keys();
// `gemm.library` says which architecture's kernels.
ExpertsSpec read_experts_spec(const GpuCard& card);

}  // namespace memwall
