// product_programs.h - matrix products as programs of the mesh machine, with their operands laid out.
#pragma once

#include <span>
#include <vector>

#include "memwall/processors/wafer/line_programs.h"
#include "memwall/processors/wafer/mesh_cost.h"

namespace memwall {

// y(1, n) = x(1, k) W(k, n): k over the rows of the mesh, n over its columns; sizes that the mesh divides.
// After the local product an all-reduce down every column (K-tree, or the chain of the vendor).
struct GemvProgram {
  MeshProgram program;
  int result = 0;         // address of y's tile, in every core of a column
  int result_values = 0;  // n / columns
};
GemvProgram mesh_gemv_program(int rows, int columns, std::span<const std::uint16_t> x,
                              std::span<const std::uint16_t> w, int k, int n, Collective collective);

// C(m, n) = A(m, k) B(k, n) on side x side cores: `side` steps of a product of tiles, under each of which A's
// tiles move along the rows and B's along the columns. Tiles start where the first product needs them. `side`
// is even and divides m, k and n.
struct GemmProgram {
  MeshProgram program;
  int result = 0;  // address of C's tile, column after column
  // Place of the core that computes tile (i, j).
  std::vector<int> row_of, column_of;
};
GemmProgram mesh_gemm_program(int side, std::span<const std::uint16_t> a, std::span<const std::uint16_t> b,
                              int m, int k, int n);

}  // namespace memwall
