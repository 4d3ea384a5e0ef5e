#include "memwall/processors/wafer/attention_programs.h"

#include <cassert>

#include "memwall/processors/wafer/line_programs.h"
#include "memwall/processors/wafer/mesh_cost.h"

namespace memwall {
namespace {

Instruction mac(int to, int from, int other, int length, int columns, int depth) {
  return {.kind = Instruction::Kind::mac,
          .to = in_memory(to),
          .from = in_memory(from),
          .other = in_memory(other),
          .length = length,
          .columns = columns,
          .depth = depth};
}

}  // namespace

DecodeAttentionProgram decode_attention_program(int rows, int columns, std::span<const std::uint16_t> query,
                                                std::span<const std::uint16_t> keys,
                                                std::span<const std::uint16_t> values, int d, int tokens) {
  assert(d % columns == 0 && tokens % rows == 0);
  const int width = d / columns, held = tokens / rows;
  const int keys_at = width, values_at = keys_at + width * held, scores_at = values_at + held * width;
  const int result_at = scores_at + held;
  MeshBuilder builder(rows, columns, result_at + width);
  MeshProgram& program = builder.program();
  for (int core = 0; core < program.count(); ++core) {
    const int row = core / columns, column = core % columns;
    std::uint16_t* memory = &program.memory[static_cast<std::size_t>(core) * program.memory_values];
    for (int w = 0; w < width; ++w) {
      memory[w] = query[column * width + w];
      for (int t = 0; t < held; ++t) {
        memory[keys_at + w * held + t] =
            keys[static_cast<std::size_t>(column * width + w) * tokens + row * held + t];
        memory[values_at + t * width + w] =
            values[static_cast<std::size_t>(row * held + t) * d + column * width + w];
      }
    }
    builder.add(core, mac(scores_at, keys_at, 0, held, 1, width));
  }
  all_reduce_ktree(builder, Axis::rows, kTreeLevels, scores_at, held);
  for (int core = 0; core < program.count(); ++core) {
    builder.add(core, mac(result_at, values_at, scores_at, width, 1, held));
  }
  all_reduce_ktree(builder, Axis::columns, kTreeLevels, result_at, width);
  return {std::move(program), result_at};
}

ScoresProgram scores_program(int side, std::span<const std::uint16_t> q,
                             std::span<const std::uint16_t> k_matrix, int m, int k, int n) {
  assert(m % side == 0 && k % side == 0 && n % side == 0);
  const int rows = m / side, depth = k / side, width = n / side;
  const int block = rows * width, q_size = rows * depth, k_size = depth * width;
  // Queries, two buffers of keys, zeros, a scratch block, and the first column's results.
  const int zeros_at = q_size + 2 * k_size, scratch_at = zeros_at + block, result_at = scratch_at + block;
  MeshBuilder builder(side, side, result_at + side * block);
  MeshProgram& program = builder.program();
  const std::vector<int> ring = folded_ring(side);
  std::vector<std::vector<int>> passes(side);  // colours of a row, from column c to c - 1
  for (int row = 0; row < side; ++row) {
    passes[row].assign(side, -1);
    for (int column = side - 1; column > 0; --column) {
      passes[row][column] = builder.connect(Axis::rows, row, column, column - 1);
    }
  }
  for (int column = 0; column < side; ++column) {
    const RingColors colors = ring_colors(builder, Axis::columns, column);
    for (int i = 0; i < side; ++i) {
      const int row = ring[i], core = program.core(row, column);
      std::uint16_t* memory = &program.memory[static_cast<std::size_t>(core) * program.memory_values];
      for (int d = 0; d < depth; ++d) {
        for (int r = 0; r < rows; ++r) {
          memory[d * rows + r] = q[static_cast<std::size_t>(i * rows + r) * k + column * depth + d];
        }
        for (int w = 0; w < width; ++w) {
          memory[q_size + d * width + w] =
              k_matrix[static_cast<std::size_t>(i * width + w) * k + column * depth + d];
        }
      }
      for (int step = 0; step < side; ++step) {
        const int now = q_size + step % 2 * k_size, next = q_size + (step + 1) % 2 * k_size;
        builder.send(core, colors.send[row], now, k_size, 1);
        builder.receive(core, colors.receive[row], next, k_size, 2);
        builder.add(core, {.to = in_memory(scratch_at), .from = in_memory(zeros_at), .length = block});
        builder.add(core, mac(scratch_at, 0, now, rows, width, depth));
        Instruction pass{.kind = Instruction::Kind::add, .other = in_memory(scratch_at), .length = block};
        pass.to = column > 0 ? on_fabric(passes[row][column]) : in_memory(result_at + step * block);
        if (column + 1 < side) {
          pass.from = on_fabric(passes[row][column + 1]);
        } else {
          pass.kind = Instruction::Kind::move;
          pass.from = in_memory(scratch_at);
        }
        builder.add(core, pass);
        builder.add(core, {.kind = Instruction::Kind::wait});
      }
    }
  }
  return {std::move(program), result_at, block, ring};
}

}  // namespace memwall
