// tree_macro.h - a macro with an adder tree per column, gate by gate: what a cycle costs, how long it must
// be, and how large the logic is.
//
// D inputs, N columns of W-bit weights, A-bit activations entering B bits at a time:
//   multipliers       B W D NANDs per column; half a toggle each, since the weight stands still
//   adder trees       B per column, D (W + 1) - (W + log2 D + 1) full adders
//   place-value tree  if B > 1: (B - 1)(W + log2 D) + B (log2 B - 1/2) full adders per column
//   accumulator       if B < A: A + W + log2 D full adders and registers per column
// The longest path runs through a multiplier, log2 D - 1 sums, and the carries of the last tree and of the
// accumulator. Cells and the registers around the macro are not counted.
//
// Source: ZigZag-IMC's model of digital arrays; the formulas are restated, the equations' corner cases
// (D and B powers of two) are theirs.
#pragma once

#include "memwall/processors/dimc/gates.h"

namespace memwall {

struct TreeMacro {
  double inputs = 0, columns = 0, weight_bits = 8, activation_bits = 8, bits_per_cycle = 1;
};

struct MacroCost {
  Joules cycle_energy;  // every cell at work
  SquareMillimetres area;
  Seconds period;
  double macs_per_cycle = 0;

  double tops() const;
  double tops_per_watt() const;
  double tops_per_mm2() const;
};
MacroCost tree_macro_cost(const TreeMacro& macro, const GateLibrary& gates);

}  // namespace memwall
