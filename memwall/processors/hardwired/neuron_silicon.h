// neuron_silicon.h - what a chip's bank of hardwired neurons is built of, whatever its weights: regions of
// slices that the metal joins, ports that no weight uses tied to ground.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "memwall/core/units.h"
#include "memwall/hardware/chip.h"
#include "memwall/processors/hardwired/machine.h"

namespace memwall {

struct NeuronSilicon {
  std::vector<std::int32_t> values;  // of the regions' constants, ascending, zero among them; whole numbers
  int input_bits = 0;
  std::int64_t slice_ports = 0;  // inputs of one slice of a compressor
  double slack = 0;              // ports beyond one per input, as a fraction
  double adder_transistors = 0, register_transistors = 0;
  double density = 0;  // transistors per mm2

  std::int64_t slices_of(std::int64_t inputs) const;  // that a neuron for so many inputs is given
  SquareMillimetres area(std::int64_t adders, std::int64_t register_bits) const;
};

// Whether the card describes such neurons at all; reading one that does not throws ConfigError.
bool has_neurons(const Chip& chip);
NeuronSilicon read_neuron_silicon(const Chip& chip);

// A neuron by the inputs that its regions take: region r, for a weight of values[r] (not zero), `ports[r]` of
// them in one cycle. Counters, constant multipliers, adder tree, accumulator; wires and cells stay 0.
MachineParts neuron_parts(std::span<const std::int64_t> ports, std::span<const std::int32_t> values, int bits,
                          int turns = 1);

struct BuiltNeuron {
  std::int64_t slices_given = 0, slices_taken = 0;
  std::int64_t adders = 0, register_bits = 0;  // of as many slices as are given, or taken if that is more
};
// `counts[r]` inputs have the weight values[r] of the silicon; zeros have none.
BuiltNeuron built_neuron(const NeuronSilicon& silicon, std::span<const std::int64_t> counts,
                         std::span<const std::int32_t> values, std::int64_t inputs);

}  // namespace memwall
