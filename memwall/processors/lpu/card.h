// card.h - what the lpu family reads off a chip card.
#pragma once

#include "memwall/core/number_format.h"
#include "memwall/core/units.h"
#include "memwall/hardware/chip.h"
#include "memwall/processors/lpu/geometry.h"

namespace memwall {

struct LpuCard {
  LpuGeometry geometry;
  Hertz clock;
  Bytes capacity;     // of all MEM slices: follows from the geometry
  double usable = 1;  // part of it that holds weights and cache; programs and scratch take the rest
  Format byte_format =
      Format::int8;  // what one array multiplies every cycle; 16-bit values take two arrays, two cycles

  struct Links {
    int node = 1;               // chips with a link to each other
    int local = 0;              // links of one chip inside its node
    int global = 0;             // and beyond it
    BytesPerSecond bandwidth;   // of one link, one direction, framing taken off
    Seconds latency;            // of a hop, deskew included
    Seconds exchange_overhead;  // of every exchange between chips, beyond hop and wire
  };
  Links links;
  Seconds host_latency;  // a token comes from the host, its logits go there

  Watts tdp, idle;
  JoulesPerByte sram_energy, link_energy;
  JoulesPerOp byte_energy, half_energy;

  // Multiply-accumulates per cycle when operands are of this class.
  double macs_per_cycle(bool bytes) const;
  // True for operands that one array takes as they are; everything else is computed in 16 bits.
  bool is_byte_arithmetic(Format activation) const { return info(activation).arithmetic == byte_format; }
};

// Throws ConfigError for a missing, unknown or ill-typed fact, and for a card whose parts contradict each
// other: lanes, slices, banks and words that are not the stated capacity, streams too few to feed two arrays.
LpuCard read_lpu_card(const Chip& chip);

}  // namespace memwall
