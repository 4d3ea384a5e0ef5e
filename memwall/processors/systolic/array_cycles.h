// array_cycles.h - cycles of GEMMs on a systolic array, whole or split into parts: closed forms.
//
// Y(m, n) = X(m, k) W(k, n) on R x C cells. The stationary operand is cut into tiles of the array's size; a
// fold is one tile held while T vectors stream through it, skewed by one cell per row and column:
//   weight stationary   k on rows, n on columns, T = m    fold = R (load) + R + C + T - 2
//   input stationary    k on rows, m on columns, T = n    the same with the operands exchanged
//   output stationary   m on rows, n on columns, T = k    fold = R + C + T - 2, sums stay in the cells
// Those are SCALE-Sim's counts (Samajdar et al., ISPASS 2020; its source counts from zero and reports one
// less). Double buffering loads the next tile while this one streams: one fold begins every max(T, R) cycles.
// Parts take folds in turn; when there are fewer folds than parts, the T vectors are cut over the rest.
// A port that supplies fewer words per cycle than the parts take stretches every fold alike.
// Checked by: array_cycles_test.cpp against the machine, equal to the cycle where no port is narrow.
#pragma once

#include <cstdint>
#include <string_view>

namespace memwall {

struct ProductShape {
  std::int64_t m = 1, n = 1, k = 1;  // all at least 1
  std::int64_t batch = 1;            // independent GEMMs of this shape side by side
  double macs() const {
    return static_cast<double>(batch) * static_cast<double>(m) * static_cast<double>(n) *
           static_cast<double>(k);
  }
};

enum class Dataflow { weight_stationary, input_stationary, output_stationary };
std::string_view name(Dataflow dataflow);  // "weight stationary"

// How one array is cut: row_parts x column_parts equal parts, 1 x 1 for the whole array.
struct Split {
  std::int64_t row_parts = 1, column_parts = 1;
  std::int64_t parts() const { return row_parts * column_parts; }
  bool operator==(const Split&) const = default;
};

// Words per cycle that all parts of one array share; 0: as many as they take.
struct ArrayPorts {
  double weights = 0, activations = 0, sums = 0;
  bool operator==(const ArrayPorts&) const = default;
};

struct ArrayShape {
  std::int64_t rows = 1, columns = 1;
  std::int64_t count = 1;  // arrays that share the work
  bool double_buffered = false;
  ArrayPorts ports;  // of each array
};

// Cycles of one fold that streams T = `streamed` vectors.
std::int64_t fold_cycles(Dataflow dataflow, std::int64_t rows, std::int64_t columns, std::int64_t streamed);

struct ArrayCycles {
  double cycles = 0;
  double utilization = 0;  // useful multiply-accumulates / (cells * cycles), in (0, 1]
  double folds = 0;        // in all, pieces of cut streams counted
  double rounds = 0;       // folds that the busiest part runs
  // Words over the ports of all arrays.
  double weight_words = 0, activation_words = 0, sum_words = 0;
  std::string_view limit;  // what sets the pace: "stream", "load", or the port
};

// REQUIRES: the split divides rows and columns.
ArrayCycles gemm_cycles(const ArrayShape& array, const Split& split, Dataflow dataflow,
                        const ProductShape& gemm);

}  // namespace memwall
