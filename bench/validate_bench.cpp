// Scores of measurements: what a person waits for after changing a constant.
#include <benchmark/benchmark.h>

#include "memwall/validation/error_bars.h"
#include "memwall/validation/validate.h"

namespace memwall {
namespace {

ProcessorRegistry builtin_processors() {
  ProcessorRegistry processors("processor family");
  register_builtin_processors(processors);
  return processors;
}

// Files read, card read, 20 GEMMs timed with and without calibration.
void validate_llmcompass_gemms(benchmark::State& state) {
  const ProcessorRegistry processors = builtin_processors();
  for (auto iteration : state) {
    benchmark::DoNotOptimize(validate({}, processors, "llmcompass_gemm").measurements);
  }
}
BENCHMARK(validate_llmcompass_gemms)->Unit(benchmark::kMillisecond);

void validate_everything_shipped(benchmark::State& state) {
  const ProcessorRegistry processors = builtin_processors();
  for (auto iteration : state) {
    benchmark::DoNotOptimize(validate({}, processors, "").measurements);
  }
}
BENCHMARK(validate_everything_shipped)->Unit(benchmark::kMillisecond);

void read_residual_classes(benchmark::State& state) {
  for (auto iteration : state) {
    benchmark::DoNotOptimize(read_error_bars());
  }
}
BENCHMARK(read_residual_classes)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace memwall
