#include "memwall/validation/server_runs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace memwall {
namespace {

const char* const kOrigin = "mlperf";

struct Served {
  const char* card;
  std::int64_t prompt;  // mean tokens
  double parameters;    // x 10^9
};
const std::map<std::string_view, Served>& tasks() {
  static const std::map<std::string_view, Served> tasks = {{"llama2-70b-99.9", {"llama-2-70b", 294, 69}},
                                                           {"llama3.1-8b", {"llama-3.1-8b", 778, 8}}};
  return tasks;
}

struct Board {
  const char* card;
  double memory;  // GB
};
const std::map<std::string_view, Board>& boards() {
  static const std::map<std::string_view, Board> boards = {{"NVIDIA L40S", {"l40s", 48}},
                                                           {"NVIDIA H100-SXM-80GB", {"h100", 80}},
                                                           {"NVIDIA H200-SXM-141GB", {"h200", 141}},
                                                           {"NVIDIA B200-SXM-180GB", {"b200", 180}}};
  return boards;
}

struct Width {
  const char* name;
  double bytes;
};
const std::map<std::string_view, Width>& widths() {
  static const std::map<std::string_view, Width> widths = {{"fp8", {"fp8", 1}}, {"fp4", {"nvfp4", 0.5625}}};
  return widths;
}

// Why a row is not scored; empty: it is.
std::string refusal(const Table& table, std::size_t row) {
  const std::string model(table.required(row, "model"));
  const std::string accelerator(table.text(row, "accelerator"));
  if (table.text(row, "tpot_mean_ms").empty()) {
    return "no time between tokens";
  }
  if (model == "llama2-70b-99") {
    return "the runs of llama2-70b-99.9 again";
  }
  const auto task = tasks().find(model);
  if (task == tasks().end()) {
    return "no card, or no prompts stated, of " + model;
  }
  const auto board = boards().find(accelerator);
  if (board == boards().end()) {
    return "no card of " + (accelerator.empty() ? "a host without accelerator" : accelerator);
  }
  const auto width = widths().find(table.required(row, "weight_data_types"));
  if (width == widths().end()) {
    return "says " + std::string(table.text(row, "weight_data_types")) + ", where fp8 was run as a rule";
  }
  if (2 * task->second.parameters * width->second.bytes > board->second.memory) {
    return "may be divided over several chips";
  }
  return "";
}

}  // namespace

void read_server_runs(const Table& table, MeasurementSink& sink) {
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (const std::string reason = refusal(table, row); !reason.empty()) {
      sink.exclude(kOrigin, reason);
      continue;
    }
    const Served& task = tasks().find(table.text(row, "model"))->second;
    const Width& width = widths().find(table.text(row, "weight_data_types"))->second;
    const double accelerators = table.number(row, "nodes") * table.number(row, "accelerators_per_node");
    const double rate = table.number(row, "tokens_per_s_log"),
                 seconds = 1e-3 * table.number(row, "tpot_mean_ms");
    StepRun run;
    run.kind = StepRun::Kind::serving;
    run.model = std::string(task.card) + "@" + width.name;
    if (table.text(row, "software").find("TensorRT") != std::string_view::npos) {
      run.model += "/fp8";  // as serving_points.cpp
    }
    run.sampling = Sampling::greedy;
    run.batch = std::max<std::int64_t>(1, std::llround(rate * seconds / accelerators));
    run.prompt = task.prompt;
    run.output = std::max<std::int64_t>(1, std::llround(rate / table.number(row, "samples_per_s")));
    Measurement measurement;
    measurement.origin = kOrigin;
    measurement.system = "1x" + std::string(boards().find(table.text(row, "accelerator"))->second.card);
    measurement.what = run;
    measurement.value = seconds;
    measurement.where = table.where(row);
    sink.take(measurement);
  }
}

}  // namespace memwall
