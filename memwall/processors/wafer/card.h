// card.h - what the wafer family reads off a chip card: one wafer, a rectangle of equal cores on a mesh.
#pragma once

#include <cstdint>

#include "memwall/core/units.h"
#include "memwall/hardware/system.h"

namespace memwall {

struct WaferCard {
  int rows = 0, columns = 0;  // cores that a program may use
  Hertz clock;

  // Core.
  Bytes sram;                     // per core
  int banks = 0;                  // single-ported
  Bytes reserved;                 // of it: code, tables, stack
  int simd = 0;                   // fp16 multiply-accumulates per cycle
  Bytes port;                     // read and written per cycle together, at most
  double instruction_cycles = 0;  // to set up and start one tensor instruction
  double operation_cycles = 0;    // before a vector operation: addresses, descriptors, the code around it
  double repeat_cycles = 0;       // between tensor instructions of one loop over prepared descriptors
  double special_cycles = 0;      // of one exponential, reciprocal or square root, in software
  double task_cycles = 0;         // to activate a task

  // Router and fabric.
  double ramp_cycles = 0;  // core to router, and router to core
  int colors = 0, switch_positions = 0, queue_depth = 0;
  Bytes wavelet;

  Bytes value;  // of a weight or an activation in SRAM

  BytesPerSecond edge_bandwidth;  // in and out at the edges of one wafer
  Seconds edge_latency;           // from wafer to wafer

  Watts tdp, idle;                // per wafer and its system
  JoulesPerOp arithmetic_energy;  // in the cores' 16 bits
  JoulesPerByte sram_energy;

  std::int64_t cores() const { return std::int64_t{rows} * columns; }
  int values_per_wavelet() const { return static_cast<int>(wavelet / value); }
};

// Throws ConfigError for a missing, unknown or ill-typed fact, banks that do not divide the memory, values
// that do not divide a wavelet, or idle above TDP. Links may be those of the system.
WaferCard read_wafer_card(const System& system);

}  // namespace memwall
