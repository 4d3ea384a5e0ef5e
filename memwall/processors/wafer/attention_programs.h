// attention_programs.h - the two products of attention as programs of the mesh machine; no softmax between
// them.
#pragma once

#include <cstdint>
#include <span>

#include "memwall/processors/wafer/mesh_program.h"

namespace memwall {

// Decode, one head: query (1, d) over the columns, cache of `tokens` keys and values over the rows.
//   scores(t) = sum over d of query(d) keys(d, t)     reduced along every row
//   result(v) = sum over t of scores(t) values(t, v)  reduced along every column
// The columns divide d, the rows divide tokens.
struct DecodeAttentionProgram {
  MeshProgram program;
  int result = 0;  // address of the column's d / columns values, in every core of it
};
DecodeAttentionProgram decode_attention_program(int rows, int columns, std::span<const std::uint16_t> query,
                                                std::span<const std::uint16_t> keys,
                                                std::span<const std::uint16_t> values, int d, int tokens);

// Prefill: S(m, n) = Q(m, k) K(n, k)^T on side x side cores without transposing K: queries stay, keys
// circulate down the columns, and the partial sums of each step pass along the row to its first core. `side`
// divides m, k and n.
struct ScoresProgram {
  MeshProgram program;
  int result =
      0;  // address in the first core of a row of its S, block after block of n / side keys, column-major
  int block = 0;            // values of one
  std::vector<int> row_of;  // place of logical row i; its s-th block is that of keys (i + s) mod side
};
ScoresProgram scores_program(int side, std::span<const std::uint16_t> q,
                             std::span<const std::uint16_t> k_matrix, int m, int k, int n);

}  // namespace memwall
