#include "memwall/processors/dimc/chain_macro.h"

#include <cmath>

#include "memwall/processors/dimc/card.h"

namespace memwall {
namespace {

constexpr double kHalf = 0.5;
constexpr double kOpsPerMac = 2;

}  // namespace

ChainMacro read_chain_macro(const Chip& chip) {
  const auto number = [&](const std::string& key) { return chip.get<Ratio>(key).value; };
  ChainMacro macro;
  macro.rows = number("core.inputs");
  macro.columns = number("core.columns") * number("core.weight_bits");
  macro.rows_per_register = number("macro.rows_per_register");
  macro.multiplexers = number("macro.multiplexers");
  macro.adder_delay = chip.get<Seconds>("macro.adder_delay");
  macro.gates = read_gates(chip);
  for (const std::string& supply : chip.below("macro.supply")) {
    macro.supplies.push_back({supply, number("macro.supply." + supply)});
  }
  macro.transistor_area = chip.get<SquareMillimetres>("gates.transistor_area");
  macro.cell_area = chip.get<SquareMillimetres>("gates.cell_area");
  macro.adder_transistors = number("macro.adder_transistors");
  macro.multiplier_transistors = number("macro.multiplier_transistors");
  macro.multiplexer_transistors = number("macro.multiplexer_transistors");
  macro.register_transistors = number("macro.register_transistors");
  macro.driver_transistors = number("macro.driver_transistors");
  return macro;
}

double chain_parallel(const ChainMacro& macro, int weight_bits) {
  return std::floor(macro.columns / (weight_bits + std::log2(macro.rows)));
}

Joules chain_cell_energy(const ChainMacro& macro) {
  const GateLibrary& gates = macro.gates;
  return gates.adder_energy() + kHalf * gates.nand2_energy + kHalf * macro.multiplexers * gates.nand2_energy +
         kHalf * gates.nand2_energy + gates.register_energy() / macro.rows_per_register;
}

Joules chain_mac_energy(const ChainMacro& macro, int weight_bits, int activation_bits, double supply_factor) {
  return chain_cell_energy(macro) *
         (supply_factor * activation_bits * macro.columns / chain_parallel(macro, weight_bits));
}

OpsPerSecond chain_throughput(const ChainMacro& macro, int weight_bits, int activation_bits) {
  constexpr double kRegister = 2;  // as long as two adders
  const double adders = weight_bits + std::log2(macro.rows) + macro.rows_per_register + kRegister;
  const double macs = macro.rows * chain_parallel(macro, weight_bits) / activation_bits;
  return Ops(kOpsPerMac * macs) / (adders * macro.adder_delay);
}

ChainArea chain_area(const ChainMacro& macro) {
  ChainArea area;
  const double logic = macro.adder_transistors + macro.multiplier_transistors +
                       macro.multiplexers * macro.multiplexer_transistors;
  area.cells = macro.rows * macro.columns * (macro.cell_area + logic * macro.transistor_area);
  area.registers = macro.rows / macro.rows_per_register * macro.columns * macro.register_transistors *
                   macro.transistor_area;
  area.drivers = (macro.rows + macro.columns) * macro.driver_transistors * macro.transistor_area;
  return area;
}

}  // namespace memwall
