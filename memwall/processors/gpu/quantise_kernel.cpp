#include "memwall/processors/gpu/quantise_kernel.h"

#include <algorithm>

namespace memwall {
namespace {

constexpr double kBytes = 2;  // bf16 activations
// Of the rate that streaming reaches: values wait for the maximum of their block or tensor.
constexpr double kConvertShare = 0.68;
constexpr double kQuantiseOps = 3;  // absolute maximum, scale, round

}  // namespace

KernelCost quantise_cost(const GpuSpec& spec, double tokens, double width, Format to, Scaling scaling) {
  const double values = tokens * width;
  const bool per_tensor = to == Format::fp8;
  const bool two_levels = to == Format::nvfp4 || to == Format::int8;
  const bool is_dynamic = scaling == Scaling::dynamic;
  KernelCost cost;
  cost.delay(GpuDelay::gemm_helper) = !is_dynamic ? 1 : per_tensor ? 4 : two_levels ? 2 : 1;
  const double reads = is_dynamic && per_tensor ? 2 : 1;
  const double bytes = values * kBytes + bytes_of(values, to).value;
  const double moved = bytes + (reads - 1) * values * kBytes;
  const double seconds = moved / (spec.hbm_bandwidth.value * spec.hbm_read * kConvertShare);
  double accounted = 0;
  if (bytes <= spec.gemm.retained * spec.l2_capacity.value) {
    // L2 could give them faster; conversions do not keep up.
    cost.l2 = {bytes, moved};
    accounted = moved / spec.l2_bandwidth.value;
  } else {
    cost.hbm = {bytes, spec.hbm_charge(moved, spec.hbm_read)};
    accounted = moved / (spec.hbm_bandwidth.value * spec.hbm_read);
  }
  cost.vector = {values * kQuantiseOps, values * kQuantiseOps};
  cost.delay(GpuDelay::stall) = std::max(0.0, seconds - accounted) / kStall.value;
  return cost;
}

}  // namespace memwall
