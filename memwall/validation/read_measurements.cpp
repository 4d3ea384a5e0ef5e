#include "memwall/core/data_files.h"
#include "memwall/validation/engine_profiles.h"
#include "memwall/validation/figure_rows.h"
#include "memwall/validation/kernel_rows.h"
#include "memwall/validation/kernel_tables.h"
#include "memwall/validation/lone_sequences.h"
#include "memwall/validation/matmul_tables.h"
#include "memwall/validation/ml_energy.h"
#include "memwall/validation/profiler_tables.h"
#include "memwall/validation/prompt_times.h"
#include "memwall/validation/server_runs.h"
#include "memwall/validation/serving_points.h"
#include "memwall/validation/step_rows.h"
#include "memwall/validation/table.h"
#include "memwall/validation/validate.h"

namespace memwall {
namespace {

constexpr std::string_view kKernelRows = "_kernels.csv", kStepRows = "_steps.csv";

void read_shipped(MeasurementSink& sink) {
  const std::filesystem::path folder = data_folder("validation");
  for (const std::filesystem::path& path : files_in(folder)) {
    const std::string name = path.filename().string();
    if (name.ends_with(kKernelRows)) {
      read_kernel_rows(read_table(path), name.substr(0, name.size() - kKernelRows.size()), sink);
    } else if (name.ends_with(kStepRows)) {
      read_step_rows(read_table(path), name.substr(0, name.size() - kStepRows.size()), sink);
    }
  }
  for (const std::filesystem::path& path : files_in(folder / "processors")) {
    read_step_rows(read_table(path), "processors", sink);
  }
  for (const std::filesystem::path& path : files_in(folder / "figures")) {
    read_figure_rows(read_table(path), sink);
  }
}

// A set in the folder of large ones, and what reads it: a folder of tables or one table.
struct LargeSet {
  const char* path;
  void (*read)(const std::filesystem::path& path, MeasurementSink& sink);
};

template <void (*kRead)(const Table&, MeasurementSink&)>
void read_as_table(const std::filesystem::path& path, MeasurementSink& sink) {
  kRead(read_table(path), sink);
}

constexpr LargeSet kLargeSets[] = {
    {"aiconfigurator", read_kernel_tables},
    {"ml_energy/llm_energy.csv", read_as_table<read_ml_energy>},
    {"serving/serving_agg.csv.gz", read_as_table<read_serving_points>},
    {"vidur", [](const std::filesystem::path& path,
                 MeasurementSink& sink) { read_profiler_tables(path, "vidur", sink); }},
    {"frontier", [](const std::filesystem::path& path,
                    MeasurementSink& sink) { read_profiler_tables(path, "frontier", sink); }},
    {"llmservingsim", read_engine_profiles},
    {"splitwise/perf_model.csv", read_as_table<read_prompt_times>},
    {"mlperf/mlperf_v4.1_closed_llm.csv", read_as_table<read_server_runs>},
    {"mlperf/mlperf_v5.1_closed_llm.csv", read_as_table<read_server_runs>},
    {"mamf/max_achieved_matmul.csv", read_as_table<read_best_matmuls>},
    {"llmcompass/matmul_fp16_MI210.csv", read_as_table<read_mi210_matmuls>},
    {"llamacpp/llama_bench.csv", read_as_table<read_lone_sequences>},
};

// What is not scored at all, and why; row by row where it is a table, else file by file.
struct UnscoredSet {
  const char *path, *reason;
};
constexpr UnscoredSet kUnscoredSets[] = {
    {"serving/serving_disagg.csv", "may speculate tokens (300 of 306 rows), or queues for seconds"},
    {"serving/inferencex_h200_sweeps.csv", "no card of GLM-5 and MiniMax-M2.5"},
    {"neuron/inf2_decoder.csv", "no card of Inferentia2"},
    {"published/points.csv",
     "services that state neither chips nor batch; what states both is in validation/processors/"},
    {"distserve", "coefficients of a fit, no measurements"},
    {"oracles", "of other simulators, no measurements: tests of the families hold against them"},
    {"traces", "requests, of which nothing was timed"},
};

void exclude_set(const std::filesystem::path& path, const UnscoredSet& set, MeasurementSink& sink) {
  const std::string origin = std::string(set.path).substr(0, std::string(set.path).find('/'));
  const std::string reason = (path.extension() == ".csv" ? path.filename().string() + ": " : "") + set.reason;
  const std::size_t rows = path.extension() == ".csv" ? read_table(path).rows() : files_in(path).size();
  for (std::size_t row = 0; row < rows; ++row) {
    sink.exclude(origin, reason);
  }
}

}  // namespace

void read_measurements(const MeasurementSources& sources, MeasurementSink& sink) {
  read_shipped(sink);
  if (!sources.data) {
    return;
  }
  if (!std::filesystem::is_directory(*sources.data)) {
    throw ConfigError(Location{sources.data->string()}, "--data", "no such folder",
                      "a folder of measurements");
  }
  bool has_any = false;
  for (const LargeSet& set : kLargeSets) {
    const std::filesystem::path path = *sources.data / set.path;
    if (std::filesystem::exists(path)) {
      has_any = true;
      set.read(path, sink);
    }
  }
  if (!has_any) {
    throw ConfigError(Location{sources.data->string()}, "--data",
                      "none of aiconfigurator/, vidur/ and others",
                      "a folder laid out as docs/calibration.md says");
  }
  for (const UnscoredSet& set : kUnscoredSets) {
    const std::filesystem::path path = *sources.data / set.path;
    if (std::filesystem::exists(path)) {
      exclude_set(path, set, sink);
    }
  }
}

}  // namespace memwall
