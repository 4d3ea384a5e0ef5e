#include "memwall/processors/gpu/gemm_operands.h"

namespace memwall {

GemmOperands gemm_operands(const GpuSpec& spec, Format weight, Format activation, bool scales_on_lanes) {
  GemmOperands of;
  of.w_bytes = info(weight).bits / 8;
  of.x_bytes = info(activation).bits / 8;
  of.arithmetic = info(activation).arithmetic;
  const double vectors = spec.vector_peak.value * spec.vector_achieved;
  if (const int index = tensor_index(of.arithmetic); index >= 0) {
    const TensorRate& rate = spec.tensor[static_cast<std::size_t>(index)];
    of.peak = rate.peak.value;
    of.served = of.peak * rate.achieved;
  } else {
    of.peak = spec.vector_peak.value;
    of.served = vectors;
  }
  if (activation == Format::fp8_block && scales_on_lanes) {
    of.scaling = 1 / kScaleBlock / vectors;
  }
  return of;
}

}  // namespace memwall
