// pointwise_kernel.h - kernels that do little arithmetic per byte: norms, rotary embedding, activations,
// embedding look-up, the sampler.
//
// Each is a start and its bytes. A residual add is fused into the norm that follows it. Activations between
// two kernels are read from L2 while they fit into half of it, and from HBM otherwise.
#pragma once

#include "memwall/model/model.h"
#include "memwall/processors/gpu/kernel_cost.h"
#include "memwall/processors/processor.h"

namespace memwall {

// `read` and `written` bytes and `ops` fp32 operations of one kernel.
KernelCost pointwise_cost(const GpuSpec& spec, double read, double written, double ops);

KernelCost embedding_cost(const GpuSpec& spec, const Embedding& shape, double tokens);
// adds: residual streams added on the way, 0 or 1.
KernelCost norm_cost(const GpuSpec& spec, const Norm& shape, double tokens, int adds, int tp);
KernelCost rope_cost(const GpuSpec& spec, const Rope& shape, double tokens, int tp);
KernelCost activation_cost(const GpuSpec& spec, const Activation& shape, double tokens, int tp);
// A softmax, layer normalisation or GELU by itself.
KernelCost pointwise_op_cost(const GpuSpec& spec, const PointwiseOp& op);
KernelCost residual_cost(const GpuSpec& spec, const ResidualAdd& shape, double tokens);
KernelCost sampler_cost(const GpuSpec& spec, const Sampler& shape, double sequences, Sampling sampling);

}  // namespace memwall
