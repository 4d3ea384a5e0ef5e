// ROM compute in memory: weights as balanced ternary digits, one column per output and digit.
//
// A cycle takes one bit of `rows` activations: every column counts its plus cells and its minus cells among
// those rows. The accumulators follow a cycle later, and at the end the digits of a weight are merged one per
// cycle (times three, plus the next): bits * ceil(inputs / rows) + 1 + digits cycles. Toggles: the word lines
// into the cells that are not zero, the columns' counts, the columns' accumulators.
#include <algorithm>

#include "memwall/processors/hardwired/digits.h"
#include "memwall/processors/hardwired/machine.h"
#include "memwall/processors/hardwired/masked_count.h"

namespace memwall {
namespace {

constexpr int kTritsPerTransistor = 2;  // a bidirectional cell is read from either side (BitROM)

class RomMachine final : public WiredMachine {
 public:
  RomMachine(const CodedWeights& weights, int rows) : inputs_(weights.inputs), rows_(rows) {
    std::int64_t largest = 0;
    for (const std::int32_t value : weights.alphabet) {
      largest = std::max<std::int64_t>(largest, std::abs(value));
    }
    digits_ = ternary_length(largest);
    outputs_ = static_cast<std::size_t>(weights.outputs);
    blocks_ = static_cast<std::size_t>(ceil_div(inputs_, rows));
    words_ = static_cast<std::size_t>(ceil_div(rows, 64 * kMaskWords)) * kMaskWords;
    columns_ = outputs_ * static_cast<std::size_t>(digits_);
    masks_.assign(blocks_ * columns_ * 2 * words_, 0);
    fan_out_.assign(static_cast<std::size_t>(inputs_), 0);
    std::vector<std::vector<int>> digits_of;
    for (const std::int32_t value : weights.alphabet) {
      digits_of.push_back(ternary_digits(value, digits_));
    }
    for (std::size_t output = 0; output < outputs_; ++output) {
      for (std::size_t input = 0; input < static_cast<std::size_t>(inputs_); ++input) {
        const std::vector<int>& digits =
            digits_of[weights.codes[output * static_cast<std::size_t>(inputs_) + input]];
        for (std::size_t digit = 0; digit < digits.size(); ++digit) {
          if (digits[digit] != 0) {
            set(output * digits.size() + digit, input, digits[digit] < 0);
          }
        }
      }
    }
  }

  std::string_view name() const override { return "ROM in memory"; }
  std::int64_t cycles(int bits) const override {
    return bits * static_cast<std::int64_t>(blocks_) + digits_ + 1;
  }

  MachineParts parts(int bits) const override {
    MachineParts parts;
    const auto columns = static_cast<std::int64_t>(columns_);
    const std::int64_t rows = std::min(rows_, inputs_);
    const int count_bits = bits_of(rows) + 1, register_bits = sum_bits(bits, inputs_, 1);
    parts.cells = ceil_div(columns * inputs_, kTritsPerTransistor);
    parts.adders =
        columns * (2 * counter_adders(rows) + count_bits + register_bits);  // count, subtract, add up
    parts.register_bits = columns * (count_bits + register_bits);
    const int merged_bits = register_bits + 2 * digits_;  // a digit more is less than two bits more
    parts.adders += static_cast<std::int64_t>(outputs_) * 2 * merged_bits;  // times three, plus the next
    for (const std::int32_t cells : fan_out_) {
      parts.wires += cells;
    }
    return parts;
  }

  MachineRun run(std::span<const std::int32_t> activations, int bits) const override {
    MachineRun run;
    run.cycles = cycles(bits);
    const int register_bits = sum_bits(bits, inputs_, 1);
    const std::size_t planes = static_cast<std::size_t>(bits), rows = static_cast<std::size_t>(rows_);
    std::vector<std::uint32_t> counts(columns_ * 2 * planes), held(columns_ * 2, 0);
    std::vector<std::int64_t> sums(columns_, 0);
    for (std::size_t block = 0; block < blocks_; ++block) {
      const std::size_t begin = block * rows;
      const auto group = activations.subspan(begin, std::min(rows, activations.size() - begin));
      const BitPlanes bit_planes(group, bits, words_);
      for (std::size_t i = 0; i < group.size(); ++i) {
        run.toggles += fan_out_[begin + i] * hamming(group[i], static_cast<std::int64_t>(group[i]) * 2, bits);
      }
      masked_count(
          {masks_.data() + block * columns_ * 2 * words_, columns_ * 2, bit_planes.data(), planes, words_},
          counts.data());
      for (std::size_t column = 0; column < columns_; ++column) {
        for (std::size_t bit = 0; bit < planes; ++bit) {
          const std::uint32_t plus = counts[2 * column * planes + bit];
          const std::uint32_t minus = counts[(2 * column + 1) * planes + bit];
          run.toggles += std::popcount(held[2 * column] ^ plus) + std::popcount(held[2 * column + 1] ^ minus);
          held[2 * column] = plus;
          held[2 * column + 1] = minus;
          const std::int64_t next = sums[column] + bit_planes.place_value(static_cast<int>(bit)) *
                                                       (static_cast<std::int64_t>(plus) - minus);
          run.toggles += hamming(sums[column], next, register_bits);
          sums[column] = next;
        }
      }
    }
    for (std::size_t output = 0; output < outputs_; ++output) {
      std::int64_t merged = 0;
      for (std::size_t digit = static_cast<std::size_t>(digits_); digit > 0; --digit) {
        merged = 3 * merged + sums[output * static_cast<std::size_t>(digits_) + digit - 1];
      }
      run.outputs.push_back(merged);
    }
    return run;
  }

 private:
  void set(std::size_t column, std::size_t input, bool is_minus) {
    const std::size_t rows = static_cast<std::size_t>(rows_), place = input % rows;
    const std::size_t mask = ((input / rows * columns_ + column) * 2 + (is_minus ? 1 : 0)) * words_;
    masks_[mask + place / 64] |= std::uint64_t{1} << (place % 64);
    ++fan_out_[input];
  }

  int inputs_, rows_, digits_ = 0;
  std::size_t outputs_ = 0, blocks_ = 0, words_ = 0, columns_ = 0;  // columns: outputs * digits
  std::vector<std::uint64_t> masks_;                                // [block][column][plus, minus][word]
  std::vector<std::int32_t> fan_out_;  // [input]: cells of its row that are not zero
};

}  // namespace

std::unique_ptr<WiredMachine> make_rom_machine(const CodedWeights& weights, int rows) {
  return std::make_unique<RomMachine>(weights, rows);
}

}  // namespace memwall
