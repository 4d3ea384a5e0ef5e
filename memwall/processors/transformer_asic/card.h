// card.h - what the family reads off a chip card.
#pragma once

#include <set>
#include <string>

#include "memwall/hardware/system.h"
#include "memwall/processors/transformer_asic/array.h"

namespace memwall {

struct AsicCard {
  std::set<std::string> graph;  // names of what the fixed graph has: entries of `graph:`

  StationaryArray array;
  std::int64_t arrays = 1;  // after control took its share
  Hertz clock;
  double wide_cycles = 0;       // array cycles per activation row of 16 bits; 0: 8 bits only
  double exps_per_cycle = 0;    // of the softmax unit
  double values_per_cycle = 0;  // that norms, rotations, activations and sums stream
  double pointwise_cycles = 0;  // latency of one of those
  Bytes hbm_capacity;
  BytesPerSecond hbm_bandwidth;
  double hbm_achieved = 0;
  BytesPerSecond link_bandwidth;  // of one chip, one direction
  Seconds link_latency;
  Seconds control;  // before every operator; 0 for hardware without instructions
  Watts idle;
  JoulesPerByte hbm_energy, link_energy;
  JoulesPerOp narrow_energy, wide_energy, vector_energy;

  OpsPerSecond peak() const;  // 8-bit
};

// Throws ConfigError for a missing, unknown or ill-typed fact, a graph entry that no model has, and shares
// above 1.
AsicCard read_asic_card(const System& system);

// What a fixed graph may have, the words of `graph:`.
inline constexpr const char* kGraphParts[] = {"embedding",
                                              "rms_norm",
                                              "layer_norm",
                                              "linear",
                                              "bias",
                                              "rope",
                                              "attention",
                                              "window_attention",
                                              "sinks",
                                              "latent_attention",
                                              "gated_activation",
                                              "activation",
                                              "residual",
                                              "experts",
                                              "sampler"};

}  // namespace memwall
