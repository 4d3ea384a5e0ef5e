// machine.h - one compute-in-memory core, cycle by cycle, with numbers.
//
// Y[m, n] = X[m, k] W[k, n] on integers. W is cut into tiles of the core's size, all k-tiles of a group of
// columns before the next group. Each cycle the reload port writes bytes into the cells of its set, and the
// compute side broadcasts bits_per_cycle bits of one activation vector (two's complement, most significant
// first): every cell gates its weight with them, an adder tree per column sums the products, and an
// accumulator shifts and adds. Sums over blocks of block_inputs rows leave the tree before its last levels;
// whole columns and block scales (mxint.h) are built from them. Results leave pipeline_cycles after their
// last bit.
//
// The machine does what its schedule says: computing with a set before the reload has ended uses what is in
// the cells then. plan_stream gives the schedule without such hazards.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "memwall/processors/dimc/core_shape.h"

namespace memwall {

// Bits that changed. Rows and columns beyond the matrix are switched off in whole blocks and banks.
struct Toggles {
  std::int64_t input_lines = 0;   // bits broadcast to the rows
  std::int64_t products = 0;      // outputs of the multiplying cells
  std::int64_t tree = 0;          // outputs of all adders of the trees
  std::int64_t accumulators = 0;  // registers behind the trees
  std::int64_t cells = 0;         // weights rewritten
  bool operator==(const Toggles&) const = default;
};

struct CoreResult {
  std::vector<std::int64_t> y;           // [m, n]
  std::vector<std::int64_t> block_sums;  // [m, n, k blocks]
  std::int64_t blocks = 0;               // of block_inputs rows in k
  std::int64_t cycles = 0;
  Toggles toggles;  // zero under Detail::results
};

class CoreMachine {
 public:
  // results: sums by counting bits of whole words, no toggles. toggles: every adder by itself; the plain
  // twin.
  enum class Detail { results, toggles };

  // REQUIRES: column_bits divisible by weight_bits, inputs by block_inputs.
  CoreMachine(const CoreShape& core, int weight_bits, int activation_bits);

  // Tiles of a k x n matrix.
  std::int64_t tiles(int k, int n) const;

  // Under plan_stream's schedule. Values must fit their widths (asserted).
  CoreResult multiply(std::span<const std::int32_t> x, std::span<const std::int32_t> w, int m, int k, int n,
                      Detail detail = Detail::results) const;
  // Under any schedule of tiles(k, n) tiles.
  CoreResult run(const std::vector<TileTimes>& schedule, std::span<const std::int32_t> x,
                 std::span<const std::int32_t> w, int m, int k, int n, Detail detail) const;

 private:
  CoreShape core_;
  int weight_bits_, activation_bits_;
};

}  // namespace memwall
