// gemm_operands.h - what the number formats of a matrix product mean on a GPU.
#pragma once

#include "memwall/core/number_format.h"
#include "memwall/processors/gpu/gpu_spec.h"

namespace memwall {

inline constexpr double kScaleBlock = 128;  // values of k under one scale

struct GemmOperands {
  double w_bytes = 0, x_bytes = 0;  // per value
  Format arithmetic = Format::bf16;
  double peak = 0, served = 0;  // op/s: of the datasheet, of a large GEMM
  // s per operation, whole chip: where the vector lanes scale and add every sum over a block, in turn with
  // the matrix pipe, at a multiply-add for the two operations of each of its products. 0: they do not.
  double scaling = 0;
};
// Formats without a matrix pipe run on the vector lanes. `scales_on_lanes` matters to blocks of scales alone.
GemmOperands gemm_operands(const GpuSpec& spec, Format weight, Format activation, bool scales_on_lanes);

}  // namespace memwall
