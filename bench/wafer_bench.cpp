// The wafer's machine in core-cycles per second, and its closed forms for a whole model.
//
// A core-cycle is one core with its router for one cycle of the mesh, whether it was looked at or skipped;
// "looked" is the share of router and core steps that were executed. Values are computed in all of them.
#include <algorithm>
#include <functional>

#include <benchmark/benchmark.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/wafer/line_programs.h"
#include "memwall/processors/wafer/lowering.h"
#include "memwall/processors/wafer/machine.h"
#include "memwall/processors/wafer/plain_machine.h"
#include "memwall/processors/wafer/product_programs.h"
#include "memwall/processors/wafer/wafer.h"
#include "memwall/program/clock.h"
#include "tests/support/allocation_count.h"

namespace memwall {
namespace {

WaferCard card() { return read_wafer_card(read_system("cs-2")); }

void run_machine(benchmark::State& state, const MeshProgram& program) {
  const MeshMachineTiming timing = machine_timing(card());
  double core_cycles = 0, steps = 0;
  for (auto iteration : state) {
    state.PauseTiming();
    MeshMachine machine(program, timing);
    state.ResumeTiming();
    const MeshResult result = machine.run();
    core_cycles += static_cast<double>(result.core_cycles);
    steps += static_cast<double>(result.steps);
  }
  state.counters["core_cycles/s"] = benchmark::Counter(core_cycles, benchmark::Counter::kIsRate);
  state.counters["looked"] = steps / (2 * core_cycles);
}

constexpr int kSide = 128;

std::vector<std::uint16_t> zeros(std::int64_t count) {
  return std::vector<std::uint16_t>(static_cast<std::size_t>(count));
}

void wafer_machine_gemv_128(benchmark::State& state) {
  const int k = 4 * kSide, n = 4 * kSide;
  run_machine(
      state,
      mesh_gemv_program(kSide, kSide, zeros(k), zeros(std::int64_t{k} * n), k, n, Collective::ktree).program);
}
BENCHMARK(wafer_machine_gemv_128)->Unit(benchmark::kMillisecond);

void wafer_machine_gemm_64(benchmark::State& state) {
  const int side = 64, n = 4 * side;
  run_machine(
      state,
      mesh_gemm_program(side, zeros(std::int64_t{n} * n), zeros(std::int64_t{n} * n), n, n, n).program);
}
BENCHMARK(wafer_machine_gemm_64)->Unit(benchmark::kMillisecond);

void run_lines(benchmark::State& state, const std::function<void(MeshBuilder&)>& add) {
  MeshBuilder builder(kSide, kSide, 512);
  add(builder);
  run_machine(state, builder.program());
}
void wafer_machine_chain_reduce_128(benchmark::State& state) {
  run_lines(state, [](MeshBuilder& builder) { chain_reduce(builder, Axis::rows, 0, 256); });
}
BENCHMARK(wafer_machine_chain_reduce_128)->Unit(benchmark::kMillisecond);
void wafer_machine_all_reduce_128(benchmark::State& state) {
  run_lines(state, [](MeshBuilder& builder) { all_reduce_ktree(builder, Axis::rows, kTreeLevels, 0, 32); });
}
BENCHMARK(wafer_machine_all_reduce_128)->Unit(benchmark::kMillisecond);
// Every router and every core at work in nearly every cycle: no steps to skip. Lines that do the same; lines
// that do not; and one mesh, in which every core is joined with every other.
void wafer_machine_cyclic_shift_128(benchmark::State& state) {
  run_lines(state, [](MeshBuilder& builder) { cyclic_shift(builder, Axis::rows, 0, 256, 256); });
}
BENCHMARK(wafer_machine_cyclic_shift_128)->Unit(benchmark::kMillisecond);
void wafer_machine_unlike_shifts_128(benchmark::State& state) {
  run_lines(state, [](MeshBuilder& builder) {
    cyclic_shift(builder, Axis::rows, 0, 256, 256);
    for (int core = 0; core < builder.program().count(); ++core) {
      for (Instruction& each : builder.program().cores[core].start) {
        each.length = std::max(0, each.length - core / builder.program().columns % 64);
      }
    }
  });
}
BENCHMARK(wafer_machine_unlike_shifts_128)->Unit(benchmark::kMillisecond);
void wafer_machine_crossed_shifts_128(benchmark::State& state) {
  run_lines(state, [](MeshBuilder& builder) {
    cyclic_shift(builder, Axis::rows, 0, 256, 128);
    cyclic_shift(builder, Axis::columns, 128, 384, 128);
  });
}
BENCHMARK(wafer_machine_crossed_shifts_128)->Unit(benchmark::kMillisecond);

// The twin that ticks everything.
void wafer_plain_machine_gemv_32(benchmark::State& state) {
  const int side = 32, k = 4 * side, n = 4 * side;
  const MeshProgram program =
      mesh_gemv_program(side, side, zeros(k), zeros(std::int64_t{k} * n), k, n, Collective::ktree).program;
  double core_cycles = 0;
  for (auto iteration : state) {
    core_cycles += static_cast<double>(run_plainly(program, machine_timing(card())).counts.core_cycles);
  }
  state.counters["core_cycles/s"] = benchmark::Counter(core_cycles, benchmark::Counter::kIsRate);
}
BENCHMARK(wafer_plain_machine_gemv_32)->Unit(benchmark::kMillisecond);

// Llama-3.1-70B on four wafers by closed form: lowering and schedule of a decode step.
void wafer_step_70b(benchmark::State& state) {
  const Model model = read_model("llama-3.1-70b");
  const System system = read_system("cs-3-4");
  const Placement placement = make_wafer()->place(model, system, parse_plan("tp1 pp4"), {1, 4096, 4096});
  const WaferModel loaded(model, read_wafer_card(system), placement.plan);
  Program program;
  ScheduleClock clock;
  Step decode{{{1, 1, 1024}}, {}};
  const auto step = [&] {
    loaded.lower(decode, program);
    benchmark::DoNotOptimize(clock.run(program));
    decode.slices[0].past_tokens = decode.slices[0].past_tokens % 4000 + 1;
  };
  step();
  const std::int64_t before = allocation_count();
  for (auto iteration : state) {
    step();
  }
  state.counters["allocations"] = benchmark::Counter(static_cast<double>(allocation_count() - before),
                                                     benchmark::Counter::kAvgIterations);
}
BENCHMARK(wafer_step_70b)->Unit(benchmark::kMicrosecond);

// Grids included: every division of the wafers is costed.
void wafer_place_70b(benchmark::State& state) {
  const Model model = read_model("llama-3.1-70b");
  const System system = read_system("cs-3-4");
  for (auto iteration : state) {
    benchmark::DoNotOptimize(make_wafer()->place(model, system, parse_plan("tp1 pp4"), {1, 4096, 4096}));
  }
}
BENCHMARK(wafer_place_70b)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace memwall
