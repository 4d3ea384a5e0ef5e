// gates.h - energy, area and delay of the gates that a macro is counted in.
//
// Everything is stated by a two-input NAND of the process: what one toggle of its output takes at the stated
// supply, its area and its delay; XOR and flip-flop as multiples of it. A full adder is three NANDs and two
// XORs.
//
// Source of the ratios and of the adder: ZigZag-IMC (KU Leuven), cost model of its in-memory arrays.
#pragma once

#include "memwall/core/units.h"
#include "memwall/hardware/chip.h"

namespace memwall {

struct GateLibrary {
  Joules nand2_energy;
  SquareMillimetres nand2_area;
  Seconds nand2_delay;
  double xor2_energy = 0, xor2_area = 0, xor2_delay = 0;  // times NAND
  double dff_energy = 0, dff_area = 0;                    // times NAND

  Joules adder_energy() const { return nand2_energy * (3 + 2 * xor2_energy); }
  SquareMillimetres adder_area() const { return nand2_area * (3 + 2 * xor2_area); }
  Joules register_energy() const { return nand2_energy * dff_energy; }
  SquareMillimetres register_area() const { return nand2_area * dff_area; }
  // Of a full adder: operands to sum, operands to carry, carry to carry.
  Seconds input_to_sum() const { return nand2_delay * (2 * xor2_delay); }
  Seconds input_to_carry() const { return nand2_delay * (xor2_delay + 2); }
  Seconds carry_to_carry() const { return nand2_delay * 2; }
};

// From gates.* of a card. Throws ConfigError for what is missing.
GateLibrary read_gates(const Chip& chip);

}  // namespace memwall
