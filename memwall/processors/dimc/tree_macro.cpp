#include "memwall/processors/dimc/tree_macro.h"

#include <cmath>

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
constexpr double kTera = 1e12;

}  // namespace

double MacroCost::tops() const { return kOpsPerMac * macs_per_cycle / period.value / kTera; }
double MacroCost::tops_per_watt() const { return kOpsPerMac * macs_per_cycle / cycle_energy.value / kTera; }
double MacroCost::tops_per_mm2() const { return tops() / area.value; }

MacroCost tree_macro_cost(const TreeMacro& macro, const GateLibrary& gates) {
  const double depth = std::log2(macro.inputs);
  const double sum_bits = macro.weight_bits + depth;
  const double b = macro.bits_per_cycle;
  const bool accumulates = b < macro.activation_bits;

  const double multipliers = b * macro.weight_bits * macro.inputs;
  const double tree_adders = b * (macro.inputs * (macro.weight_bits + 1) - (sum_bits + 1));
  const double place_adders = b > 1 ? sum_bits * (b - 1) + b * (std::log2(b) - 0.5) : 0;
  const double accumulator = accumulates ? macro.activation_bits + sum_bits : 0;
  const double adders = tree_adders + place_adders + accumulator;

  MacroCost cost;
  cost.macs_per_cycle = macro.inputs * macro.columns * b / macro.activation_bits;
  cost.cycle_energy = macro.columns * (0.5 * multipliers * gates.nand2_energy +
                                       adders * gates.adder_energy() + accumulator * gates.register_energy());
  cost.area = macro.columns * (multipliers * gates.nand2_area + adders * gates.adder_area() +
                               accumulator * gates.register_area());
  cost.period = gates.nand2_delay + (depth - 1) * gates.input_to_sum() + gates.input_to_carry() +
                (sum_bits - 2) * gates.carry_to_carry();
  double carried = sum_bits;
  if (b > 1) {
    cost.period +=
        (std::log2(b) - 1) * gates.input_to_sum() + gates.input_to_carry() + (b - 1) * gates.carry_to_carry();
    carried += b;
  }
  if (accumulates) {
    cost.period += gates.input_to_carry() + (accumulator - carried - 1) * gates.carry_to_carry();
  }
  return cost;
}

}  // namespace memwall
