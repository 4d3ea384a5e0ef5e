#include "memwall/processors/dimc/gates.h"

namespace memwall {

GateLibrary read_gates(const Chip& chip) {
  const auto ratio = [&](const char* key) { return chip.get<Ratio>(key).value; };
  GateLibrary gates;
  gates.nand2_energy = chip.get<Joules>("gates.nand2_energy");
  gates.nand2_area = chip.get<SquareMillimetres>("gates.nand2_area");
  gates.nand2_delay = chip.get<Seconds>("gates.nand2_delay");
  gates.xor2_energy = ratio("gates.xor2_energy_ratio");
  gates.xor2_area = ratio("gates.xor2_area_ratio");
  gates.xor2_delay = ratio("gates.xor2_delay_ratio");
  gates.dff_energy = ratio("gates.dff_energy_ratio");
  gates.dff_area = ratio("gates.dff_area_ratio");
  return gates;
}

}  // namespace memwall
