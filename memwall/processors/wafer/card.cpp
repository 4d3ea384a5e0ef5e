#include "memwall/processors/wafer/card.h"

#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/processors/wafer/mesh_queues.h"

namespace memwall {
namespace {

[[noreturn]] void refuse(const Chip& chip, const std::string& key, const std::string& expected) {
  throw ConfigError(chip.fact(key).where, key, quoted(chip.fact(key).text), expected);
}

int whole(const Chip& chip, const std::string& key, int least, int most) {
  const double value = chip.get<Ratio>(key).value;
  if (value != std::floor(value) || value < least || value > most) {
    refuse(chip, key, fmt::format("a whole number from {} to {}", least, most));
  }
  return static_cast<int>(value);
}

double cycles(const Chip& chip, const std::string& key) { return chip.get<Ratio>(key).value; }

bool divides(Bytes part, Bytes whole) { return std::fmod(whole.value, part.value) == 0; }

void read_core(const Chip& chip, WaferCard& card) {
  card.sram = chip.get<Bytes>("core.sram");
  card.banks = whole(chip, "core.banks", 1, 64);
  if (!divides(Bytes(card.banks), card.sram)) {
    refuse(chip, "core.banks",
           fmt::format("a number of banks that divides core.sram, {:.0f} bytes", card.sram.value));
  }
  card.reserved = chip.get<Bytes>("core.reserved");
  if (card.reserved >= card.sram) {
    refuse(chip, "core.reserved", "less than core.sram");
  }
  card.simd = whole(chip, "core.simd", 1, 64);
  card.port = chip.get<Bytes>("core.port");
  card.instruction_cycles = cycles(chip, "core.instruction_cycles");
  card.operation_cycles = cycles(chip, "core.operation_cycles");
  card.repeat_cycles = cycles(chip, "core.repeat_cycles");
  card.special_cycles = cycles(chip, "core.special_cycles");
  card.task_cycles = cycles(chip, "core.task_cycles");
  card.value = chip.get<Bytes>("core.value");
}

void read_router(const Chip& chip, WaferCard& card) {
  card.ramp_cycles = whole(chip, "router.ramp_cycles", 1, kRing);
  card.colors = whole(chip, "router.colors", 1, 32);
  card.switch_positions = whole(chip, "router.switch_positions", 1, 8);
  card.queue_depth = whole(chip, "router.queue_depth", 2, kRing);
  if (card.queue_depth + card.ramp_cycles > kRing) {
    refuse(chip, "router.queue_depth", fmt::format("at most {} with router.ramp_cycles", kRing));
  }
  card.wavelet = chip.get<Bytes>("router.wavelet");
  if (!divides(card.value, card.wavelet)) {
    refuse(chip, "router.wavelet", "a whole number of values of core.value");
  }
}

}  // namespace

WaferCard read_wafer_card(const System& system) {
  const Chip& chip = system.chip();
  // Areas, transistors, vendor totals and prices are for reports and tests.
  chip.refuse_unknown({"mesh.*", "clock", "clocks.*", "core.*", "router.*", "scale_up.*", "power.*",
                       "energy.*", "process.*", "area.*", "published.*", "calibration.*"});
  WaferCard card;
  constexpr int kMostSide = 4096;
  card.rows = whole(chip, "mesh.rows", 2, kMostSide);
  card.columns = whole(chip, "mesh.columns", 2, kMostSide);
  card.clock = chip.get<Hertz>("clock");
  read_core(chip, card);
  read_router(chip, card);
  card.edge_bandwidth = system.get<BytesPerSecond>("scale_up.bandwidth");
  card.edge_latency = system.get<Seconds>("scale_up.latency");
  card.tdp = chip.get<Watts>("power.tdp");
  card.idle = chip.get<Watts>("power.idle");
  card.arithmetic_energy = chip.get<JoulesPerOp>("energy.fp16");
  card.sram_energy = chip.get<JoulesPerByte>("energy.sram_small");
  if (card.idle > card.tdp) {
    refuse(chip, "power.idle", "at most power.tdp, " + to_text(card.tdp));
  }
  return card;
}

}  // namespace memwall
