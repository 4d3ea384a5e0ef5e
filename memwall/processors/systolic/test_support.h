// test_support.h - what the tests of this folder share: cards with a piece replaced, random operands.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "memwall/hardware/system.h"
#include "memwall/processors/systolic/card.h"
#include "memwall/processors/systolic/machine.h"
#include "memwall/tensor/small_float.h"

namespace memwall::systolic_test {

inline System system_of(const std::string& name) { return read_system(name); }
inline SystolicCard card_named(const std::string& chip) {
  return read_systolic_card(read_system("1x" + chip));
}

inline std::vector<float> random_values(std::int64_t count, CellFormat format, std::mt19937& random) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::uniform_int_distribution<int> bits(0, 255);
  for (float& value : values) {
    const int drawn = bits(random);
    switch (format) {
      case CellFormat::int8:
        value = static_cast<float>(drawn - 128);
        break;
      case CellFormat::fp8: {
        const float decoded = decode(SmallFloat::fp8_e4m3, static_cast<std::uint16_t>(drawn));
        value = decoded == decoded ? decoded : 0;  // NaN is none of the matrix's values
        break;
      }
      case CellFormat::bf16:
        value = round_to(SmallFloat::bf16, static_cast<float>(drawn - 128) / 16);
        break;
      case CellFormat::mxfp4:
        value = decode(SmallFloat::fp4_e2m1, static_cast<std::uint16_t>(drawn % 16));
        break;
    }
  }
  return values;
}

inline MachineGemm random_gemm(std::int64_t m, std::int64_t n, std::int64_t k, CellFormat format,
                               std::mt19937& random) {
  return {m, n, k, random_values(m * k, format, random), random_values(k * n, format, random)};
}

inline ProductShape shape_of(const MachineGemm& gemm) { return {gemm.m, gemm.n, gemm.k}; }

}  // namespace memwall::systolic_test
