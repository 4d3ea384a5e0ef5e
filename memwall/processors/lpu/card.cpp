#include "memwall/processors/lpu/card.h"

#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

int whole(const Chip& chip, const std::string& key, int least = 1) {
  constexpr double kMost = 1 << 20;
  const double value = chip.get<Ratio>(key).value;
  if (value != std::floor(value) || value < least || value > kMost) {
    throw ConfigError(chip.fact(key).where, key, quoted(chip.fact(key).text),
                      fmt::format("a whole number from {} to 2^20", least));
  }
  return static_cast<int>(value);
}

double fraction(const Chip& chip, const std::string& key) {
  const double value = chip.get<Ratio>(key).value;
  if (value > 1) {
    throw ConfigError(chip.fact(key).where, key, quoted(chip.fact(key).text), "a fraction, at most 1");
  }
  return value;
}

[[noreturn]] void contradiction(const Chip& chip, const std::string& key, const std::string& expected) {
  throw ConfigError(chip.fact(key).where, key, quoted(chip.fact(key).text), expected);
}

// Vectors are moved in 16 tiles at most 32 times: what the stream registers' valid bits can tell apart.
constexpr int kMostSuperlanes = 32;
constexpr int kSuperlane = 16;
constexpr int kHemispheres = 2;

LpuGeometry read_geometry(const Chip& chip) {
  LpuGeometry geometry;
  geometry.superlanes = whole(chip, "core.superlanes");
  geometry.lanes_per_superlane = whole(chip, "core.lanes_per_superlane");
  geometry.streams = whole(chip, "core.streams");
  const int slices = whole(chip, "memory.slices");
  geometry.mem_slices = slices / kHemispheres;
  geometry.words_per_bank = whole(chip, "memory.words");
  geometry.alus = whole(chip, "vector.alus");
  geometry.switch_units = whole(chip, "switch.units");
  geometry.read_delay = whole(chip, "delay.read");
  geometry.write_delay = whole(chip, "delay.write");
  geometry.alu_delay = whole(chip, "delay.alu");
  geometry.switch_delay = whole(chip, "delay.switch");
  geometry.matrix_delay = whole(chip, "delay.matrix");
  geometry.emit_delay = whole(chip, "delay.emit");
  if (slices % kHemispheres != 0) {
    contradiction(chip, "memory.slices", "as many slices in the west as in the east");
  }
  if (whole(chip, "memory.banks") != LpuGeometry::kBanks) {
    contradiction(chip, "memory.banks", "2 single-port banks, what the machine's memory slices have");
  }
  if (whole(chip, "matrix.planes") != LpuGeometry::kPlanes) {
    contradiction(chip, "matrix.planes", "4 planes, two in each hemisphere");
  }
  if (geometry.superlanes > kMostSuperlanes) {
    contradiction(chip, "core.superlanes", fmt::format("at most {}", kMostSuperlanes));
  }
  if (geometry.lanes_per_superlane != kSuperlane) {
    contradiction(chip, "core.lanes_per_superlane",
                  fmt::format("{}, the partial sums of an array", kSuperlane));
  }
  if (geometry.weight_streams() < 1) {
    contradiction(chip, "core.streams",
                  "at least 4: one for the weights of each of two arrays, two for activations");
  }
  if (geometry.scratch_slices() < 1) {
    contradiction(
        chip, "core.streams",
        fmt::format("fewer: {} slices of a hemisphere cannot keep {} streams of weights busy and have one "
                    "left for what is computed",
                    geometry.mem_slices, geometry.weight_streams() * LpuGeometry::kPlanesPerHemisphere));
  }
  for (const char* key : {"delay.switch", "delay.matrix"}) {
    // A result needs all superlanes, and the last one's operand comes superlanes - 1 cycles late.
    if (whole(chip, key) < geometry.superlanes) {
      contradiction(chip, key, fmt::format("at least the skew of {} superlanes", geometry.superlanes));
    }
  }
  return geometry;
}

void require_capacity(const Chip& chip, const LpuGeometry& geometry) {
  constexpr double kRounding = 0.005;  // "220 MiB" and "500 MB" are rounded
  const Bytes stated = chip.get<Bytes>("memory.capacity");
  const Bytes built(static_cast<double>(geometry.vectors()) * geometry.lanes());
  if (std::abs(stated / built - 1) > kRounding) {
    contradiction(chip, "memory.capacity",
                  fmt::format("{} lanes x {} slices x {} banks x {} words = {:.0f} B", geometry.lanes(),
                              kHemispheres * geometry.mem_slices, LpuGeometry::kBanks,
                              geometry.words_per_bank, built.value));
  }
}

LpuCard::Links read_links(const Chip& chip) {
  LpuCard::Links links;
  links.node = whole(chip, "links.node");
  links.local = whole(chip, "links.local", 0);
  links.global = whole(chip, "links.global", 0);
  if (links.local < links.node - 1) {
    contradiction(chip, "links.local",
                  fmt::format("a link to each of the {} other chips of a node", links.node - 1));
  }
  links.bandwidth = chip.get<BytesPerSecond>("links.bandwidth") * (1 - fraction(chip, "links.framing"));
  links.latency = chip.get<Seconds>("scale_up.latency");
  links.exchange_overhead = chip.get<Seconds>("links.exchange_overhead");
  return links;
}

}  // namespace

double LpuCard::macs_per_cycle(bool bytes) const {
  constexpr double kArraysPerHalf = 2, kCyclesPerHalf = 2;
  return static_cast<double>(geometry.macs()) / (bytes ? 1 : kArraysPerHalf * kCyclesPerHalf);
}

LpuCard read_lpu_card(const Chip& chip) {
  // Process, area and the published figures are for reports and tests.
  chip.refuse_unknown({"core.*", "memory.*", "matrix.*", "vector.*", "switch.*", "delay.*", "clock",
                       "links.*", "scale_up.*", "host.*", "power.*", "energy.*", "process.*", "area.*",
                       "published.*"});
  LpuCard card;
  card.geometry = read_geometry(chip);
  require_capacity(chip, card.geometry);
  card.clock = chip.get<Hertz>("clock");
  card.capacity = Bytes(static_cast<double>(card.geometry.vectors()) * card.geometry.lanes());
  card.usable = fraction(chip, "memory.usable");
  card.byte_format = format_named("matrix.byte_format", chip.word("matrix.byte_format"));
  if (card.byte_format != Format::int8 && card.byte_format != Format::fp8) {
    throw ConfigError(chip.words.at("matrix.byte_format").where, "matrix.byte_format",
                      quoted(chip.word("matrix.byte_format")), "'int8' or 'fp8'");
  }
  card.links = read_links(chip);
  card.host_latency = chip.get<Seconds>("host.latency");
  card.tdp = chip.get<Watts>("power.tdp");
  card.idle = chip.get<Watts>("power.idle");
  if (card.idle > card.tdp) {
    contradiction(chip, "power.idle", "at most power.tdp");
  }
  card.sram_energy = chip.get<JoulesPerByte>("energy.sram");
  card.link_energy = chip.get<JoulesPerByte>("energy.link");
  card.byte_energy = chip.get<JoulesPerOp>("energy.byte_op");
  card.half_energy = chip.get<JoulesPerOp>("energy.half_op");
  return card;
}

}  // namespace memwall
