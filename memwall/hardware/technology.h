// technology.h - what computing, moving and holding data costs in a process: energies that a chip card leaves
// out.
//
// A chip card names its process: `technology: {word: n5, source: KEY}`. Every fact of technology/n5.yaml
// (logic, registers, SRAM, leakage, supply) and of technology/off_chip.yaml (memories and links outside the
// die) that the card does not state is then the chip's, under the same key and with the table's own source or
// estimate. So a family asks for `energy.hbm` or `energy.int8` as for any fact, and need not know where it
// came from.
#pragma once

#include "memwall/core/units.h"
#include "memwall/hardware/chip.h"
#include "memwall/hardware/voltage.h"

namespace memwall {

// Adds what the card leaves out; nothing for a card that names no process. Throws ConfigError for a process
// without a table, and for a table that cannot be read.
void add_technology(Chip& chip);

// `supply.threshold`, `supply.alpha` and `supply.lowest`. Throws ConfigError when one is absent or
// impossible.
VoltageCurve voltage_curve(const Chip& chip);

// Of a die of that area at its working temperature: `leakage.density`. Throws ConfigError when it is absent.
Watts leakage(const Chip& chip, SquareMillimetres area);

}  // namespace memwall
