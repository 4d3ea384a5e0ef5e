// card.h - what the in-memory-compute family reads off its cards.
//
// core -> slice -> quad -> chiplet -> package -> card ("chip" of a system) -> server -> rack. Numbers here
// are of one chiplet unless they say otherwise: memories and links that a card states for itself are divided
// by its chiplets. A card without `sram` is a bare macro: it has figures and runs no model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memwall/core/number_format.h"
#include "memwall/core/units.h"
#include "memwall/hardware/system.h"
#include "memwall/hardware/voltage.h"
#include "memwall/processors/dimc/core_shape.h"

namespace memwall {

// How a value of a model's format is kept and computed with on the chip.
struct Stored {
  int bits = 8;          // of the integer
  double bits_held = 8;  // with its share of the block's exponent
  bool operator==(const Stored&) const = default;
};

struct DimcCard {
  CoreShape core;
  Hertz clock;
  int cores = 1;             // of a chiplet
  int chiplets = 1;          // of a card
  int package_chiplets = 1;  // of a package
  int joined_cards = 1;      // cards whose chiplets the die-to-die link joins
  int server_cards = 1;      // cards of a server, scale_up.domain

  std::vector<int> widths;   // of integers that the cores take, ascending
  int wide_bits = 8;         // what values of 16 bits and more become
  double exponent_bits = 0;  // per value: 8 / block

  struct Memory {
    Bytes capacity;
    BytesPerSecond bandwidth;
    JoulesPerByte energy;
  };
  std::optional<Memory> sram;   // bandwidth: of all reload ports
  std::optional<Memory> lpddr;  // bandwidth: sustained is bandwidth * lpddr_achieved
  double lpddr_achieved = 1;

  double vector_values_per_cycle = 0;
  Seconds section_latency;  // to hand activations to all cores of a chiplet and gather their results

  struct Link {
    BytesPerSecond bandwidth;  // of one chiplet, per direction
    Seconds latency;
    JoulesPerByte energy;
  };
  std::optional<Link> d2d, scale_up, scale_out;
  Seconds collective_overhead;  // of one exchange over chiplets, beside latencies and bytes
  double partial_sum_bytes = 0, result_bytes = 0;  // per value on a link

  JoulesPerOp op_energy;  // of 8-bit weights and activations
  JoulesPerOp vector_energy;
  Watts tdp, idle;  // of a card
  VoltageCurve voltage;

  // Operations per second of a chiplet.
  OpsPerSecond peak(int weight_bits, int activation_bits) const;
  // Energy of an operation: every bit of the weight meets every bit of the activation.
  JoulesPerOp energy_of_op(int weight_bits, int activation_bits) const;
  // The narrowest width that holds the format; nullopt: no core takes it.
  std::optional<Stored> stored(Format format) const;
};

// From the first pool. Throws ConfigError for missing, unknown and ill-typed facts, for counts that are not
// whole, and for parts that contradict each other: published cores, capacities and ratios of published peaks
// and bandwidth that the structure does not have.
DimcCard read_dimc_card(const System& system);

}  // namespace memwall
