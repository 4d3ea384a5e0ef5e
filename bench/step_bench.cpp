// The pipeline for one Llama-3.1-70B decode step on eight H100, and for sweeps of such steps.
#include <memory>

#include <benchmark/benchmark.h>

#include "memwall/model/read_model.h"
#include "memwall/serving/open_system.h"
#include "memwall/serving/plan_choice.h"
#include "memwall/serving/step_timer.h"
#include "tests/support/allocation_count.h"

namespace memwall {
namespace {

constexpr std::int64_t kSequences = 64, kContext = 4096;

ProcessorRegistry builtin_processors() {
  ProcessorRegistry processors("processor family");
  register_builtin_processors(processors);
  return processors;
}

Step decode(std::int64_t sequences, std::int64_t context) { return Step{{{sequences, 1, context}}, {}}; }

std::unique_ptr<StepTimer> best_timer(const Model& model, const std::string& system_name,
                                      std::int64_t sequences, std::int64_t context) {
  const OpenSystem open = open_system(system_name, builtin_processors());
  return choose_plan(model, open.system, *open.processor, std::nullopt, Need{sequences, context, sequences},
                     {}, [&](StepTimer& timer) { return timer.time(decode(sequences, context)); })
      .timer;
}

// Times `body(timer, step)` over steps that differ, so that nothing can be remembered from one to the next.
template <class Body>
void measure_steps(benchmark::State& state, Body&& body) {
  const Model model = read_model("llama-3.1-70b");
  const auto timer = best_timer(model, "8xh100", kSequences, kContext);
  std::vector<Step> steps;
  for (std::int64_t i = 0; i < 64; ++i) {
    steps.push_back(decode(kSequences, kContext + i));
  }
  body(*timer, steps[0]);
  std::size_t next = 0;
  const std::int64_t before = allocation_count();
  for (auto iteration : state) {
    body(*timer, steps[next]);
    next = (next + 1) % steps.size();
  }
  state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocation_count() - before),
                                                     benchmark::Counter::kAvgIterations);
}

void step_lower_and_bound(benchmark::State& state) {
  measure_steps(state,
                [](StepTimer& timer, const Step& step) { benchmark::DoNotOptimize(timer.bound(step)); });
}
BENCHMARK(step_lower_and_bound);

void step_lower_and_schedule(benchmark::State& state) {
  measure_steps(state,
                [](StepTimer& timer, const Step& step) { benchmark::DoNotOptimize(timer.time(step)); });
}
BENCHMARK(step_lower_and_schedule);

// Lowering, schedule, bound and the account.
void step_ledger(benchmark::State& state) {
  measure_steps(state,
                [](StepTimer& timer, const Step& step) { benchmark::DoNotOptimize(timer.ledger(step)); });
}
BENCHMARK(step_ledger);

// 16 batches x 16 contexts on ten systems, a ledger each; from the system's name on: reading its cards,
// choosing the plan (for the largest point that fits) and loading included.
void sweep_256_points_10_systems(benchmark::State& state) {
  const Model model = read_model("llama-3.1-70b");
  const std::vector<std::string> systems = {"4xh100",   "hgx-a100", "hgx-h100", "hgx-h200",    "hgx-b200",
                                            "hgx-b300", "mi300x-8", "mi355x-8", "gb200-nvl72", "gb300-nvl72"};
  std::int64_t points = 0;
  for (auto iteration : state) {
    for (const std::string& system : systems) {
      const auto timer = best_timer(model, system, 16, 4096);
      if (!timer->fits()) {
        state.SkipWithError((system + " does not hold the model").c_str());
        return;
      }
      for (std::int64_t batch = 1; batch <= 16; ++batch) {
        for (std::int64_t context = 256; context <= 4096; context += 256) {
          benchmark::DoNotOptimize(timer->ledger(decode(batch, context)));
          ++points;
        }
      }
    }
  }
  state.SetItemsProcessed(points);
}
BENCHMARK(sweep_256_points_10_systems)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace memwall
