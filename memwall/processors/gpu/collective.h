// collective.h - all-reduce, all-gather, all-to-all and point-to-point transfers over the chips of a plan.
//
// What does not depend on the bytes is counted in remote accesses that wait for one another, each of the
// link's latency. Kernels that read their peers' memory: every chip reads the whole tensor of every other
// one, (p - 1) B, after one synchronisation, up to the size of their buffers. NCCL's ring moves 2 (p - 1) / p
// B per chip and direction in 2 (p - 1) steps; its low-latency protocol sends a flag with every word (half
// the rate), the bulk protocol pays a pipeline fill. Where switches add (SHARP) the ring's bytes pass faster;
// they could do with B bytes, which is what the bound clock charges. On a mesh p chips reach (p - 1) /
// (domain - 1) of the chip's bandwidth. Across domains: reduce-scatter and all-gather inside, ring all-reduce
// of the p-th outside.
//
// Sources: TensorRT-LLM and vLLM custom all-reduce kernels; NCCL documentation; Hu et al., Demystifying NCCL,
// 2025 (protocols).
#pragma once

#include <string>

#include "memwall/processors/gpu/kernel_cost.h"

namespace memwall {

enum class AllReduceAlgorithm { automatic, custom, nccl };
// "auto", "custom" or "nccl"; else ConfigError.
AllReduceAlgorithm parse_all_reduce(const std::string& text);

// `bytes` is the tensor that each of `chips` chips holds. A single chip costs nothing.
KernelCost all_reduce_cost(const GpuSpec& spec, double bytes, int chips,
                           AllReduceAlgorithm algorithm = AllReduceAlgorithm::automatic);
// Every chip ends with the shares of all: `bytes` in total.
KernelCost all_gather_cost(const GpuSpec& spec, double bytes, int chips);
// Every chip sends `bytes` in all, spread over `chips` chips including itself.
KernelCost all_to_all_cost(const GpuSpec& spec, double bytes, int chips);
// One neighbour; across domains when `between_domains`.
KernelCost send_cost(const GpuSpec& spec, double bytes, bool between_domains);

}  // namespace memwall
