// The statically scheduled family: its machine, its compiler, and a real model's step by closed form.
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/lpu/array_kernel.h"
#include "memwall/processors/lpu/layer_compiler.h"
#include "memwall/processors/lpu/lowering.h"
#include "memwall/processors/lpu/machine.h"
#include "memwall/processors/processor.h"

namespace memwall {
namespace {

LpuCard v1() { return read_lpu_card(read_chip("lpu-v1")); }

DecoderLayerData zeros(const DecoderLayerShape& s) {
  const auto of = [](int count) { return std::vector<float>(static_cast<std::size_t>(count), 0.25f); };
  const int q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
  DecoderLayerData d;
  d.q = d.o = of(s.hidden * q);
  d.k = d.v = of(s.hidden * kv);
  d.gate = d.up = d.down = of(s.hidden * s.intermediate);
  d.attention_gain = d.feed_forward_gain = of(s.hidden);
  d.keys = d.values = of(kv * s.sequences * s.context);
  d.x = of(s.hidden * s.sequences);
  return d;
}

// Everything that is no pass through an array: a layer of one token on the chip's own geometry.
void lpu_machine_layer(benchmark::State& state) {
  const DecoderLayerShape shape{640, 8, 4, 64, 1280, 1, 100};
  const LpuCard card = v1();
  const CompiledLayer layer = compile_layer(card.geometry, link_timing(card), 1, shape, zeros(shape));
  std::int64_t instructions = 0;
  for (auto iteration : state) {
    state.PauseTiming();
    LpuMachine machine(layer.schedule, {});
    state.ResumeTiming();
    instructions += machine.run().instructions;
  }
  state.counters["instructions"] =
      benchmark::Counter(static_cast<double>(instructions), benchmark::Counter::kIsRate);
}
BENCHMARK(lpu_machine_layer)->Unit(benchmark::kMillisecond);

void lpu_compile_layer(benchmark::State& state) {
  const DecoderLayerShape shape{640, 8, 4, 64, 1280, 1, 100};
  const LpuCard card = v1();
  const DecoderLayerData data = zeros(shape);
  for (auto iteration : state) {
    benchmark::DoNotOptimize(compile_layer(card.geometry, link_timing(card), 1, shape, data));
  }
}
BENCHMARK(lpu_compile_layer)->Unit(benchmark::kMillisecond);

// Reads, ALU operations and writes without any array: vectors doubled on their way across the chip.
void lpu_machine_vectors(benchmark::State& state) {
  LpuSchedule schedule;
  schedule.geometry = v1().geometry;
  constexpr int kCycles = 2000, kLanes = 4;
  for (int t = 0; t < kCycles; ++t) {
    for (int n = 0; n < kLanes; ++n) {
      LpuInstruction i;
      const int slice = 2 * n + 1;
      const StreamRange in{StreamDirection::west, static_cast<std::int16_t>(n), 1};
      const StreamRange out{StreamDirection::east, static_cast<std::int16_t>(n), 1};
      i.unit = static_cast<std::int16_t>(slice);
      i.cycle = t;
      i.row = t;
      i.out = in;
      schedule.instructions.push_back(i);  // read
      i = {};
      i.opcode = LpuOpcode::alu;
      i.alu_op = AluOp::add;
      i.unit = static_cast<std::int16_t>(n);
      i.cycle = t + schedule.geometry.read_delay + slice;
      i.type = LaneType::int8;
      i.a.kind = AluInput::Kind::streams;
      i.a.type = LaneType::int8;
      i.a.streams = in;
      i.b = i.a;
      i.out = out;
      const std::int64_t result = i.cycle + schedule.geometry.alu_delay;
      schedule.instructions.push_back(i);
      i = {};
      i.opcode = LpuOpcode::write;
      i.unit = static_cast<std::int16_t>(slice + 1);
      i.cycle = result + slice + 1;
      i.row = t;
      i.in = out;
      schedule.instructions.push_back(i);
    }
  }
  sort_instructions(schedule);
  std::int64_t instructions = 0;
  for (auto iteration : state) {
    state.PauseTiming();
    LpuMachine machine(schedule, {});
    state.ResumeTiming();
    const LpuRun run = machine.run();
    if (run.error) {
      state.SkipWithError(to_text(*run.error).c_str());
      return;
    }
    instructions += run.instructions;
  }
  state.counters["instructions"] =
      benchmark::Counter(static_cast<double>(instructions), benchmark::Counter::kIsRate);
}
BENCHMARK(lpu_machine_vectors)->Unit(benchmark::kMillisecond);

template <class In, class Out, class Kernel>
void array_pass(benchmark::State& state, Kernel&& kernel) {
  constexpr int kArray = 320;
  std::mt19937 random(1);
  std::vector<In> x(kArray), w(kArray * kArray);
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = static_cast<In>(random() % 100);
    x[i % x.size()] = w[i];
  }
  std::vector<Out> y(kArray);
  for (auto iteration : state) {
    kernel(x.data(), w.data(), kArray, kArray, y.data());
    benchmark::DoNotOptimize(y.data());
  }
  state.counters["macs"] =
      benchmark::Counter(static_cast<double>(kArray) * kArray, benchmark::Counter::kIsIterationInvariantRate);
}
void lpu_pass_int8(benchmark::State& state) {
  array_pass<std::int8_t, std::int32_t>(state, array_kernel::columns_int8);
}
BENCHMARK(lpu_pass_int8);
void lpu_pass_int8_plain(benchmark::State& state) {
  array_pass<std::int8_t, std::int32_t>(state, array_kernel::plain_columns_int8);
}
BENCHMARK(lpu_pass_int8_plain);
void lpu_pass_fp16(benchmark::State& state) { array_pass<float, float>(state, array_kernel::columns_float); }
BENCHMARK(lpu_pass_fp16);
void lpu_pass_fp16_plain(benchmark::State& state) {
  array_pass<float, float>(state, array_kernel::plain_columns_float);
}
BENCHMARK(lpu_pass_fp16_plain);

// A decode step of a 70-billion-parameter model over 576 chips, lowered and scheduled.
void lpu_step(benchmark::State& state) {
  const LpuModel model(read_model("llama-2-70b-w8a16"), v1(), parse_plan("tp64 pp9"));
  ScheduleClock clock;
  Program program;
  std::int64_t context = 1000;
  for (auto iteration : state) {
    model.lower({{{1, 1, context++ % 2000 + 1000}}, {}}, program);
    benchmark::DoNotOptimize(clock.run(program));
  }
}
BENCHMARK(lpu_step);

}  // namespace
}  // namespace memwall
