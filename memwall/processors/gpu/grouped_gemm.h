// grouped_gemm.h - the GEMMs of all experts of a chip in one launch.
//
// Every expert's rows fill tiles of their own. How the tiles run is one of four:
//   tuned       the library's best tile of those that grouped kernels have, by the equations of gemm_kernel.h
//               without split-K
//   first       what the library takes when nothing was tuned: 128 rows by few columns, one step along k
//               after another (0.25 us), twice that in tiles that rows do not fill
//   by_count    the height goes by the mean rows of an expert as if every pair fell on experts held here
//               (trtllm-gen's 4-bit kernels): with many chips, tiles are far too high
//   generated   a kernel in Triton with one tile for each range of token counts (vLLM's default table).
//               Several blocks share an SM; blocks of experts that other chips hold only write zeros
//
// Source: Osama et al., Stream-K, PPoPP 2023 (tiles and waves); TensorRT-LLM's MoeGemmRunner and vLLM's
// fused_moe (which tiles there are); rates and steps from AIConfigurator's MoE tables.
#pragma once

#include "memwall/processors/gpu/experts_load.h"
#include "memwall/processors/gpu/kernel_cost.h"

namespace memwall {

enum class GroupedKernel { tuned, first, by_count, generated };

struct GroupedGemm {
  ExpertsLoad load;
  double n = 1, k = 1;
  double tokens = 1;     // of the layer: what a table of tiles goes by
  double mean_rows = 1;  // pairs of the layer per expert held: what by_count goes by
  Format weight = Format::bf16, activation = Format::bf16;
  GroupedKernel kernel = GroupedKernel::tuned;
  double resident = 0;  // bytes of weights that run in turn and may stay in L2; 0: they are in HBM
};
// REQUIRES: format_refusal() is empty for the formats; sizes positive.
KernelCost grouped_gemm_cost(const GpuSpec& spec, const GroupedGemm& shape);

}  // namespace memwall
