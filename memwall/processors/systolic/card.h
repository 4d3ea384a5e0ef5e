// card.h - what the systolic family reads off a chip card. README.md lists the keys.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "memwall/core/number_format.h"
#include "memwall/core/units.h"
#include "memwall/hardware/system.h"
#include "memwall/hardware/voltage.h"
#include "memwall/processors/systolic/array_cycles.h"

namespace memwall {

struct SystolicCard {
  std::string title;
  ArrayShape array;
  Split finest;  // the array divides into this many parts and into every divisor of them
  std::vector<Dataflow> dataflows;
  Hertz clock;
  std::array<double, kFormatCount> macs_per_cell{};  // per cycle, by arithmetic format; 0: not multiplied
  std::array<JoulesPerOp, kFormatCount> energy{};    // of an operation, of the formats that are multiplied

  OpsPerSecond vector;  // norms, softmax, activations
  JoulesPerOp vector_energy;
  Bytes sram_capacity, sram_buffers;  // buffers: kept for activations, never for weights
  BytesPerSecond sram_bandwidth;
  JoulesPerByte sram_energy;
  bool weights_in_sram = false;  // a plan may keep all weights on chip
  Bytes hbm_capacity, hbm_reserve;
  BytesPerSecond hbm_bandwidth;
  double hbm_achieved = 1;  // share of the bandwidth that streams sustain
  JoulesPerByte hbm_energy;

  Seconds op_start;   // between two operators: issue, first fetch
  Seconds step_host;  // between two steps
  int domain = 1;     // chips that the links join
  struct Links {
    BytesPerSecond bandwidth;  // per chip and direction
    Seconds latency;           // of one hop
    double achieved = 1;
    JoulesPerByte energy;
  };
  std::optional<Links> links;  // absent for one chip
  Watts tdp, idle;             // tdp: what the clock gives way to; 0: nothing known
  VoltageCurve voltage;

  // Multiplies and accumulates of one cell per cycle when both operands have this arithmetic; formats that
  // the array has no rate for are expanded to bf16.
  double rate(Format arithmetic) const;
  Format computed_in(Format arithmetic) const;
  OpsPerSecond peak(Format arithmetic) const;  // of the chip
  bool splits() const { return finest.parts() > 1; }
};

// Throws ConfigError for a missing, unknown or ill-typed fact, a split that does not divide the array, or a
// dataflow that is none.
SystolicCard read_systolic_card(const System& system);

}  // namespace memwall
