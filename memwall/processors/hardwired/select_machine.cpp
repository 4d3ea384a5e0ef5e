// Select and add: the products of a few activations per cycle with the whole alphabet, tapped by every
// output.
//
// A cycle takes `lanes` activations into the product registers, the sums follow: ceil(inputs / lanes) + 1
// cycles. Negative weights tap the product of their magnitude and subtract. Toggles: the buses of the
// products, the taps, the accumulators.
#include <algorithm>

#include "memwall/processors/hardwired/digits.h"
#include "memwall/processors/hardwired/machine.h"

namespace memwall {
namespace {

constexpr std::int64_t kCyclesBehindProducts = 1;

class SelectMachine final : public WiredMachine {
 public:
  SelectMachine(const CodedWeights& weights, int lanes) : weights_(weights), lanes_(lanes) {
    for (const std::int32_t value : weights.alphabet) {
      if (value != 0) {
        magnitudes_.push_back(std::abs(value));
      }
    }
    std::sort(magnitudes_.begin(), magnitudes_.end());
    magnitudes_.erase(std::unique(magnitudes_.begin(), magnitudes_.end()), magnitudes_.end());
    for (const std::int32_t value : weights.alphabet) {
      const auto bus = std::lower_bound(magnitudes_.begin(), magnitudes_.end(), std::abs(value));
      bus_of_.push_back(value == 0 ? kNoBus : static_cast<std::size_t>(bus - magnitudes_.begin()));
    }
  }

  std::string_view name() const override { return "select and add"; }
  std::int64_t cycles(int) const override {
    return ceil_div(weights_.inputs, lanes_) + kCyclesBehindProducts;
  }

  // A magnitude that is another one shifted needs wires only, so odd ones are built and shared.
  MachineParts parts(int bits) const override {
    MachineParts parts;
    std::vector<std::int64_t> odd;
    for (std::int64_t magnitude : magnitudes_) {
      while (magnitude % 2 == 0) {
        magnitude /= 2;
      }
      if (std::find(odd.begin(), odd.end(), magnitude) == odd.end()) {
        odd.push_back(magnitude);
        const auto digits = static_cast<std::int64_t>(canonical_digits(magnitude).size());
        parts.adders += lanes_ * (digits - 1) * (bits + bits_of(magnitude));
      }
    }
    const int product_bits = bits + bits_of(largest());
    const int register_bits = sum_bits(bits, weights_.inputs, largest());
    parts.register_bits = lanes_ * static_cast<std::int64_t>(magnitudes_.size()) * product_bits;
    parts.adders += static_cast<std::int64_t>(weights_.outputs) * lanes_ * register_bits;
    parts.register_bits += static_cast<std::int64_t>(weights_.outputs) * register_bits;
    for (const std::uint8_t code : weights_.codes) {
      parts.wires += bus_of_[code] == kNoBus ? 0 : 1;
    }
    parts.cells = parts.wires;
    return parts;
  }

  MachineRun run(std::span<const std::int32_t> activations, int bits) const override {
    MachineRun run;
    run.outputs.assign(static_cast<std::size_t>(weights_.outputs), 0);
    run.cycles = cycles(bits);
    const std::size_t lanes = static_cast<std::size_t>(lanes_), buses = magnitudes_.size();
    const std::size_t inputs = activations.size();
    const int product_bits = bits + bits_of(largest());
    const int register_bits = sum_bits(bits, weights_.inputs, largest());
    std::vector<std::int64_t> products(lanes * buses, 0);  // [lane][bus]
    std::vector<std::int64_t> taps(static_cast<std::size_t>(weights_.outputs) * lanes, 0);
    for (std::size_t begin = 0; begin < inputs; begin += lanes) {
      const std::size_t end = std::min(begin + lanes, inputs);
      for (std::size_t input = begin; input < end; ++input) {
        for (std::size_t bus = 0; bus < buses; ++bus) {
          std::int64_t& held = products[(input - begin) * buses + bus];
          const std::int64_t product = static_cast<std::int64_t>(activations[input]) * magnitudes_[bus];
          run.toggles += hamming(held, product, product_bits);
          held = product;
        }
      }
      for (std::size_t output = 0; output < run.outputs.size(); ++output) {
        std::int64_t sum = run.outputs[output];
        for (std::size_t input = begin; input < end; ++input) {
          const std::uint8_t code = weights_.codes[output * inputs + input];
          const std::size_t bus = bus_of_[code];
          const std::int64_t tapped = bus == kNoBus ? 0 : products[(input - begin) * buses + bus];
          std::int64_t& held = taps[output * lanes + input - begin];
          run.toggles += hamming(held, tapped, product_bits);
          held = tapped;
          sum += weights_.alphabet[code] < 0 ? -tapped : tapped;
        }
        run.toggles += hamming(run.outputs[output], sum, register_bits);
        run.outputs[output] = sum;
      }
    }
    return run;
  }

 private:
  static constexpr std::size_t kNoBus = static_cast<std::size_t>(-1);

  std::int64_t largest() const { return magnitudes_.empty() ? 0 : magnitudes_.back(); }

  CodedWeights weights_;
  int lanes_;
  std::vector<std::int32_t> magnitudes_;  // ascending, distinct, not zero
  std::vector<std::size_t> bus_of_;       // [code]
};

}  // namespace

std::unique_ptr<WiredMachine> make_select_machine(const CodedWeights& weights, int lanes) {
  return std::make_unique<SelectMachine>(weights, lanes);
}

}  // namespace memwall
