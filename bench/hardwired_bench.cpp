// A bank of hardwired neurons of gpt-oss-120b's width: FP4 weights, int8 activations. weight_bits/s counts
// one weight and one bit of its activation.
#include <random>

#include <benchmark/benchmark.h>

#include "memwall/processors/hardwired/machine.h"
#include "memwall/processors/hardwired/masked_count.h"

namespace memwall {
namespace {

constexpr int kInputs = 2880, kOutputs = 256, kBits = 8;

void count_weight_bits(benchmark::State& state) {
  state.counters["weight_bits/s"] =
      benchmark::Counter(static_cast<double>(kInputs) * kOutputs * kBits,
                         benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void hardwired_neurons(benchmark::State& state) {
  std::mt19937 random(1);
  CodedWeights weights{kInputs, kOutputs, {-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12}, {}};
  for (int i = 0; i < kInputs * kOutputs; ++i) {
    weights.codes.push_back(static_cast<std::uint8_t>(random() % weights.alphabet.size()));
  }
  std::vector<std::int32_t> activations;
  for (int i = 0; i < kInputs; ++i) {
    activations.push_back(static_cast<std::int32_t>(random() % 256) - 128);
  }
  const auto machine = make_neuron_machine(weights);
  for (auto iteration : state) {
    benchmark::DoNotOptimize(machine->run(activations, kBits));
  }
  count_weight_bits(state);
}
BENCHMARK(hardwired_neurons)->Unit(benchmark::kMicrosecond);

// The counting alone: 14 regions per neuron.
template <void (*count)(const MaskedCount&, std::uint32_t*)>
void region_counts(benchmark::State& state) {
  constexpr std::size_t kRegions = 14, kWords = (kInputs + 511) / 512 * kMaskWords;
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> masks(kOutputs * kRegions * kWords), planes(kBits * kWords);
  for (std::vector<std::uint64_t>* words : {&masks, &planes}) {
    for (std::uint64_t& word : *words) {
      word = random();
    }
  }
  std::vector<std::uint32_t> counts(kOutputs * kRegions * kBits);
  for (auto iteration : state) {
    count({masks.data(), kOutputs * kRegions, planes.data(), kBits, kWords}, counts.data());
    benchmark::DoNotOptimize(counts.data());
    benchmark::ClobberMemory();
  }
  count_weight_bits(state);
}
BENCHMARK(region_counts<masked_count>)->Unit(benchmark::kMicrosecond);
BENCHMARK(region_counts<masked_count_plain>)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace memwall
