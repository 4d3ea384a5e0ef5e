// mac_kernel.h - the values of instructions that work on memory alone, shared by both machines.
#pragma once

#include <cstdint>
#include <span>

#include "memwall/processors/wafer/mesh_program.h"

namespace memwall {

// An instruction whose operands are addresses.
struct MemoryOperation {
  Instruction::Kind kind = Instruction::Kind::move;
  std::int32_t to = 0, from = 0, other = 0;
  std::int32_t length = 0, columns = 1, depth = 1;
};
MemoryOperation memory_operation(const Instruction& instruction);

// mac: to[n][m] += from[k][m] * other[k][n], k outermost, each product and sum as half_multiply_add.
void run_in_memory(const MemoryOperation& operation, std::span<std::uint16_t> memory);
// Vector unit cycles. mac: k * n instructions of length m, `repeat` cycles and ceil(m / simd) beats each;
// others ceil(length / simd).
std::int64_t memory_cycles(const MemoryOperation& operation, int repeat, int simd);

}  // namespace memwall
