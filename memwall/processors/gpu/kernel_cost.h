// kernel_cost.h - what one kernel on one chip demands, before it becomes a task of a program.
#pragma once

#include <array>

#include "memwall/processors/gpu/gpu_spec.h"
#include "memwall/program/program.h"

namespace memwall {

// useful: what the mathematics needs. charged: what the kernel spends, padding and repeats included.
struct Spent {
  double useful = 0, charged = 0;
  Spent& operator+=(Spent other) {
    useful += other.useful;
    charged += other.charged;
    return *this;
  }
};

// Times that pass without a queue; a kernel pays each some number of times.
enum class GpuDelay {
  gemm_start,
  gemm_helper,
  attention_start,
  prepare_start,
  pointwise_start,
  exchange_start,
  hop,
  out_hop,
  host_step,
  host_sequence,
  experts_spread,
  stall,  // of kStall each
};
inline constexpr int kGpuDelayCount = 12;
inline constexpr Seconds kStall{1e-9};

struct KernelCost {
  std::array<double, kGpuDelayCount> delays{};  // times that each is paid
  Format arithmetic = Format::bf16;             // of tensor; fp32 counts under vector instead
  Spent tensor, vector;                         // ops
  Spent hbm, l2;                                // bytes
  Spent link, out_link;                         // bytes sent per chip
  Category memory = Category::overhead;         // what the hbm bytes are
  Category feed = Category::overhead;           // what the l2 bytes are for
  Category stalled = Category::overhead;        // what waits while the kernel's resources stand idle

  // Multiplications in `format`: the matrix pipe, or the vector lanes for fp32.
  void multiply(Format format, Spent ops) {
    arithmetic = format;
    (tensor_index(format) >= 0 ? tensor : vector) = ops;
  }
  double& delay(GpuDelay which) { return delays[static_cast<std::size_t>(which)]; }
};

// From the seconds that the schedule clock would need for it alone.
double alone_seconds(const GpuSpec& spec, const KernelCost& cost);

}  // namespace memwall
