// quantise_kernel.h - activations from bf16 to a narrow format, before a GEMM that multiplies it.
#pragma once

#include "memwall/processors/gpu/kernel_cost.h"

namespace memwall {

// in_model: scales are known or made by the kernel that writes the narrow values, as compiled models have it.
// dynamic: found by kernels of their own first, as a GEMM by itself has it.
enum class Scaling { in_model, dynamic };

//   time = kernels * helper_start + passes over the values / (streaming rate)
// One scale for the tensor (fp8) takes four kernels (clear it, find the absolute maximum, make the scale,
// convert) and two passes; one per token or tensor beside those of blocks (int8, nvfp4) two kernels; scales
// of blocks alone (fp8_block) one.
KernelCost quantise_cost(const GpuSpec& spec, double tokens, double width, Format to, Scaling scaling);

}  // namespace memwall
