#include "memwall/processors/wafer/mac_kernel.h"

#include "memwall/processors/wafer/half.h"

namespace memwall {

void run_mac(const Instruction& mac, std::span<std::uint16_t> memory) {
  const auto length = static_cast<std::size_t>(mac.length);
  for (int k = 0; k < mac.depth; ++k) {
    const std::uint16_t* from = &memory[mac.from.where + k * length];
    for (int n = 0; n < mac.columns; ++n) {
      const std::uint16_t factor = memory[mac.other.where + k * mac.columns + n];
      std::uint16_t* to = &memory[mac.to.where + n * length];
      for (std::size_t m = 0; m < length; ++m) {
        to[m] = half_multiply_add(from[m], factor, to[m]);
      }
    }
  }
}

std::int64_t memory_cycles(const Instruction& instruction, int repeat, int simd) {
  const std::int64_t beats = (instruction.length + simd - 1) / simd;
  if (instruction.kind == Instruction::Kind::mac) {
    return std::int64_t{instruction.depth} * instruction.columns * (repeat + beats);
  }
  return beats;
}

void run_vector(const Instruction& instruction, std::span<std::uint16_t> memory) {
  for (int i = 0; i < instruction.length; ++i) {
    const std::uint16_t value = memory[instruction.from.where + i];
    memory[instruction.to.where + i] = instruction.kind == Instruction::Kind::add
                                           ? half_add(value, memory[instruction.other.where + i])
                                           : value;
  }
}

}  // namespace memwall
