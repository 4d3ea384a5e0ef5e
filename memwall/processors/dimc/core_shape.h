// core_shape.h - one compute-in-memory core: its dimensions, and the cycles of a stream of tiles in closed
// form.
//
// A core multiplies a vector by the matrix in its cells. `inputs` rows feed one adder tree per column; the
// cells of all columns hold inputs x column_bits bits, so weights of W bits make column_bits / W columns.
// Activations enter bits_per_cycle bits at a time, most significant first, so a product of A-bit activations
// takes ceil(A / bits_per_cycle) cycles, whatever W is. Each cell has weight_sets bits; one set computes
// while another is being rewritten at reload_bytes_per_cycle.
//
// Source: ISSCC 2024 11.3 (four weight sets, bit-serial inputs, compute and reload at once); Corsair's peaks
// and bandwidth follow from the same law (README). Checked by: machine_test.cpp, which runs the schedule.
#pragma once

#include <cstdint>
#include <vector>

namespace memwall {

struct CoreShape {
  int inputs = 0;                  // D, rows summed by one adder tree
  int column_bits = 0;             // bits of one row over all columns
  int bits_per_cycle = 1;          // of each activation
  int weight_sets = 2;             // 1: nothing computes while weights change
  int reload_bytes_per_cycle = 0;  // into a set that is not computing
  int pipeline_cycles = 0;         // from the last bit of an activation to its result
  int bank_columns = 1;            // columns that are switched off together
  int block_inputs = 1;            // rows that are switched off together

  int columns(int weight_bits) const { return column_bits / weight_bits; }
  double tile_bytes() const { return inputs * column_bits / 8.0; }
  bool operator==(const CoreShape&) const = default;
};

// Cycles between the starts of two products.
std::int64_t product_cycles(const CoreShape& core, int activation_bits);
// Cycles in which a whole set is rewritten.
std::int64_t reload_cycles(const CoreShape& core);
// Multiply-accumulates of one core per cycle, all cells at work.
double macs_per_cycle(const CoreShape& core, int weight_bits, int activation_bits);
// Vectors per tile from which on computing hides the reload: ceil(reload / product).
std::int64_t saturating_vectors(const CoreShape& core, int activation_bits);

// When each tile of a stream is loaded and computed with, in cycles from 0.
struct TileTimes {
  std::int64_t reload_begin = 0, compute_begin = 0, compute_end = 0;
  bool operator==(const TileTimes&) const = default;
};
// `tiles` tiles one after another, `vectors` products with each. A reload begins when the previous one has
// ended and its set is free.
std::vector<TileTimes> plan_stream(const CoreShape& core, std::int64_t tiles, std::int64_t vectors,
                                   int activation_bits);

// From the first byte of the first reload to the last result, R a reload and P all products of a tile:
//   two sets or more   R + P + (tiles - 1) max(R, P) + pipeline
//   one set            tiles (R + P) + pipeline
std::int64_t stream_cycles(const CoreShape& core, std::int64_t tiles, std::int64_t vectors,
                           int activation_bits);

}  // namespace memwall
