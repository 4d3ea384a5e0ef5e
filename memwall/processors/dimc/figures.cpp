#include "memwall/processors/dimc/figures.h"

#include <random>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/processors/dimc/card.h"
#include "memwall/processors/dimc/chain_macro.h"
#include "memwall/processors/dimc/machine.h"
#include "memwall/processors/dimc/tree_macro.h"

namespace memwall {
namespace {

constexpr double kTera = 1e12;
constexpr double kFemto = 1e-15;

class FigureList {
 public:
  void add(const std::string& name, double value, const std::string& unit) {
    list_.push_back({name, value, unit});
  }
  std::vector<Figure> take() { return std::move(list_); }

 private:
  std::vector<Figure> list_;
};

std::vector<std::int32_t> random_values(std::size_t count, int bits, double density, std::mt19937& random) {
  std::uniform_int_distribution<std::int32_t> any(-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
  std::bernoulli_distribution kept(density);
  std::vector<std::int32_t> values(count);
  for (std::int32_t& value : values) {
    value = kept(random) ? any(random) : 0;
  }
  return values;
}

// Cycles of the machine between the last results of one vector and of the next with weights that stay.
double machine_product_cycles(const CoreShape& core, int bits) {
  const CoreMachine machine(core, bits, bits);
  const int columns = core.columns(bits);
  std::mt19937 random(1);
  const auto x = random_values(static_cast<std::size_t>(2) * core.inputs, bits, 1, random);
  const auto w = random_values(static_cast<std::size_t>(core.inputs) * columns, bits, 1, random);
  const auto cycles = [&](int vectors) {
    const std::span<const std::int32_t> all(x);
    return machine
        .multiply(all.first(static_cast<std::size_t>(vectors) * core.inputs), w, vectors, core.inputs,
                  columns)
        .cycles;
  };
  return static_cast<double>(cycles(2) - cycles(1));
}

// Toggles of one bank over a few vectors, dense and sparse data, as the energy they stand for in NANDs:
// products one, adder outputs the six of a full adder over its two outputs, registers three, clocked or not.
double bank_energy(const CoreShape& core, double input_density, double weight_density) {
  constexpr int kBits = 8, kVectors = 8;
  CoreShape bank = core;
  bank.column_bits = core.bank_columns * kBits;
  std::mt19937 random(7);
  const auto x =
      random_values(static_cast<std::size_t>(kVectors) * bank.inputs, kBits, input_density, random);
  const auto w =
      random_values(static_cast<std::size_t>(bank.inputs) * core.bank_columns, kBits, weight_density, random);
  const Toggles toggles =
      CoreMachine(bank, kBits, kBits)
          .multiply(x, w, kVectors, bank.inputs, core.bank_columns, CoreMachine::Detail::toggles)
          .toggles;
  constexpr double kAdder = 3, kRegister = 3;
  return static_cast<double>(toggles.products) + kAdder * static_cast<double>(toggles.tree) +
         kRegister * static_cast<double>(toggles.accumulators);
}

TreeMacro tree_of(const CoreShape& core, double weight_bits, double activation_bits) {
  TreeMacro macro;
  macro.inputs = core.inputs;
  macro.weight_bits = weight_bits;
  macro.columns = core.column_bits / weight_bits;
  macro.activation_bits = activation_bits;
  macro.bits_per_cycle = core.bits_per_cycle;
  return macro;
}

void add_core(const DimcCard& card, FigureList& figures) {
  const CoreShape& core = card.core;
  constexpr int kBits = 8;
  figures.add("core.int8_peak", card.peak(kBits, kBits).value / card.cores / kTera, "TOPS");
  figures.add("core.product_cycles", machine_product_cycles(core, kBits), "cycles");
  figures.add("core.reload_cycles", static_cast<double>(reload_cycles(core)), "cycles");
  figures.add("core.saturating_batch_int8", static_cast<double>(saturating_vectors(core, kBits)), "");
  figures.add("core.reload_bytes_per_cycle", core.reload_bytes_per_cycle, "bytes/cycle");
}

void add_chip(const System& system, const DimcCard& card, FigureList& figures) {
  const Chip& chip = system.chip();
  const double chips = system.chips(), chiplets = chips * card.chiplets;
  add_core(card, figures);
  if (chip.has("published.fast_clock")) {
    const double faster = chip.get<Hertz>("published.fast_clock") / card.clock;
    constexpr int kBits = 8;
    figures.add("core.int8_peak_fast", card.peak(kBits, kBits).value / card.cores / kTera * faster, "TOPS");
    figures.add("core.sparse_gain", bank_energy(card.core, 1, 1) / bank_energy(card.core, 0.5, 0.1), "x");
  }
  if (!chip.below("gates").empty()) {
    constexpr int kBits = 8;
    const MacroCost cost = tree_macro_cost(tree_of(card.core, kBits, kBits), read_gates(chip));
    figures.add("core.gate_efficiency", cost.tops_per_watt(), "TOPS/W");
  }
  figures.add("cores", chiplets * card.cores, "");
  for (const int bits : card.widths) {
    figures.add(fmt::format("matrix.int{}_peak", bits), card.peak(bits, bits).value * chiplets / kTera,
                "TOPS");
  }
  figures.add("sram.capacity", card.sram->capacity.value * chiplets / 1e9, "GB");
  figures.add("sram.bandwidth", card.sram->bandwidth.value * chiplets / kTera, "TB/s");
  figures.add("sram.sweep", (card.sram->capacity / card.sram->bandwidth).value * 1e6, "us");
  // Cores and reload ports both busy, as at the saturating batch.
  constexpr int kBits = 8;
  const double busy = card.peak(kBits, kBits).value * card.energy_of_op(kBits, kBits).value +
                      card.sram->bandwidth.value * card.sram->energy.value;
  figures.add("power.int8_balanced", chips * card.idle.value + chiplets * busy, "W");
  if (chip.has("published.slow_clock")) {
    // The supply that the slow clock needs, by the process, against the nominal one at the full clock.
    const double full = chip.get<Hertz>("published.full_clock").value,
                 slow = chip.get<Hertz>("published.slow_clock").value;
    const double supply = card.voltage.supply(slow / full);
    const double dynamic = card.chiplets * busy / card.clock.value;  // joules per cycle of a card
    figures.add("power.slow_over_full",
                (card.idle.value + dynamic * slow * supply * supply) / (card.idle.value + dynamic * full),
                "");
  }
}

void add_tree(const Chip& chip, const DimcCard& card, FigureList& figures) {
  TreeMacro macro = tree_of(card.core, chip.get<Ratio>("core.weight_bits").value,
                            chip.get<Ratio>("macro.activation_bits").value);
  const GateLibrary gates = read_gates(chip);
  const auto add = [&](const std::string& group, const MacroCost& cost) {
    figures.add(group + ".period", cost.period.value * 1e9, "ns");
    figures.add(group + ".area", cost.area.value, "mm2");
    figures.add(group + ".cycle_energy", cost.cycle_energy.value * kTera, "pJ");
    figures.add(group + ".efficiency", cost.tops_per_watt(), "TOPS/W");
    figures.add(group + ".density", cost.tops_per_mm2(), "TOPS/mm2");
  };
  add("macro", tree_macro_cost(macro, gates));
  macro.inputs /= 2;
  macro.columns /= 2;
  add("quarter", tree_macro_cost(macro, gates));
}

void add_chain(const Chip& chip, FigureList& figures) {
  const ChainMacro macro = read_chain_macro(chip);
  const ChainArea area = chain_area(macro);
  figures.add("macro.area", area.total().value, "mm2");
  figures.add("macro.area_cells", area.cells.value / area.total().value, "");
  constexpr int kWidest = 16;
  for (const ChainMacro::Supply& supply : macro.supplies) {
    for (int bits = 1; bits <= kWidest; ++bits) {
      figures.add(fmt::format("macro.energy.w{}_a{}_{}", bits, bits, supply.name),
                  chain_mac_energy(macro, bits, bits, supply.factor).value / kFemto, "fJ/MAC");
      if (bits > 1) {
        figures.add(fmt::format("macro.energy.w{}_a1_{}", bits, supply.name),
                    chain_mac_energy(macro, bits, 1, supply.factor).value / kFemto, "fJ/MAC");
      }
    }
  }
  for (int bits = 1; bits <= kWidest; ++bits) {
    figures.add(fmt::format("macro.throughput.w{}_a{}", bits, bits),
                chain_throughput(macro, bits, bits).value / 1e9, "GOPS");
  }
}

}  // namespace

std::vector<Figure> dimc_figures(const System& system) {
  const Chip& chip = system.chip();
  const DimcCard card = read_dimc_card(system);
  FigureList figures;
  if (card.sram) {
    add_chip(system, card, figures);
    return figures.take();
  }
  const std::string structure = chip.word("macro.structure");
  if (structure == "tree") {
    add_tree(chip, card, figures);
  } else if (structure == "chain") {
    add_chain(chip, figures);
  } else {
    throw ConfigError(Location{chip.file}, "macro.structure", quoted(structure), "'tree' or 'chain'");
  }
  return figures.take();
}

}  // namespace memwall
