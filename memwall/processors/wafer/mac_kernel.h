// mac_kernel.h - the values of one mac instruction, shared by both machines.
#pragma once

#include <cstdint>
#include <span>

#include "memwall/processors/wafer/mesh_program.h"

namespace memwall {

// to[n][m] += from[k][m] * other[k][n], k outermost, each product and sum as half_multiply_add.
void run_mac(const Instruction& mac, std::span<std::uint16_t> memory);
// Vector unit cycles: k * n instructions of length m, `repeat` cycles and ceil(m / simd) beats each; of a
// move or an add within memory, ceil(length / simd).
std::int64_t memory_cycles(const Instruction& instruction, int repeat, int simd);
// move and add within memory.
void run_vector(const Instruction& instruction, std::span<std::uint16_t> memory);

}  // namespace memwall
