// All four mechanisms compute the same integers; what they are built of is counted as stated.
#include "memwall/processors/hardwired/machine.h"

#include <gtest/gtest.h>

#include "memwall/processors/hardwired/digits.h"
#include "memwall/processors/hardwired/masked_count.h"
#include "memwall/processors/hardwired/test_support.h"
#include "memwall/tensor/reference.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

std::vector<std::int32_t> range(std::int32_t low, std::int32_t high) {
  std::vector<std::int32_t> values;
  for (std::int32_t value = low; value <= high; ++value) {
    values.push_back(value);
  }
  return values;
}

// Binary, ternary, int2 to int8, FP4 (E2M1, doubled), powers of two, a single value.
std::vector<std::vector<std::int32_t>> alphabets() {
  return {{-1, 1},
          {-1, 0, 1},
          range(-2, 1),
          range(-4, 3),
          range(-8, 7),
          range(-128, 127),
          {-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12},
          {-16, -4, -1, 0, 1, 4, 16},
          {5},
          {0}};
}

CodedWeights random_weights(const std::vector<std::int32_t>& alphabet, int inputs, int outputs) {
  CodedWeights weights{inputs, outputs, alphabet, {}};
  for (int i = 0; i < inputs * outputs; ++i) {
    weights.codes.push_back(static_cast<std::uint8_t>(pick<int>(0, static_cast<int>(alphabet.size()))));
  }
  return weights;
}

std::vector<std::int32_t> random_activations(int count, int bits) {
  std::vector<std::int32_t> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(pick<std::int32_t>(-(1 << (bits - 1)), 1 << (bits - 1)));
  }
  return values;
}

std::vector<std::int64_t> reference_product(const CodedWeights& weights, std::span<const std::int32_t> x) {
  std::vector<std::int32_t> w;  // [inputs][outputs]
  for (int input = 0; input < weights.inputs; ++input) {
    for (int output = 0; output < weights.outputs; ++output) {
      w.push_back(weights.value(output, input));
    }
  }
  return reference::matmul(x, w, 1, weights.inputs, weights.outputs);
}

std::vector<std::unique_ptr<WiredMachine>> all_machines(const CodedWeights& weights, int parameter) {
  std::vector<std::unique_ptr<WiredMachine>> machines;
  machines.push_back(make_neuron_machine(weights));
  machines.push_back(make_neuron_machine(weights, parameter));
  machines.push_back(make_select_machine(weights, parameter));
  machines.push_back(make_shift_add_machine(weights));
  machines.push_back(make_rom_machine(weights, parameter));
  return machines;
}

TEST(WiredMachines, EqualTheReferenceDotProductBitForBit) {
  const auto all = alphabets();
  check_property(300, [&] {
    const auto& alphabet = all[pick<std::size_t>(0, all.size())];
    const int bits = pick(1, 17), inputs = pick(1, 200), outputs = pick(1, 6);
    const CodedWeights weights = random_weights(alphabet, inputs, outputs);
    const std::vector<std::int32_t> x = random_activations(inputs, bits);
    const std::vector<std::int64_t> expected = reference_product(weights, x);
    for (const auto& machine : all_machines(weights, pick(1, 140))) {
      const MachineRun run = machine->run(x, bits);
      RC_LOG() << machine->name();
      RC_ASSERT(run.outputs == expected);
      RC_ASSERT(run.cycles == machine->cycles(bits));
    }
  });
}

// Nothing moves when all activations are zero, and something does when an output changes.
TEST(WiredMachines, TogglesComeFromData) {
  check_property(100, [] {
    const int bits = pick(2, 9), inputs = pick(1, 60);
    const CodedWeights weights = random_weights({-8, -3, 1, 7}, inputs, 2);
    const std::vector<std::int32_t> zeros(static_cast<std::size_t>(inputs), 0);
    const std::vector<std::int32_t> x = random_activations(inputs, bits);
    for (const auto& machine : all_machines(weights, 8)) {
      RC_ASSERT(machine->run(zeros, bits).toggles == 0);
      RC_ASSERT((machine->run(x, bits).toggles > 0) == (x != zeros));
    }
  });
}

TEST(WiredMachines, FastCountEqualsPlain) {
  check_property(100, [] {
    const auto words = kMaskWords * pick<std::size_t>(1, 4);
    const auto masks = pick<std::size_t>(1, 6), planes = pick<std::size_t>(1, 12);
    const auto random_words = [](std::size_t count) {
      return *rc::gen::container<std::vector<std::uint64_t>>(count, rc::gen::arbitrary<std::uint64_t>());
    };
    const auto mask_words = random_words(masks * words), plane_words = random_words(planes * words);
    std::vector<std::uint32_t> fast(masks * planes), plain(masks * planes);
    const MaskedCount task{mask_words.data(), masks, plane_words.data(), planes, words};
    masked_count(task, fast.data());
    masked_count_plain(task, plain.data());
    RC_ASSERT(fast == plain);
  });
}

// Two inputs, weights 3 and -1, activations 5 and 2 of four bits: 3 * 5 - 2 = 13.
TEST(WiredMachines, PartsByHand) {
  const CodedWeights weights{2, 1, {-1, 3}, {1, 0}};
  const std::vector<std::int32_t> x = {5, 2};

  const auto neuron = make_neuron_machine(weights);
  EXPECT_EQ(neuron->run(x, 4).outputs, (std::vector<std::int64_t>{13}));
  EXPECT_EQ(neuron->cycles(4), 4 + 2);
  // Regions of one input count nothing; 3 = 4 - 1 is one addition of 1 + 2 bits; the sum reaches 3 + 1, 3
  // bits and a sign: one addition in the tree, and an accumulator of 4 + 4 bits.
  EXPECT_EQ(neuron->parts(4).adders, 3 + 4 + 8);
  EXPECT_EQ(neuron->parts(4).wires, 2);

  const auto select = make_select_machine(weights, 1);
  EXPECT_EQ(select->cycles(4), 2 + 1);
  // One lane: 3x needs 4 + 2 bits of adders; sums of two products up to 8 * 3 take 7.
  EXPECT_EQ(select->parts(4).adders, 6 + 7);
  EXPECT_EQ(select->parts(4).cells, 2);

  const auto shift_add = make_shift_add_machine(weights);
  EXPECT_EQ(shift_add->cycles(4), 1 + 2);  // 4x, -x, -y: three terms, two levels
  EXPECT_EQ(shift_add->parts(4).wires, 3);

  const auto rom = make_rom_machine(weights, 2);
  EXPECT_EQ(rom->cycles(4), 4 * 1 + 1 + 2);  // 3 is two ternary digits
  EXPECT_EQ(rom->parts(4).cells, 2);         // two columns of two inputs, two trits a transistor
}

// The compressors are shared: a quarter of the adders of a region, four times the cycles.
TEST(WiredMachines, TurnsTradeAddersForCycles) {
  CodedWeights weights{256, 1, {1}, std::vector<std::uint8_t>(256, 0)};
  const auto whole = make_neuron_machine(weights), shared = make_neuron_machine(weights, 4);
  EXPECT_EQ(shared->cycles(8) - 2, 4 * (whole->cycles(8) - 2));
  EXPECT_LT(shared->parts(8).adders, whole->parts(8).adders / 3);
}

// What the lowering charges a projection is the machines' closed form without the registers behind: HC1's
// select and add at 16 inputs a cycle; HNLPU's bound all inputs at once, and its fitted rate that of 58
// turns.
TEST(WiredMachines, LoweringChargesTheirCycles) {
  const HardwiredCard hc1 = hardwired_test::card_named("hc1"), hnlpu = hardwired_test::card_named("hnlpu");
  constexpr int kBits = 8;
  const CodedWeights llama{4096, 1, {1}, std::vector<std::uint8_t>(4096, 0)};
  const auto select = make_select_machine(llama, static_cast<int>(hc1.inputs_per_cycle));
  EXPECT_EQ(4096 / hc1.inputs_per_cycle, static_cast<double>(select->cycles(kBits) - 1));

  const CodedWeights gpt{2880, 1, {1}, std::vector<std::uint8_t>(2880, 0)};
  EXPECT_EQ(hnlpu.least_array_cycles, static_cast<double>(make_neuron_machine(gpt)->cycles(kBits) - 2));
  const double charged = 2880 / hnlpu.inputs_per_cycle;
  EXPECT_GT(charged, static_cast<double>(make_neuron_machine(gpt, 57)->cycles(kBits) - 2));
  EXPECT_LT(charged, static_cast<double>(make_neuron_machine(gpt, 58)->cycles(kBits) - 2));
}

TEST(Digits, CanonicalDigitsAddUpAndHaveNoNeighbours) {
  for (std::int64_t value = -300; value <= 300; ++value) {
    std::int64_t sum = 0;
    int last = -2;
    for (const SignedDigit& digit : canonical_digits(value)) {
      sum += digit.sign * (std::int64_t{1} << digit.shift);
      EXPECT_GT(digit.shift, last + 1) << value;
      last = digit.shift;
    }
    EXPECT_EQ(sum, value);
  }
}

TEST(Digits, TernaryDigitsAddUp) {
  EXPECT_EQ(ternary_length(1), 1);
  EXPECT_EQ(ternary_length(4), 2);
  EXPECT_EQ(ternary_length(5), 3);
  for (std::int64_t value = -13; value <= 13; ++value) {
    const std::vector<int> digits = ternary_digits(value, 3);
    EXPECT_EQ(digits[0] + 3 * digits[1] + 9 * digits[2], value);
  }
}

// 7 one-bit inputs: four full adders (a 7-3 counter); 4 inputs: a full and two half adders.
TEST(Digits, CountersOfAdders) {
  EXPECT_EQ(counter_adders(7), 4);
  EXPECT_EQ(counter_adders(4), 3);
  EXPECT_EQ(counter_adders(1), 0);
}

}  // namespace
}  // namespace memwall
