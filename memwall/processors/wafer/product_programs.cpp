#include "memwall/processors/wafer/product_programs.h"

#include <cassert>

namespace memwall {

GemvProgram mesh_gemv_program(int rows, int columns, std::span<const std::uint16_t> x,
                              std::span<const std::uint16_t> w, int k, int n, Collective collective) {
  assert(k % rows == 0 && n % columns == 0);
  const int depth = k / rows, width = n / columns;
  const int x_at = 0, w_at = depth, y_at = w_at + depth * width;
  MeshBuilder builder(rows, columns, y_at + width);
  MeshProgram& program = builder.program();
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const int core = program.core(row, column);
      std::uint16_t* memory = &program.memory[static_cast<std::size_t>(core) * program.memory_values];
      for (int i = 0; i < depth; ++i) {
        memory[x_at + i] = x[row * depth + i];
        for (int j = 0; j < width; ++j) {
          memory[w_at + i * width + j] =
              w[static_cast<std::size_t>(row * depth + i) * n + column * width + j];
        }
      }
      builder.add(core, {.kind = Instruction::Kind::mac,
                         .to = in_memory(y_at),
                         .from = in_memory(w_at),
                         .other = in_memory(x_at),
                         .length = width,
                         .columns = 1,
                         .depth = depth});
    }
  }
  if (collective == Collective::ktree) {
    all_reduce_ktree(builder, Axis::columns, kTreeLevels, y_at, width);
  } else {
    all_reduce_chain(builder, Axis::columns, y_at, width);
  }
  return {std::move(program), y_at, width};
}

GemmProgram mesh_gemm_program(int side, std::span<const std::uint16_t> a, std::span<const std::uint16_t> b,
                              int m, int k, int n) {
  assert(side % 2 == 0 && m % side == 0 && k % side == 0 && n % side == 0);
  const int rows = m / side, depth = k / side, width = n / side;
  const int a_size = rows * depth, b_size = depth * width;
  const int c_at = 2 * (a_size + b_size);
  MeshBuilder builder(side, side, c_at + rows * width);
  MeshProgram& program = builder.program();
  const std::vector<int> ring = folded_ring(side);

  std::vector<RingColors> along_rows, along_columns;
  for (int line = 0; line < side; ++line) {
    along_rows.push_back(ring_colors(builder, Axis::rows, line));
  }
  for (int line = 0; line < side; ++line) {
    along_columns.push_back(ring_colors(builder, Axis::columns, line));
  }
  GemmProgram result;
  result.result = c_at;
  result.row_of = result.column_of = ring;
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) {
      const int row = ring[i], column = ring[j], core = program.core(row, column);
      std::uint16_t* memory = &program.memory[static_cast<std::size_t>(core) * program.memory_values];
      const int first = (i + j) % side;  // tile of k that the first step multiplies
      for (int d = 0; d < depth; ++d) {
        for (int r = 0; r < rows; ++r) {
          memory[d * rows + r] = a[static_cast<std::size_t>(i * rows + r) * k + first * depth + d];
        }
        for (int w = 0; w < width; ++w) {
          memory[2 * a_size + d * width + w] =
              b[static_cast<std::size_t>(first * depth + d) * n + j * width + w];
        }
      }
      // Two steps per repetition, so that the pair of buffers ends as it began.
      for (int step = 0; step < 2; ++step) {
        const int a_now = step * a_size, a_next = (1 - step) * a_size;
        const int b_now = 2 * a_size + step * b_size, b_next = 2 * a_size + (1 - step) * b_size;
        builder.send(core, along_rows[row].send[column], a_now, a_size, 1);
        builder.send(core, along_columns[column].send[row], b_now, b_size, 2);
        builder.receive(core, along_rows[row].receive[column], a_next, a_size, 3);
        builder.receive(core, along_columns[column].receive[row], b_next, b_size, 4);
        builder.add(core, {.kind = Instruction::Kind::mac,
                           .to = in_memory(c_at),
                           .from = in_memory(a_now),
                           .other = in_memory(b_now),
                           .length = rows,
                           .columns = width,
                           .depth = depth});
        builder.add(core, {.kind = Instruction::Kind::wait});
      }
      program.cores[core].repeat = side / 2;
    }
  }
  result.program = std::move(program);
  return result;
}

}  // namespace memwall
