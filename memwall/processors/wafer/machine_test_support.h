// machine_test_support.h - small integers as fp16 for tests of the mesh machine, and the card that it runs
// with.
#pragma once

#include <random>
#include <vector>

#include "memwall/processors/wafer/half.h"
#include "memwall/processors/wafer/line_programs.h"
#include "memwall/processors/wafer/machine.h"
#include "memwall/processors/wafer/test_support.h"

namespace memwall::wafer_test {

inline const WaferCard& card() {
  static const WaferCard kCard = card_of("cs-2");
  return kCard;
}
inline MeshMachineTiming timing() { return machine_timing(card()); }

// Integers from -most to most.
inline std::vector<float> small_integers(std::size_t count, unsigned seed, int most) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(static_cast<int>(random() % (2U * static_cast<unsigned>(most) + 1)) - most);
  }
  return values;
}
inline std::vector<std::uint16_t> halves_of(const std::vector<float>& values) {
  std::vector<std::uint16_t> halves;
  halves.reserve(values.size());
  for (const float value : values) {
    halves.push_back(float_to_half(value));
  }
  return halves;
}
inline void fill_small_integers(MeshProgram& program, unsigned seed) {
  program.memory = halves_of(small_integers(program.memory.size(), seed, 8));
}
// Of every line, the sums over its cores of the first `values` values.
inline std::vector<std::vector<float>> line_sums(MeshBuilder& builder, Axis axis, int values) {
  const MeshProgram& program = builder.program();
  std::vector<std::vector<float>> sums(builder.lines(axis), std::vector<float>(values));
  for (int line = 0; line < builder.lines(axis); ++line) {
    for (int i = 0; i < builder.length(axis); ++i) {
      for (int v = 0; v < values; ++v) {
        const std::size_t core = builder.core(axis, line, i);
        sums[line][v] += half_to_float(program.memory[core * program.memory_values + v]);
      }
    }
  }
  return sums;
}

}  // namespace memwall::wafer_test
