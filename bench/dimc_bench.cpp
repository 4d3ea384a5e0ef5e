// The compute-in-memory core cycle by cycle, and steps lowered onto chiplets.
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/dimc/lowering.h"
#include "memwall/processors/dimc/machine.h"
#include "memwall/program/clock.h"
#include "tests/support/allocation_count.h"

namespace memwall {
namespace {

std::vector<std::int32_t> random_values(std::size_t count) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::int32_t> any(-128, 127);
  std::vector<std::int32_t> values(count);
  for (std::int32_t& value : values) {
    value = any(random);
  }
  return values;
}

// Multiply-accumulates per second of a 64 x 64 core of 8 bits: 16 vectors, a matrix of 512 x 512.
void run_machine(benchmark::State& state, CoreMachine::Detail detail) {
  constexpr int kVectors = 16, kSize = 512;
  const CoreShape core = read_dimc_card(read_system("1xcorsair")).core;
  const CoreMachine machine(core, 8, 8);
  const auto x = random_values(kVectors * kSize), w = random_values(kSize * kSize);
  std::int64_t cycles = 0;
  for (auto iteration : state) {
    cycles += machine.multiply(x, w, kVectors, kSize, kSize, detail).cycles;
  }
  state.SetItemsProcessed(state.iterations() * kVectors * kSize * kSize);
  state.counters["cycles"] = benchmark::Counter(static_cast<double>(cycles), benchmark::Counter::kIsRate);
}

void dimc_machine_results(benchmark::State& state) { run_machine(state, CoreMachine::Detail::results); }
BENCHMARK(dimc_machine_results);

void dimc_machine_toggles(benchmark::State& state) { run_machine(state, CoreMachine::Detail::toggles); }
BENCHMARK(dimc_machine_toggles);

// A decode step of Llama-3.1-70B on a rack of 64 cards, another context every time.
void dimc_lower_and_schedule(benchmark::State& state) {
  const DimcCard card = read_dimc_card(read_system("corsair-rack"));
  const DimcModel model(card, read_model("llama-3.1-70b"), parse_plan("tp8 pp8"));
  Program program;
  ScheduleClock clock;
  Step step{{{7, 1, 1024}}, {}};
  model.lower(step, program);
  clock.run(program);
  const std::int64_t before = allocation_count();
  for (auto iteration : state) {
    step.slices[0].past_tokens = 1024 + (step.slices[0].past_tokens + 1) % 64;
    model.lower(step, program);
    benchmark::DoNotOptimize(clock.run(program));
  }
  state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocation_count() - before),
                                                     benchmark::Counter::kAvgIterations);
}
BENCHMARK(dimc_lower_and_schedule);

}  // namespace
}  // namespace memwall
