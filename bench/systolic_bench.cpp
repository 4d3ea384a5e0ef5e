// The systolic machine, its closed forms and its split search; and SCALE-Sim on the same GEMM in the same
// run.
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "memwall/core/data_files.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/systolic/machine.h"
#include "memwall/processors/systolic/split_search.h"

namespace memwall {
namespace {

// Whole numbers that every format but mxfp4 has.
MachineGemm random_gemm(std::int64_t m, std::int64_t n, std::int64_t k) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> drawn(-16, 16);
  MachineGemm gemm{m, n, k, {}, {}};
  for (std::int64_t i = 0; i < m * k; ++i) {
    gemm.x.push_back(static_cast<float>(drawn(random)));
  }
  for (std::int64_t i = 0; i < k * n; ++i) {
    gemm.w.push_back(static_cast<float>(drawn(random)));
  }
  return gemm;
}

// Multiply-accumulates of a GEMM per second of this program, operands checked and mapped included.
void systolic_machine(benchmark::State& state, const MachineSetup& setup, Dataflow dataflow, bool plain) {
  const std::vector<MachineGemm> gemms = {random_gemm(512, 256, 256)};
  const auto jobs = deal_folds(setup, dataflow, gemms);
  std::int64_t macs = 0;
  for (auto iteration : state) {
    const ArrayResult result =
        plain ? run_plain_machine(setup, gemms, jobs) : run_machine(setup, gemms, jobs);
    macs += result.macs;
  }
  state.counters["MAC/s"] = benchmark::Counter(static_cast<double>(macs), benchmark::Counter::kIsRate);
}

constexpr MachineSetup kBig{128, 128, {1, 1}, true, {}, CellFormat::int8};
constexpr MachineSetup kSmall{32, 32, {1, 1}, true, {}, CellFormat::int8};
constexpr MachineSetup kSlabs{128, 128, {8, 1}, true, {1024, 128, 1024}, CellFormat::int8};
constexpr MachineSetup kFp8{128, 128, {1, 1}, true, {}, CellFormat::fp8};
constexpr MachineSetup kBf16{32, 32, {1, 1}, true, {}, CellFormat::bf16};

BENCHMARK_CAPTURE(systolic_machine, int8_128x128, kBig, Dataflow::weight_stationary, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_machine, int8_32x32, kSmall, Dataflow::weight_stationary, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_machine, int8_eight_slabs_with_ports, kSlabs, Dataflow::weight_stationary, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_machine, int8_output_stationary, kBig, Dataflow::output_stationary, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_machine, fp8_128x128, kFp8, Dataflow::weight_stationary, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_machine, bf16_32x32, kBf16, Dataflow::weight_stationary, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_machine, plain_int8_128x128, kBig, Dataflow::weight_stationary, true)
    ->Unit(benchmark::kMillisecond);

void systolic_closed_form(benchmark::State& state) {
  const ArrayShape array{256, 256, 8, true, {4096, 256, 4096}};
  ProductShape gemm{1, 8192, 8192};
  for (auto iteration : state) {
    gemm.m = gemm.m % 4096 + 1;
    benchmark::DoNotOptimize(gemm_cycles(array, {16, 1}, Dataflow::weight_stationary, gemm));
  }
}
BENCHMARK(systolic_closed_form);

// The best split and dataflow of every GEMM of a model, layers that repeat counted once, at batch 1 to 4096.
void systolic_split_search(benchmark::State& state, const char* name) {
  const SystolicCard card = read_systolic_card(read_system("1xsplittable"));
  const Model model = read_model(name);
  std::int64_t gemms = 0;
  for (auto iteration : state) {
    gemms = 0;
    for (std::int64_t batch = 1; batch <= 4096; batch *= 2) {
      for_each_operator(model, [&](const Operator& op, std::int64_t) {
        const auto search = [&](const ProductShape& gemm) {
          benchmark::DoNotOptimize(best_split(card, gemm));
          ++gemms;
        };
        if (const Linear* linear = std::get_if<Linear>(&op.shape)) {
          search({batch, linear->n, linear->k});
        } else if (const Experts* experts = std::get_if<Experts>(&op.shape)) {
          search({batch, 2 * experts->intermediate, experts->width, experts->experts_per_token});
          search({batch, experts->width, experts->intermediate, experts->experts_per_token});
        } else if (const Attention* attention = std::get_if<Attention>(&op.shape)) {
          search({attention->heads / attention->kv_heads, 4096, attention->qk_dim, batch});
          search({attention->heads / attention->kv_heads, attention->v_dim, 4096, batch});
        }
      });
    }
  }
  state.counters["GEMMs"] = static_cast<double>(gemms);
}
BENCHMARK_CAPTURE(systolic_split_search, llama_70b, "llama-3.1-70b")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(systolic_split_search, deepseek_v3, "deepseek-v3")->Unit(benchmark::kMicrosecond);

// "rows,columns,ws,m,n,k,cycles,stalls,seconds" of SCALE-Sim; empty when build/oracle-venv is not there
// (tools/oracle-venv.sh).
std::string run_scalesim(const std::string& arguments) {
  const std::string root = data_root().string();
  const std::string command = root + "/build/oracle-venv/bin/python " + root +
                              "/tests/oracle/scalesim_cycles.py " + arguments + " 2>/dev/null";
  std::string output;
  if (FILE* pipe = popen(command.c_str(), "r"); pipe != nullptr) {
    std::array<char, 256> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
      output += buffer.data();
    }
    pclose(pipe);
  }
  return output;
}

// Time per simulated cycle of SCALE-Sim over that of the machine, which multiplies real numbers, and of the
// closed form, which like SCALE-Sim counts. Sixteen folds, or four on arrays that take SCALE-Sim many
// seconds. The iterations are the machine's.
void systolic_against_scalesim(benchmark::State& state, const char* flow, Dataflow dataflow) {
  const std::int64_t size = state.range(0);
  constexpr std::int64_t kLarge = 64;
  const std::int64_t across = size < kLarge ? 4 : 2;
  const std::int64_t m = 2 * across * size, n = across * size, k = across * size;
  const std::string run = std::to_string(size) + "," + std::to_string(size) + "," + flow + "," +
                          std::to_string(m) + "," + std::to_string(n) + "," + std::to_string(k);
  const std::string line = run_scalesim(run);
  double reported = 0, seconds = 0;
  if (std::sscanf(line.c_str(), "%*d,%*d,%*2s,%*d,%*d,%*d,%lf,%*d,%lf", &reported, &seconds) != 2) {
    state.SkipWithError("SCALE-Sim is not installed: tools/oracle-venv.sh");
    return;
  }
  const MachineSetup setup{size, size, {1, 1}, false, {}, CellFormat::int8};
  const std::vector<MachineGemm> gemms = {random_gemm(m, n, k)};
  const auto jobs = deal_folds(setup, dataflow, gemms);
  std::int64_t cycles = 0, runs = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (auto iteration : state) {
    cycles = run_machine(setup, gemms, jobs).cycles;
    ++runs;
  }
  const std::chrono::duration<double> machine = std::chrono::steady_clock::now() - begin;
  constexpr int kForms = 100000;
  const auto form_begin = std::chrono::steady_clock::now();
  const ArrayShape array{size, size, 1, false, {}};
  for (int i = 0; i < kForms; ++i) {
    benchmark::DoNotOptimize(gemm_cycles(array, {}, dataflow, {m, n, k + i % 2}));
  }
  const std::chrono::duration<double> form = std::chrono::steady_clock::now() - form_begin;
  if (static_cast<double>(cycles) != reported + 1) {
    state.SkipWithError("SCALE-Sim counts other cycles");
    return;
  }
  state.counters["cycles"] = static_cast<double>(cycles);
  state.counters["SCALE-Sim us/cycle"] = 1e6 * seconds / reported;
  state.counters["machine us/cycle"] = 1e6 * machine.count() / static_cast<double>(runs * cycles);
  state.counters["machine faster"] = seconds * static_cast<double>(runs) / machine.count();
  state.counters["form faster"] = seconds * kForms / form.count();
}
BENCHMARK_CAPTURE(systolic_against_scalesim, weights_stay, "ws", Dataflow::weight_stationary)
    ->RangeMultiplier(2)
    ->Range(8, 256)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_against_scalesim, inputs_stay, "is", Dataflow::input_stationary)
    ->Arg(32)
    ->Arg(128)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(systolic_against_scalesim, outputs_stay, "os", Dataflow::output_stationary)
    ->Arg(32)
    ->Arg(128)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace memwall
