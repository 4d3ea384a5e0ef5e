// card.h - what the hardwired family reads off a chip card.
//
// Two ways to run tokens: a spatial pipeline (stages_per_layer > 0; every stage holds one token and the
// slowest sets the pace) or passes of the whole chip (tokens_per_pass tokens share each pass).
#pragma once

#include <optional>
#include <string>

#include "memwall/core/units.h"
#include "memwall/hardware/chip.h"

namespace memwall {

inline constexpr int kLayerStages = 6;  // qkv, attention, o, router, up, down

struct HardwiredCard {
  std::string wired_model;  // a model by name or path, whose shape is in the wires
  int chips = 1;            // that hold one copy of it together, grid_rows x grid_columns
  int grid_rows = 1, grid_columns = 1;
  int stages_per_layer = 0;
  double tokens_per_pass = 0;

  Hertz clock;
  double least_array_cycles = 0;  // of a projection: the bits of a serial input; 0 when not published
  double inputs_per_cycle = 0;    // activation values that a projection takes in per cycle
  double vector_op_cycles = 0;    // latency of one norm, softmax, rotation, activation or sum

  double kv_heads_per_cycle = 0;  // cached vectors of one head and token that the vector unit reads per cycle
  double attention_passes = 0;    // over the cache: keys, then values
  double kv_bits = 0;             // per cached value
  bool windows_honoured = true;   // false: every layer keeps and reads the whole context
  Bytes kv_capacity;              // of the on-chip buffer
  BytesPerSecond kv_bandwidth;

  struct Hbm {
    Bytes capacity;
    BytesPerSecond peak, spilled;  // spilled: rate that the attention unit sees for cache outside the buffer
  };
  std::optional<Hbm> hbm;

  struct Links {  // point to point, to every chip of the same row and of the same column
    BytesPerSecond bandwidth;
    Seconds latency, round_overhead;  // of one exchange: on the wire, and what the protocol adds
    double partial_sum_bytes = 0, result_bytes = 0;  // per value
  };
  std::optional<Links> links;  // absent for one chip

  Watts tdp, idle;  // per chip
  // Power of each block at the published operating point; 0 when only the chip's is known.
  Watts array_power, vector_power, buffer_power, link_power;
  // Where the powers hold: all that the chips serve, sequences and tokens of context each.
  Hertz published_rate;
  double published_batch = 0, published_context = 0;

  bool is_pipeline() const { return stages_per_layer > 0; }
};

// Throws ConfigError for a missing, unknown or ill-typed fact, a grid that is not the chips, or a card that
// gives both or neither of the two ways to run tokens.
HardwiredCard read_hardwired_card(const Chip& chip);

}  // namespace memwall
