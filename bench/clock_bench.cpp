// The clocks on made-up programs of the shape that lowerings produce: layers of kernels one after another,
// each with a launch delay, weights from memory and arithmetic, a side branch and a collective.
#include <benchmark/benchmark.h>

#include "memwall/program/clock.h"
#include "memwall/program/ledger.h"
#include "tests/support/allocation_count.h"

namespace memwall {
namespace {

constexpr int kTasksPerLayer = 15;

Block layer(int layers) {
  Block block;
  block.name = "layers";
  for (int l = 0; l < layers; ++l) {
    for (int t = 0; t < kTasksPerLayer; ++t) {
      Task task;
      const int index = l * kTasksPerLayer + t;
      task.label = t;
      if (index > 0) {
        add_predecessor(task, index - 1);
      }
      if (t % 5 == 4) {  // joins the side branch, three tasks back
        add_predecessor(task, index - 3);
      }
      add_demand(task, 2, Category::overhead, 0, 1);
      if (t % 7 == 6) {
        add_demand(task, 3, Category::communication, 16e3, 32e3);
      } else {
        add_demand(task, 0, Category::weights, 4e6 + 1e3 * t, 4e6 + 1e3 * t);
        add_demand(task, 1, Category::arithmetic, 8e6, 9e6);
      }
      block.tasks.push_back(task);
    }
  }
  return block;
}

// `wide`: that many blocks side by side, which compete for the resources.
Program layers(int unrolled, std::int64_t repeat, int wide = 1) {
  Program program;
  program.resources = {
      {"hbm", Amount::bytes, false, 3.35e12, 3e12, Joules(5e-12), Category::weights},
      {"tensor", Amount::ops, false, 1e15, 7e14, Joules(1e-12), Category::arithmetic},
      {"launch", Amount::messages, true, 1e6, 1e6, Joules(0), Category::overhead},
      {"nvlink", Amount::bytes, false, 4.5e11, 4e11, Joules(1e-11), Category::communication},
  };
  for (int t = 0; t < kTasksPerLayer; ++t) {
    program.labels.push_back("operator" + std::to_string(t));
  }
  for (int w = 0; w < wide; ++w) {
    program.blocks.push_back(layer(unrolled));
    program.blocks.back().repeat = repeat;
  }
  verify(program);
  return program;
}

// Runs `body` in the timing loop; reports tasks per second and allocations per iteration after the first.
template <class Body>
void measure(benchmark::State& state, const Program& program, Body&& body) {
  body();
  const std::int64_t before = allocation_count();
  for (auto iteration : state) {
    body();
  }
  state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocation_count() - before),
                                                     benchmark::Counter::kAvgIterations);
  state.SetItemsProcessed(state.iterations() * program.task_count());
}

// Every repetition executed: the event loop alone.
void schedule_execute(benchmark::State& state) {
  const Program program = layers(1, 4000);
  ScheduleClock clock;
  measure(state, program, [&] { benchmark::DoNotOptimize(clock.execute(program)); });
}
BENCHMARK(schedule_execute);

// Eight blocks side by side: a full queue for every resource.
void schedule_execute_contended(benchmark::State& state) {
  const Program program = layers(1, 500, 8);
  ScheduleClock clock;
  measure(state, program, [&] { benchmark::DoNotOptimize(clock.execute(program)); });
}
BENCHMARK(schedule_execute_contended);

// 60,000 different tasks, each used once: compiling the program included.
void schedule_execute_unrolled(benchmark::State& state) {
  const Program program = layers(4000, 1);
  ScheduleClock clock;
  measure(state, program, [&] { benchmark::DoNotOptimize(clock.execute(program)); });
}
BENCHMARK(schedule_execute_unrolled);

// A step of 80 equal layers, as a lowering writes it.
void schedule_run_80_layers(benchmark::State& state) {
  const Program program = layers(1, 80);
  ScheduleClock clock;
  measure(state, program, [&] { benchmark::DoNotOptimize(clock.run(program)); });
}
BENCHMARK(schedule_run_80_layers);

void bound_80_layers(benchmark::State& state) {
  const Program program = layers(1, 80);
  measure(state, program, [&] { benchmark::DoNotOptimize(bound_time(program)); });
}
BENCHMARK(bound_80_layers);

void ledger_80_layers(benchmark::State& state) {
  const Program program = layers(1, 80);
  ScheduleClock clock;
  measure(state, program, [&] { benchmark::DoNotOptimize(make_ledger(program, clock)); });
}
BENCHMARK(ledger_80_layers);

}  // namespace
}  // namespace memwall
