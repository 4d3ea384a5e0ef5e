// Constant shift-add: one adder tree per output over its weights' canonical signed digits.
//
// All activations enter at once; the tree adds two terms at a time with a register after every level:
// 1 + ceil(log2(terms of the longest output)) cycles. Toggles: the shifted inputs and every node of the tree.
#include <algorithm>

#include "memwall/processors/hardwired/digits.h"
#include "memwall/processors/hardwired/machine.h"

namespace memwall {
namespace {

class ShiftAddMachine final : public WiredMachine {
 public:
  explicit ShiftAddMachine(const CodedWeights& weights)
      : inputs_(weights.inputs), terms_(static_cast<std::size_t>(weights.outputs)) {
    std::vector<std::vector<SignedDigit>> digits_of;
    for (const std::int32_t value : weights.alphabet) {
      digits_of.push_back(canonical_digits(value));
      largest_ = std::max<std::int64_t>(largest_, std::abs(value));
    }
    for (std::size_t output = 0; output < terms_.size(); ++output) {
      for (int input = 0; input < inputs_; ++input) {
        const std::size_t at = output * static_cast<std::size_t>(inputs_) + static_cast<std::size_t>(input);
        for (const SignedDigit& digit : digits_of[weights.codes[at]]) {
          terms_[output].push_back({input, digit});
        }
      }
    }
  }

  std::string_view name() const override { return "constant shift-add"; }

  std::int64_t cycles(int) const override {
    std::size_t most = 1;
    for (const std::vector<Term>& terms : terms_) {
      most = std::max(most, terms.size());
    }
    return 1 + bits_of(static_cast<std::int64_t>(most) - 1);
  }

  // Level by level: a node is as wide as the widest shifted input below it, and a bit more per level.
  MachineParts parts(int bits) const override {
    MachineParts parts;
    for (const std::vector<Term>& terms : terms_) {
      int width = bits;
      for (const Term& term : terms) {
        width = std::max(width, bits + term.digit.shift);
      }
      parts.wires += static_cast<std::int64_t>(terms.size());
      for (auto nodes = static_cast<std::int64_t>(terms.size()); nodes > 1; nodes = ceil_div(nodes, 2)) {
        ++width;
        parts.adders += nodes / 2 * width;
        parts.register_bits += ceil_div(nodes, 2) * width;
      }
    }
    return parts;
  }

  MachineRun run(std::span<const std::int32_t> activations, int bits) const override {
    MachineRun run;
    run.cycles = cycles(bits);
    const int node_bits = sum_bits(bits, inputs_, largest_);
    std::vector<std::int64_t> nodes;
    for (const std::vector<Term>& terms : terms_) {
      nodes.clear();
      for (const Term& term : terms) {
        const std::int64_t input = activations[static_cast<std::size_t>(term.input)];
        run.toggles += hamming(0, input, bits);
        nodes.push_back(input * (std::int64_t{1} << term.digit.shift) * term.digit.sign);
      }
      while (nodes.size() > 1) {
        const std::size_t pairs = nodes.size() / 2;
        for (std::size_t pair = 0; pair < pairs; ++pair) {
          nodes[pair] = nodes[2 * pair] + nodes[2 * pair + 1];
        }
        if (nodes.size() % 2 == 1) {
          nodes[pairs] = nodes.back();
        }
        nodes.resize(nodes.size() - pairs);
        for (const std::int64_t node : nodes) {
          run.toggles += hamming(0, node, node_bits);
        }
      }
      run.outputs.push_back(nodes.empty() ? 0 : nodes.front());
    }
    return run;
  }

 private:
  struct Term {
    int input = 0;
    SignedDigit digit;
  };

  int inputs_;
  std::int64_t largest_ = 0;              // magnitude of a weight
  std::vector<std::vector<Term>> terms_;  // [output]
};

}  // namespace

std::unique_ptr<WiredMachine> make_shift_add_machine(const CodedWeights& weights) {
  return std::make_unique<ShiftAddMachine>(weights);
}

}  // namespace memwall
