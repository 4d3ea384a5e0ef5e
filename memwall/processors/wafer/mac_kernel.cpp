#include "memwall/processors/wafer/mac_kernel.h"

#include "memwall/processors/wafer/half.h"

namespace memwall {

MemoryOperation memory_operation(const Instruction& instruction) {
  return {instruction.kind,   instruction.to.where, instruction.from.where, instruction.other.where,
          instruction.length, instruction.columns,  instruction.depth};
}

void run_in_memory(const MemoryOperation& operation, std::span<std::uint16_t> memory) {
  const std::int32_t length = operation.length;
  if (operation.kind != Instruction::Kind::mac) {
    for (std::int32_t i = 0; i < length; ++i) {
      const std::uint16_t value = memory[operation.from + i];
      memory[operation.to + i] =
          operation.kind == Instruction::Kind::add ? half_add(value, memory[operation.other + i]) : value;
    }
    return;
  }
  for (std::int32_t k = 0; k < operation.depth; ++k) {
    const std::uint16_t* from = &memory[operation.from + k * length];
    for (std::int32_t n = 0; n < operation.columns; ++n) {
      const std::uint16_t factor = memory[operation.other + k * operation.columns + n];
      std::uint16_t* to = &memory[operation.to + n * length];
      for (std::int32_t m = 0; m < length; ++m) {
        to[m] = half_multiply_add(from[m], factor, to[m]);
      }
    }
  }
}

std::int64_t memory_cycles(const MemoryOperation& operation, int repeat, int simd) {
  const std::int64_t beats = (operation.length + simd - 1) / simd;
  if (operation.kind == Instruction::Kind::mac) {
    return std::int64_t{operation.depth} * operation.columns * (repeat + beats);
  }
  return beats;
}

}  // namespace memwall
