// chain_macro.h - a macro whose every bit cell has its own full adder (Colonnade): sums ripple down the
// column.
//
// R x C bit cells. A weight of W bits takes W + log2 R neighbouring columns, as wide as the sum grows, so
// P = floor(C / (W + log2 R)) products run side by side, and an activation of A bits takes A cycles. Every
// cell of the array switches every cycle, the columns that are left over too, so with the energy e of a cell
//   energy of a multiply-accumulate = A C e / P.
// A cell: a full adder, a multiplying gate whose weight stands still (half a toggle), multiplexers at half a
// toggle, its load on the input line (half a NAND) and its part of the register that cuts the column every
// `rows_per_register` rows. The critical path is the carry along a row and the sums down to the register:
//   period = (W + log2 R + rows_per_register + 2) adder delays.
//
// Source: Kim et al., Colonnade, JSSC 2021, as described and tabulated in CiMLoop's model of it; gates as in
// gates.h. The supply enters as a factor per voltage that is fitted: see the card.
#pragma once

#include <string>
#include <vector>

#include "memwall/processors/dimc/gates.h"

namespace memwall {

struct ChainMacro {
  double rows = 0, columns = 0, rows_per_register = 0, multiplexers = 0;
  Seconds adder_delay;
  GateLibrary gates;
  struct Supply {
    std::string name;   // "800mv"
    double factor = 1;  // energy over that at the gates' own supply
  };
  std::vector<Supply> supplies;

  SquareMillimetres transistor_area, cell_area;  // of logic; of the six-transistor cell
  double adder_transistors = 0, multiplier_transistors = 0, multiplexer_transistors = 0,
         register_transistors = 0, driver_transistors = 0;
};
// From core.*, macro.* and gates.* of a card.
ChainMacro read_chain_macro(const Chip& chip);

double chain_parallel(const ChainMacro& macro, int weight_bits);
Joules chain_cell_energy(const ChainMacro& macro);
Joules chain_mac_energy(const ChainMacro& macro, int weight_bits, int activation_bits, double supply_factor);
OpsPerSecond chain_throughput(const ChainMacro& macro, int weight_bits, int activation_bits);

struct ChainArea {
  SquareMillimetres cells, registers, drivers;
  SquareMillimetres total() const { return cells + registers + drivers; }
};
ChainArea chain_area(const ChainMacro& macro);

}  // namespace memwall
