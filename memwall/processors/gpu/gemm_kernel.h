// gemm_kernel.h - one GEMM on the SMs of one chip.
//
// Y(m, n) = X(m, k) W(k, n) is cut into tiles of tile_m x tile_n outputs, each computed by one block of
// threads on one SM; blocks run in waves of as many as there are SMs. A wave takes as long when it is half
// full (wave quantisation). With few tokens there are too few tiles to fill the chip, so the reduced
// dimension is cut as well (split-K), and the partial sums are added through L2.
//
//   blocks  = ceil(m / tile_m) ceil(n / tile_n) splits;  waves = ceil(blocks / (SMs / SMs per tile))
//   step    = max(tile's multiplications at the boost clock, its operands at `feed`, least time of a step):
//             128 bytes of k
//   compute = max(waves (steps per block * step + outputs of a wave to HBM), 2 m n k at the achieved rate)
//   memory  = max(operands from HBM, what all blocks draw from L2)
//   time    = start + (compute^p + memory^p)^(1/p) [+ the second pass of split-K],  p = 2 or 4
//
// The power mean is how far the two overlap: neither starts before the other has something to give, and both
// vary from block to block. On Ampere several blocks share an SM and fill each other's gaps: p = 4. What no
// resource accounts for is the kernel's stall. Operands that are still in L2 do not come from HBM: a step
// finds its weights in memory, a benchmark that repeats itself may not.
//
// A tuned library takes the tile with the least time. DeepGEMM, which multiplies fp8 blocks on Hopper, takes
// the one with the fewest waves; a tile whose width does not divide a block of scales applies two of them in
// every step, and rows beyond the last token are waited for.
//
// Source: NVIDIA, "Matrix Multiplication Background User's Guide" (tile and wave quantisation); Osama et al.,
// Stream-K, PPoPP 2023 (split-K); deepseek-ai/DeepGEMM, get_best_configs, and its use in TensorRT-LLM's
// fp8_blockscale_gemm (tokens and weights change sides below 32 tokens).
#pragma once

#include "memwall/processors/gpu/kernel_cost.h"

namespace memwall {

struct GemmShape {
  double m = 1, n = 1, k = 1;
  double groups = 1;  // so many of them side by side in one launch
  Format weight = Format::bf16, activation = Format::bf16;
  double operand_sets = 0;   // see kernel_op.h; 0: the weights are in HBM
  bool wide_scales = false;  // see kernel_op.h
};

// What was chosen, for explanations and tests.
struct GemmTiling {
  double tile_m = 0, tile_n = 0;
  double splits = 1;
  double blocks = 0, waves = 0;
};

// REQUIRES: format_refusal() is empty for the formats; sizes positive.
KernelCost gemm_cost(const GpuSpec& spec, const GemmShape& shape, GemmTiling* tiling = nullptr);

}  // namespace memwall
