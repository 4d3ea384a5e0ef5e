// harden.h - a weight file turned into wiring: what `memwall harden` asks of a family, and its report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memwall/core/output_folder.h"
#include "memwall/core/units.h"
#include "memwall/tensor/weight_source.h"

namespace memwall {

// A file's weights have a scale per block of values; a neuron in metal has one.
enum class ScalePolicy {
  neuron,  // one scale per neuron: weights are rounded to the chip's values, the error is reported
  block,   // a neuron of its own for every block of the file, its result scaled: the file's codes exactly
};

struct HardenOptions {
  ScalePolicy scales = ScalePolicy::neuron;
  std::vector<std::string> tensors;  // by name; empty: all
  // Neurons to write as SystemVerilog: of this tensor, [first, first + count); none when the name is empty.
  std::string verilog_tensor;
  std::int64_t verilog_first = 0, verilog_count = 1;
};

// One matrix. Adders are full or half adders.
struct HardenedTensor {
  std::string name, type;                // "blk.0.attn_q.weight", "Q4_1"
  std::string layer;                     // "blk.0", or the tensor's own name
  std::int64_t neurons = 0, inputs = 0;  // a neuron per output, and per block or half of a code where needed
  std::int64_t weights = 0;
  std::int64_t wires = 0;         // weights that are not zero: connections in the programmable metal
  std::int64_t ports = 0;         // that the regions of the silicon offer
  std::int64_t overfull = 0;      // neurons whose regions take more slices than the silicon gives one neuron
  double fullest = 0;             // slices taken / given, of the fullest neuron
  std::int64_t adders = 0;        // that the connections reach
  std::int64_t built_adders = 0;  // that the silicon has for them
  SquareMillimetres area;
  Joules energy_per_pass;  // of one token through all neurons
  Watts power;             // while passes follow one another
  double error = 0;        // root of mean square, wired against file, over that of the file's weights
};

// What the method has no place for, and what was done with it.
struct Misfit {
  std::string what, handling;
  std::int64_t values = 0;
};

struct HardenReport {
  std::string source, system;
  std::vector<HardenedTensor> tensors;  // matrices, in file order
  std::vector<HardenedTensor> layers;   // their sums
  HardenedTensor total;
  std::vector<Misfit> misfits;
  SquareMillimetres array_area;         // that the system has for arrays
  SquareMillimetres area_as_published;  // of the same weights at the density that the chip's maker states
};

// Immutable.
class Hardener {
 public:
  virtual ~Hardener() = default;
  // Writes connection lists and SystemVerilog into `folder`, does not commit it. Throws ConfigError for
  // unknown tensor names and for weights that cannot be wired.
  virtual HardenReport harden(const WeightSource& source, const HardenOptions& options,
                              OutputFolder& folder) const = 0;
};

}  // namespace memwall
