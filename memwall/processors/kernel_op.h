// kernel_op.h - one kernel by itself: what `memwall op` asks for and what measurements of kernels are of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "memwall/core/number_format.h"
#include "memwall/core/units.h"
#include "memwall/model/model.h"
#include "memwall/model/step.h"

namespace memwall {

// operand_sets, of every kernel that reads weights or a cache: 0 for a kernel as a step runs it, which finds
// them in memory. A benchmark runs a kernel over and over on so many distinct sets of them, and what fits
// into the last-level cache is still there when its turn comes again.

struct GemmOp {
  std::int64_t m = 1, n = 1, k = 1;
  Format format = Format::bf16;  // of the weights
  Format activation = Format::bf16;
  std::int64_t batch = 1;  // so many of them side by side, each with its own operands
  std::int64_t operand_sets = 0;
  // Block scales are 32-bit numbers, which no matrix pipe applies: the vector lanes do (vLLM's fp8_block).
  bool wide_scales = false;
  bool narrow_input = false;  // activations are given in their format: none of its kernels converts them
};
struct AttentionOp {
  Attention shape;
  Slice slice;
  std::int64_t operand_sets = 0;
  std::string engine = {};  // whose kernels: "tensorrt-llm", "vllm"; empty: the card's
  double cache_share =
      1;  // of the cache's bytes that a benchmark has: 0.5 where values lie in the keys' pages
};
struct AllReduceOp {
  Bytes bytes;  // of the tensor that every participant holds
  int chips = 2;
  std::string algorithm = "auto";  // "auto", "custom" (one or two shots) or "nccl"
};
// How an engine moves the rows of a routed-expert layer. sorted: they are copied into the order of experts
// first, and only those of experts held here (TensorRT-LLM). gathered: the GEMMs gather them, and
// element-wise kernels pass the rows of experts held elsewhere too (vLLM's kernels in Triton).
enum class ExpertRows { sorted, gathered };
struct ExpertsOp {
  Experts shape;
  std::int64_t tokens = 1;
  Routing routing;
  int tp = 1, ep = 1;
  std::int64_t operand_sets = 0;
  ExpertRows rows = ExpertRows::sorted;
  bool is_tuned = true;  // false: the library ran its first kernel, none having been chosen for the layer
};
// Over `rows` rows of `width` values each, 16 bits in and out.
struct PointwiseOp {
  enum class Kind { softmax, layer_norm, gelu };
  Kind kind = Kind::softmax;
  std::int64_t rows = 1, width = 1;
};
std::string_view name(PointwiseOp::Kind kind);
using KernelOp = std::variant<GemmOp, AttentionOp, AllReduceOp, ExpertsOp, PointwiseOp>;

// "gemm m=1 n=4096 k=4096 bf16", "all-reduce 64 KiB over 8 chips, nccl".
std::string describe(const KernelOp& op);

}  // namespace memwall
