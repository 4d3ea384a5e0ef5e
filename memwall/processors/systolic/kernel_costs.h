// kernel_costs.h - what an operator takes of one chip, each GEMM on the split and dataflow that suit it best.
//
// A linear layer is one GEMM; its weights come from SRAM, or from HBM through SRAM. Attention is two GEMMs
// per sequence and KV head, the query heads of a group together (m = group x new tokens), against a cache
// that comes from HBM; softmax runs on the vector unit beside them. Experts are GEMMs of two shapes, as many
// as there are distinct experts. Norms, rotations and activations are vector operations on values in SRAM.
#pragma once

#include "memwall/model/model.h"
#include "memwall/model/step.h"
#include "memwall/processors/kernel_op.h"
#include "memwall/processors/systolic/resources.h"

namespace memwall {

// The chip's part of the work: how the model is divided, and whose cells run it.
struct ChipShare {
  int tp = 1, ep = 1;
  bool weights_in_sram = false;
  std::int64_t slabs = 0;  // of the array's row parts; 0: all
};

SystolicCost linear_cost(const SystolicCard& card, const ChipShare& share, const Linear& shape,
                         TensorSplit split, double rows);
SystolicCost attention_cost(const SystolicCard& card, const ChipShare& share, const Attention& shape,
                            const Slice& slice);
SystolicCost experts_cost(const SystolicCard& card, const ChipShare& share, const Experts& shape,
                          double tokens, const Routing& routing);
SystolicCost norm_cost(const Norm& shape, const ChipShare& share, double tokens);
SystolicCost embedding_cost(const Embedding& shape, const ChipShare& share, double tokens);
SystolicCost rope_cost(const Rope& shape, const ChipShare& share, double tokens);
SystolicCost activation_cost(const Activation& shape, const ChipShare& share, double tokens);
SystolicCost residual_cost(const ResidualAdd& shape, double tokens);
SystolicCost sampler_cost(const Sampler& shape, double sequences);
SystolicCost pointwise_cost(const PointwiseOp& op);
// Sum of a tensor over `chips` on a ring used both ways; result on all of them.
SystolicCost all_reduce_cost(double bytes, int chips);
SystolicCost all_gather_cost(double bytes, int chips);
SystolicCost send_cost(double bytes);

}  // namespace memwall
