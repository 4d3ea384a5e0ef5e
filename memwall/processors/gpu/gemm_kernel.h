// gemm_kernel.h - one GEMM, or a group of equal ones, on the SMs of one chip.
//
// Y(m, n) = X(m, k) W(k, n) is cut into tiles of tile_m x tile_n outputs, each computed by one block of
// threads on one SM; blocks run in waves of as many as there are SMs. A wave takes as long when it is half
// full (wave quantisation). With few tokens there are too few tiles to fill the chip, so the reduced
// dimension is cut as well (split-K), and the partial sums are added through L2.
//
//   matrix pipe: waves * SMs * 2 tile_m tile_n ceil(k / splits), at the achieved share of the peak
//   L2:          waves * SMs * (tile_m x + tile_n w) ceil(k / splits), x and w bytes per value
//   HBM:         W once, X once, Y once; again for every wave that finds neither operand in L2
//
// Source: NVIDIA, "Matrix Multiplication Background User's Guide" (tile and wave quantisation); Osama et al.,
// Stream-K, PPoPP 2023 (split-K). The shape with the least time over a fixed list of tiles is taken, as a
// tuned library would.
#pragma once

#include "memwall/processors/gpu/kernel_cost.h"

namespace memwall {

struct GemmShape {
  double m = 1, n = 1, k = 1;  // may be fractional: expected values of uneven routing
  double groups = 1;           // so many of them side by side in one launch
  Format weight = Format::bf16, activation = Format::bf16;
  // Shares of a lone GEMM's rates that this kernel reaches, in (0, 1]: grouped GEMMs reach less.
  double hbm_share = 1, tensor_share = 1;
};

// What was chosen, for explanations and tests.
struct GemmTiling {
  int tile_m = 0, tile_n = 0;
  double splits = 1;
  double blocks = 0, waves = 0;
};

// REQUIRES: format_refusal() is empty for the formats; sizes positive.
KernelCost gemm_cost(const GpuSpec& spec, const GemmShape& shape, GemmTiling* tiling = nullptr);

}  // namespace memwall
