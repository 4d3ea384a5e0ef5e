#include "memwall/processors/dimc/card.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/hardware/technology.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
constexpr int kReferenceBits = 8;  // op_energy is of 8 x 8 bits

[[noreturn]] void refuse(const Chip& chip, const std::string& key, const std::string& expected) {
  throw ConfigError(chip.fact(key).where, key, quoted(chip.fact(key).text), expected);
}

int whole(const Chip& chip, const std::string& key, double value, const std::string& unit = "") {
  constexpr double kMost = 1 << 20;
  if (value != std::floor(value) || value < 1 || value > kMost) {
    refuse(chip, key, "a whole number of " + (unit.empty() ? "parts" : unit) + " from 1 to 2^20");
  }
  return static_cast<int>(value);
}

int count(const Chip& chip, const std::string& key) { return whole(chip, key, chip.get<Ratio>(key).value); }
int count_or_one(const Chip& chip, const std::string& key) { return chip.has(key) ? count(chip, key) : 1; }

void read_core(const Chip& chip, DimcCard& card) {
  CoreShape& core = card.core;
  core.inputs = count(chip, "core.inputs");
  core.column_bits = count(chip, "core.columns") * count(chip, "core.weight_bits");
  core.bits_per_cycle = count_or_one(chip, "core.bits_per_cycle");
  core.weight_sets = count(chip, "core.weight_sets");
  core.reload_bytes_per_cycle = whole(chip, "core.reload", chip.get<Bytes>("core.reload").value, "bytes");
  core.pipeline_cycles = count(chip, "core.pipeline");
  core.bank_columns = chip.has("core.bank_columns") ? count(chip, "core.bank_columns") : core.column_bits;
  core.block_inputs = chip.has("core.block_inputs") ? count(chip, "core.block_inputs") : core.inputs;
  if (core.inputs % core.block_inputs != 0) {
    refuse(chip, "core.block_inputs", fmt::format("a divisor of core.inputs = {}", core.inputs));
  }
  card.clock = chip.get<Hertz>("clock");
}

void read_structure(const Chip& chip, DimcCard& card) {
  card.cores = count_or_one(chip, "structure.cores_per_slice") *
               count_or_one(chip, "structure.slices_per_quad") *
               count_or_one(chip, "structure.quads_per_chiplet");
  card.package_chiplets = count_or_one(chip, "structure.chiplets_per_package");
  card.chiplets = card.package_chiplets * count_or_one(chip, "structure.packages_per_card");
}

void read_widths(const Chip& chip, DimcCard& card) {
  const std::string text = chip.word("formats.widths");
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    int width = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), width);
    const bool rises = card.widths.empty() || width > card.widths.back();
    if (error != std::errc() || rest != word.data() + word.size() || width < 1 || width > 32 || !rises ||
        card.core.column_bits % width != 0) {
      throw ConfigError(Location{chip.file}, "formats.widths", quoted(text),
                        fmt::format("ascending widths such as '4 8 16' that divide the {} bits of a row",
                                    card.core.column_bits));
    }
    card.widths.push_back(width);
  }
  if (card.widths.empty()) {
    throw ConfigError(Location{chip.file}, "formats.widths", quoted(text), "at least one width");
  }
  card.wide_bits = count(chip, "formats.wide_bits");
  if (std::find(card.widths.begin(), card.widths.end(), card.wide_bits) == card.widths.end()) {
    refuse(chip, "formats.wide_bits", fmt::format("one of formats.widths, {}", text));
  }
  constexpr double kExponentBits = 8;
  card.exponent_bits = chip.has("formats.block") ? kExponentBits / count(chip, "formats.block") : 0;
}

// What the card states, or else the table of its process.
template <class Card>
JoulesPerByte energy_of(const Card& card, const std::string& own, const std::string& of_process) {
  return card.template get<JoulesPerByte>(card.has(own) ? own : of_process);
}

void read_memories(const Chip& chip, DimcCard& card) {
  const double chiplets = card.chiplets;
  card.sram =
      DimcCard::Memory{chip.get<Bytes>("sram.capacity"),
                       BytesPerSecond(card.cores * card.core.reload_bytes_per_cycle * card.clock.value),
                       energy_of(chip, "sram.energy", "energy.sram_large")};
  if (chip.has("lpddr.capacity")) {
    card.lpddr = DimcCard::Memory{chip.get<Bytes>("lpddr.capacity") / chiplets,
                                  chip.get<BytesPerSecond>("lpddr.bandwidth") / chiplets,
                                  energy_of(chip, "lpddr.energy", "energy.lpddr")};
    card.lpddr_achieved = chip.get<Ratio>("lpddr.achieved").value;
    if (card.lpddr_achieved > 1) {
      refuse(chip, "lpddr.achieved", "a fraction, at most 1");
    }
  }
}

DimcCard::Link read_link(const System& system, const std::string& group, const std::string& kind,
                         double chiplets) {
  return {system.get<BytesPerSecond>(group + ".bandwidth") / chiplets,
          system.get<Seconds>(group + ".latency"), energy_of(system, group + ".energy", "energy." + kind)};
}

void read_links(const System& system, DimcCard& card) {
  const Chip& chip = system.chip();
  if (chip.has("d2d.latency")) {
    card.d2d = read_link(system, "d2d", "d2d", 1);
    card.joined_cards = count_or_one(chip, "d2d.cards");
  }
  if (system.has("scale_up.latency")) {
    card.scale_up = read_link(system, "scale_up", "pcie", card.chiplets);
    card.server_cards = count(system.card_of("scale_up.domain"), "scale_up.domain");
  }
  if (system.has("scale_out.latency")) {
    card.scale_out = read_link(system, "scale_out", "scale_out", card.chiplets);
  }
  if (card.chiplets > 1 && !card.d2d) {
    throw ConfigError(Location{chip.file}, "d2d", "no entry", "the link that joins the chiplets of the card");
  }
  if (card.server_cards % card.joined_cards != 0) {
    refuse(chip, "d2d.cards", fmt::format("a divisor of scale_up.domain = {}", card.server_cards));
  }
  if (card.d2d || card.scale_up) {
    card.collective_overhead = system.get_or<Seconds>("links.collective_overhead", Seconds(0));
    card.partial_sum_bytes = system.get<Bytes>("links.partial_sum").value;
    card.result_bytes = system.get<Bytes>("links.result").value;
  }
}

void read_power(const Chip& chip, DimcCard& card) {
  card.op_energy = chip.get<JoulesPerOp>("core.op_energy");
  card.vector_energy = chip.get<JoulesPerOp>("energy.fp32");
  card.tdp = chip.get<Watts>("power.tdp");
  card.idle = chip.get<Watts>("power.idle");
  if (card.idle > card.tdp) {
    refuse(chip, "power.idle", "at most power.tdp");
  }
  card.voltage = voltage_curve(chip);
}

// Parts that are published twice must agree. Only what does not depend on the clock: cards state the clock
// as an estimate where it is one, and a figure compares the peak.
void refuse_contradictions(const Chip& chip, const DimcCard& card) {
  constexpr double kTolerance = 0.01;
  const auto expect = [&](const std::string& key, double found, double derived, const std::string& reason) {
    if (std::abs(found / derived - 1) > kTolerance) {
      refuse(chip, key, fmt::format("{:.4g}, {}", derived, reason));
    }
  };
  if (chip.has("published.cores")) {
    expect("published.cores", chip.get<Ratio>("published.cores").value, card.cores * card.chiplets,
           "the product of structure.*");
  }
  if (!chip.has("published.int8_peak")) {
    return;
  }
  const double int8 = chip.get<OpsPerSecond>("published.int8_peak").value;
  const auto ratio = [&](int bits) {
    return macs_per_cycle(card.core, bits, bits) / macs_per_cycle(card.core, kReferenceBits, kReferenceBits);
  };
  if (chip.has("published.int4_peak")) {
    constexpr int kBits = 4;
    expect("published.int4_peak", chip.get<OpsPerSecond>("published.int4_peak").value, int8 * ratio(kBits),
           "op/s that cores of this shape do at 4 bits by published.int8_peak");
  }
  if (chip.has("published.int16_peak")) {
    constexpr int kBits = 16;
    expect("published.int16_peak", chip.get<OpsPerSecond>("published.int16_peak").value, int8 * ratio(kBits),
           "op/s that cores of this shape do at 16 bits by published.int8_peak");
  }
  if (chip.has("published.sram_bandwidth")) {
    const double per_op = card.core.reload_bytes_per_cycle /
                          (kOpsPerMac * macs_per_cycle(card.core, kReferenceBits, kReferenceBits));
    expect("published.sram_bandwidth", chip.get<BytesPerSecond>("published.sram_bandwidth").value,
           int8 * per_op, "B/s that core.reload gives at the clock of published.int8_peak");
  }
}

}  // namespace

OpsPerSecond DimcCard::peak(int weight_bits, int activation_bits) const {
  return OpsPerSecond(kOpsPerMac * cores * macs_per_cycle(core, weight_bits, activation_bits) * clock.value);
}

JoulesPerOp DimcCard::energy_of_op(int weight_bits, int activation_bits) const {
  return op_energy * (static_cast<double>(weight_bits) * activation_bits / (kReferenceBits * kReferenceBits));
}

std::optional<Stored> DimcCard::stored(Format format) const {
  // Widths with scales are a little above the integer's own: 4.5 bits of q4_0 are 4, 6.6 of q6_k are 7.
  constexpr double kLargestScales = 1;
  const double bits = info(format).bits;
  constexpr double kWide = 16;
  if (bits >= kWide) {
    return Stored{wide_bits, wide_bits + exponent_bits};
  }
  for (const int width : widths) {
    if (bits <= width + kLargestScales) {
      return Stored{width, width + exponent_bits};
    }
  }
  return std::nullopt;
}

DimcCard read_dimc_card(const System& system) {
  const Chip& chip = system.chip();
  // Gates and the published figures are for figures.h and tests.
  chip.refuse_unknown({"core.*",      "clock",    "structure.*", "formats.*", "sram.*",
                       "lpddr.*",     "vector.*", "noc.*",       "d2d.*",     "scale_up.*",
                       "scale_out.*", "links.*",  "power.*",     "energy.*",  "process.*",
                       "supply.*",    "area.*",   "gates.*",     "macro.*",   "published.*"});
  DimcCard card;
  read_core(chip, card);
  read_structure(chip, card);
  if (!chip.has("sram.capacity")) {
    return card;
  }
  read_widths(chip, card);
  read_memories(chip, card);
  card.vector_values_per_cycle = chip.get<Ratio>("vector.values_per_cycle").value;
  card.section_latency = chip.get<Seconds>("noc.latency");
  read_links(system, card);
  read_power(chip, card);
  refuse_contradictions(chip, card);
  return card;
}

}  // namespace memwall
