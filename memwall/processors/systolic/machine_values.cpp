#include "memwall/processors/systolic/machine_values.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "memwall/processors/systolic/fold_product.h"
#include "memwall/processors/systolic/fold_schedule.h"
#include "memwall/tensor/small_float.h"

namespace memwall {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("[machine] " + what); }

constexpr std::int64_t kBlock = 32;  // values of mxfp4 that share a scale

// Values of one block, `stride` apart, are multiples of e2m1 by one power of two.
bool is_block_of_fp4(const float* values, std::int64_t count, std::int64_t stride) {
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::abs(values[i * stride]));
  }
  if (largest == 0) {
    return true;
  }
  constexpr int kDepth = 3;  // e2m1 spans 0.5 to 6
  const int top = std::ilogb(largest);
  for (int exponent = top - kDepth + 1; exponent <= top + 1; ++exponent) {
    bool all = true;
    for (std::int64_t i = 0; i < count && all; ++i) {
      const float scaled = std::ldexp(values[i * stride], -exponent);
      all = round_to(SmallFloat::fp4_e2m1, scaled) == scaled;
    }
    if (all) {
      return true;
    }
  }
  return false;
}

bool holds(CellFormat format, float value) {
  switch (format) {
    case CellFormat::int8:
      return are_int8(&value, 1);
    case CellFormat::fp8:
      return round_to(SmallFloat::fp8_e4m3, value) == value;
    case CellFormat::bf16:
      return std::isfinite(value) && round_to(SmallFloat::bf16, value) == value;
    case CellFormat::mxfp4:
      return std::isfinite(value);
  }
  return false;
}

}  // namespace

void check_values(CellFormat format, const MachineGemm& gemm) {
  if (gemm.m < 1 || gemm.n < 1 || gemm.k < 1 || gemm.x.size() != index_of(gemm.m * gemm.k) ||
      gemm.w.size() != index_of(gemm.k * gemm.n)) {
    refuse("operands are not those of the shape");
  }
  for (const std::vector<float>* operand : {&gemm.x, &gemm.w}) {
    if (format == CellFormat::int8 && are_int8(operand->data(), static_cast<std::int64_t>(operand->size()))) {
      continue;
    }
    const auto wrong = std::find_if_not(operand->begin(), operand->end(),
                                        [format](float value) { return holds(format, value); });
    if (wrong != operand->end()) {
      refuse("a value is none of its format: " + std::to_string(*wrong));
    }
  }
  if (format != CellFormat::mxfp4) {
    return;
  }
  for (std::int64_t first = 0; first < gemm.k; first += kBlock) {
    const std::int64_t count = std::min(kBlock, gemm.k - first);
    bool all = true;
    for (std::int64_t row = 0; row < gemm.m && all; ++row) {
      all = is_block_of_fp4(&gemm.x[index_of(row * gemm.k + first)], count, 1);
    }
    for (std::int64_t column = 0; column < gemm.n && all; ++column) {
      all = is_block_of_fp4(&gemm.w[index_of(first * gemm.n + column)], count, gemm.n);
    }
    if (!all) {
      refuse("a block of 32 is not fp4 with one scale");
    }
  }
}

}  // namespace memwall
