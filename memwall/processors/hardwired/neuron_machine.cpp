// Hardwired neurons: one region of the compressor tree per weight value, inputs bit by bit.
//
// A cycle takes one bit of every input (of one group, with turns > 1) into the count registers; the products
// with the regions' constants and the sum follow, a cycle each: bits * turns + 2 cycles.
// Toggles: the wires from the inputs to the regions, the count registers, the accumulators.
#include <algorithm>

#include "memwall/processors/hardwired/digits.h"
#include "memwall/processors/hardwired/machine.h"
#include "memwall/processors/hardwired/masked_count.h"
#include "memwall/processors/hardwired/neuron_silicon.h"

namespace memwall {
namespace {

constexpr std::int64_t kCyclesBehindCounts = 2;

class NeuronMachine final : public WiredMachine {
 public:
  NeuronMachine(const CodedWeights& weights, int turns)
      : inputs_(weights.inputs), outputs_(weights.outputs), turns_(turns) {
    std::vector<int> region_of(weights.alphabet.size(), -1);  // zero needs none: its inputs stay unconnected
    for (std::size_t code = 0; code < weights.alphabet.size(); ++code) {
      if (weights.alphabet[code] != 0) {
        region_of[code] = static_cast<int>(values_.size());
        values_.push_back(weights.alphabet[code]);
        largest_ = std::max<std::int64_t>(largest_, std::abs(weights.alphabet[code]));
      }
    }
    const std::int64_t group_inputs = std::max<std::int64_t>(1, ceil_div(inputs_, turns));
    group_inputs_ = static_cast<std::size_t>(group_inputs);
    words_ = static_cast<std::size_t>(ceil_div(group_inputs, 64 * kMaskWords)) * kMaskWords;
    masks_.assign(static_cast<std::size_t>(turns * outputs_) * values_.size() * words_, 0);
    fan_out_.assign(static_cast<std::size_t>(inputs_), 0);
    for (int output = 0; output < outputs_; ++output) {
      for (int input = 0; input < inputs_; ++input) {
        const std::size_t at = static_cast<std::size_t>(output) * static_cast<std::size_t>(inputs_);
        const int region = region_of[weights.codes[at + static_cast<std::size_t>(input)]];
        if (region >= 0) {
          connect(output, region, static_cast<std::size_t>(input));
        }
      }
    }
  }

  std::string_view name() const override { return "hardwired neuron"; }
  std::int64_t cycles(int bits) const override {
    return static_cast<std::int64_t>(bits) * turns_ + kCyclesBehindCounts;
  }

  MachineParts parts(int bits) const override {
    MachineParts parts;
    std::vector<std::int64_t> ports(values_.size());
    for (int output = 0; output < outputs_; ++output) {
      for (std::size_t region = 0; region < values_.size(); ++region) {
        ports[region] = largest_group(output, region);
      }
      const MachineParts neuron = neuron_parts(ports, values_, bits, turns_);
      parts.adders += neuron.adders;
      parts.register_bits += neuron.register_bits;
    }
    for (const std::int32_t wires : fan_out_) {
      parts.wires += wires;
    }
    return parts;
  }

  MachineRun run(std::span<const std::int32_t> activations, int bits) const override {
    MachineRun run;
    run.outputs.assign(static_cast<std::size_t>(outputs_), 0);
    run.cycles = cycles(bits);
    const int register_bits = sum_bits(bits, inputs_, largest_);
    const std::size_t regions = values_.size(), planes = static_cast<std::size_t>(bits);
    std::vector<std::uint32_t> counts(regions * planes), held(static_cast<std::size_t>(outputs_) * regions);
    for (std::size_t turn = 0; turn < static_cast<std::size_t>(turns_); ++turn) {
      const std::size_t begin = std::min(turn * group_inputs_, activations.size());
      const auto group = activations.subspan(begin, std::min(group_inputs_, activations.size() - begin));
      const BitPlanes bit_planes(group, bits, words_);
      run.toggles += input_toggles(group, begin, bits);
      for (std::size_t output = 0; output < static_cast<std::size_t>(outputs_); ++output) {
        const std::uint64_t* masks = masks_.data() + mask_index(turn, output, 0);
        masked_count({masks, regions, bit_planes.data(), planes, words_}, counts.data());
        std::int64_t& sum = run.outputs[output];
        for (std::size_t bit = 0; bit < planes; ++bit) {
          std::int64_t step = 0;
          for (std::size_t region = 0; region < regions; ++region) {
            const std::uint32_t count = counts[region * planes + bit];
            std::uint32_t& register_held = held[output * regions + region];
            run.toggles += std::popcount(count ^ register_held);
            register_held = count;
            step += static_cast<std::int64_t>(count) * values_[region];
          }
          const std::int64_t next = sum + step * bit_planes.place_value(static_cast<int>(bit));
          run.toggles += hamming(sum, next, register_bits);
          sum = next;
        }
      }
    }
    return run;
  }

 private:
  std::size_t mask_index(std::size_t turn, std::size_t output, std::size_t region) const {
    return ((turn * static_cast<std::size_t>(outputs_) + output) * values_.size() + region) * words_;
  }
  void connect(int output, int region, std::size_t input) {
    const std::size_t turn = input / group_inputs_, place = input % group_inputs_;
    const std::size_t mask =
        mask_index(turn, static_cast<std::size_t>(output), static_cast<std::size_t>(region));
    masks_[mask + place / 64] |= std::uint64_t{1} << (place % 64);
    ++fan_out_[input];
  }
  std::int64_t largest_group(int output, std::size_t region) const {
    std::int64_t most = 0;
    for (std::size_t turn = 0; turn < static_cast<std::size_t>(turns_); ++turn) {
      const std::uint64_t* mask = masks_.data() + mask_index(turn, static_cast<std::size_t>(output), region);
      std::int64_t ones = 0;
      for (std::size_t word = 0; word < words_; ++word) {
        ones += std::popcount(mask[word]);
      }
      most = std::max(most, ones);
    }
    return most;
  }
  // Bits of one input follow one another on its wires, lowest first; every group starts from zero.
  std::int64_t input_toggles(std::span<const std::int32_t> group, std::size_t begin, int bits) const {
    std::int64_t toggles = 0;
    for (std::size_t i = 0; i < group.size(); ++i) {
      toggles += fan_out_[begin + i] * hamming(group[i], static_cast<std::int64_t>(group[i]) * 2, bits);
    }
    return toggles;
  }

  int inputs_, outputs_, turns_;
  std::size_t group_inputs_ = 0, words_ = 0;
  std::vector<std::int32_t> values_;   // of the regions
  std::int64_t largest_ = 0;           // magnitude of them
  std::vector<std::uint64_t> masks_;   // [turn][output][region][word]
  std::vector<std::int32_t> fan_out_;  // [input]
};

}  // namespace

std::unique_ptr<WiredMachine> make_neuron_machine(const CodedWeights& weights, int turns) {
  return std::make_unique<NeuronMachine>(weights, turns);
}

}  // namespace memwall
