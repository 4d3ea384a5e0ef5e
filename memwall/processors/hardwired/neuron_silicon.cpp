#include "memwall/processors/hardwired/neuron_silicon.h"

#include <algorithm>
#include <cmath>

#include "memwall/core/error.h"
#include "memwall/processors/hardwired/digits.h"
#include "memwall/tensor/coded_rows.h"

namespace memwall {
namespace {

constexpr const char* kWeights = "array.weights";

double count_of(const Chip& chip, const std::string& key) { return chip.get<Ratio>(key).value; }

// Constant multipliers behind the counters of `count_bits` bits, the tree over them, the accumulator.
// `magnitude`: the largest sum of one cycle.
MachineParts arithmetic_parts(std::span<const std::int32_t> values, std::span<const int> count_bits,
                              std::int64_t magnitude, int bits, int turns) {
  MachineParts parts;
  std::int64_t terms = 0;
  for (std::size_t region = 0; region < values.size(); ++region) {
    if (count_bits[region] == 0) {
      continue;
    }
    const int product_bits = count_bits[region] + bits_of(values[region]);
    const auto digits = static_cast<std::int64_t>(canonical_digits(values[region]).size());
    parts.adders += (digits - 1) * product_bits;
    parts.register_bits += count_bits[region] + product_bits;
    ++terms;
  }
  if (terms > 0) {
    const int step_bits = bits_of(magnitude) + 1, result_bits = step_bits + bits + bits_of(turns - 1);
    parts.adders += (terms - 1) * step_bits + result_bits;
    parts.register_bits += result_bits;
  }
  return parts;
}

}  // namespace

std::int64_t NeuronSilicon::slices_of(std::int64_t inputs) const {
  const double ports = std::ceil(static_cast<double>(inputs) * (1 + slack));
  return ceil_div(static_cast<std::int64_t>(ports), slice_ports);
}

SquareMillimetres NeuronSilicon::area(std::int64_t adders, std::int64_t register_bits) const {
  const double transistors = static_cast<double>(adders) * adder_transistors +
                             static_cast<double>(register_bits) * register_transistors;
  return SquareMillimetres(transistors / density);
}

bool has_neurons(const Chip& chip) { return chip.words.count(kWeights) > 0; }

NeuronSilicon read_neuron_silicon(const Chip& chip) {
  NeuronSilicon silicon;
  const std::string weights = chip.word(kWeights);
  if (weights != "fp4_e2m1") {
    throw ConfigError(chip.words.at(kWeights).where, kWeights, quoted(weights),
                      "fp4_e2m1, the alphabet whose constants are known");
  }
  for (const std::int8_t value : doubled_e2m1()) {
    silicon.values.push_back(value);
  }
  silicon.input_bits = static_cast<int>(count_of(chip, "array.input_bits"));
  silicon.slice_ports = static_cast<std::int64_t>(count_of(chip, "array.slice_ports"));
  silicon.slack = count_of(chip, "array.slack");
  silicon.adder_transistors = count_of(chip, "cells.adder_transistors");
  silicon.register_transistors = count_of(chip, "cells.register_transistors");
  silicon.density = count_of(chip, "process.density");
  constexpr int kMostBits = 16;
  if (silicon.input_bits < 1 || silicon.input_bits > kMostBits) {
    throw ConfigError(chip.fact("array.input_bits").where, "array.input_bits",
                      chip.fact("array.input_bits").text, "1 to 16 bits");
  }
  if (silicon.slice_ports < 2) {
    throw ConfigError(chip.fact("array.slice_ports").where, "array.slice_ports",
                      chip.fact("array.slice_ports").text, "2 inputs or more");
  }
  return silicon;
}

MachineParts neuron_parts(std::span<const std::int64_t> ports, std::span<const std::int32_t> values, int bits,
                          int turns) {
  std::vector<int> count_bits;
  std::int64_t magnitude = 0, counters = 0;
  for (std::size_t region = 0; region < values.size(); ++region) {
    count_bits.push_back(bits_of(ports[region]));
    magnitude += ports[region] * std::abs(values[region]);
    counters += counter_adders(ports[region]);
  }
  MachineParts parts = arithmetic_parts(values, count_bits, magnitude, bits, turns);
  parts.adders += counters;
  return parts;
}

BuiltNeuron built_neuron(const NeuronSilicon& silicon, std::span<const std::int64_t> counts,
                         std::span<const std::int32_t> values, std::int64_t inputs) {
  BuiltNeuron built;
  built.slices_given = silicon.slices_of(inputs);
  std::int64_t largest = 0;
  for (std::size_t region = 0; region < values.size(); ++region) {
    built.slices_taken += ceil_div(counts[region], silicon.slice_ports);
    largest = std::max<std::int64_t>(largest, std::abs(values[region]));
  }
  // Any region may become any size: all counts are wide enough for all inputs. A slice more in a region is
  // one addition of counts.
  const std::int64_t slices = std::max(built.slices_given, built.slices_taken);
  const int widest = bits_of(inputs);
  const std::vector<int> count_bits(values.size(), widest);
  const MachineParts arithmetic =
      arithmetic_parts(values, count_bits, inputs * largest, silicon.input_bits, 1);
  const auto regions = static_cast<std::int64_t>(values.size());
  built.adders = slices * counter_adders(silicon.slice_ports) +
                 std::max<std::int64_t>(0, slices - regions) * widest + arithmetic.adders;
  built.register_bits = arithmetic.register_bits;
  return built;
}

}  // namespace memwall
