// machine.h - four ways to have a matrix of small integers in metal, each executed cycle by cycle on real
// numbers. All return y = W x exactly; they differ in what they are built of and in how long they take.
//
//   hardwired neuron   y = sum over values v of v * sum over bits b of 2^b popcount(x_b & {inputs with weight
//                      v}): inputs enter bit by bit, wires sort them into one region per value, a compressor
//                      tree counts each region, one constant multiplier per region, one adder tree.
//                      (HNLPU, ASPLOS 2026: pre-adds, then multiplies by the alphabet)
//   select and add     the products of an activation with the whole alphabet are formed once, every weight
//                      taps the one it needs, an adder per output accumulates. (Taalas patents, as
//                      reconstructed at yongwei.site: pre-multiplies, then adds)
//   constant shift-add every weight is its canonical signed digits: shifted inputs into one adder tree per
//                      output. (ITA, arXiv 2511.22889)
//   ROM in memory      weights as balanced ternary digits in mask ROM; of each bit of the activations a
//   column
//                      counts its plus and minus cells. (BitROM, arXiv 2509.08542; TOM, arXiv 2602.20662)
//
// An adder is one full or half adder. Toggles are bits that change from one cycle to the next on the wires
// and registers named in each .cpp, from an all-zero start; nodes inside an adder are not among them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "memwall/processors/hardwired/coded_weights.h"

namespace memwall {

struct MachineParts {
  std::int64_t adders = 0;  // full or half
  std::int64_t register_bits = 0;
  std::int64_t wires = 0;  // connections that the weights decide: the programmable metal
  std::int64_t cells = 0;  // transistors that stand for weights: one-hot taps, ROM cells
};

struct MachineRun {
  std::vector<std::int64_t> outputs;
  std::int64_t cycles = 0, toggles = 0;
};

class WiredMachine {
 public:
  virtual ~WiredMachine() = default;
  virtual std::string_view name() const = 0;
  // What activations of `bits` bits need.
  virtual MachineParts parts(int bits) const = 0;
  // Closed form of the cycles that run() takes.
  virtual std::int64_t cycles(int bits) const = 0;
  // REQUIRES: as BitPlanes.
  virtual MachineRun run(std::span<const std::int32_t> activations, int bits) const = 0;
};

// `turns`: the inputs share the compressors in so many groups, one group after another.
std::unique_ptr<WiredMachine> make_neuron_machine(const CodedWeights& weights, int turns = 1);
// `lanes`: activations per cycle.
std::unique_ptr<WiredMachine> make_select_machine(const CodedWeights& weights, int lanes);
std::unique_ptr<WiredMachine> make_shift_add_machine(const CodedWeights& weights);
// `rows`: inputs that a column adds up in one cycle.
std::unique_ptr<WiredMachine> make_rom_machine(const CodedWeights& weights, int rows);

}  // namespace memwall
