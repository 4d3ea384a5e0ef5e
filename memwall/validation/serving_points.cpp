#include "memwall/validation/serving_points.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace memwall {
namespace {

const char* const kOrigin = "serving";
// TensorRT-LLM keeps caches in 8 bits where the checkpoint says so, as those of quantised models do.
constexpr std::string_view kEightBitCaches = "trtllm";
constexpr double kMostSpread = 1.15;
// Above it more than half of the requests wait for a place: how many run at once is not in the table.
constexpr double kMostWait = 1;          // time to the first token, of the time that all others take
constexpr std::int64_t kLargestBox = 8;  // the points are of HGX boxes

// The card of a model in a precision as the table spells both; blank is what the model is published in.
const std::map<std::pair<std::string, std::string>, std::string>& known_models() {
  static const std::map<std::pair<std::string, std::string>, std::string> models = {
      {{"gpt-oss-120b", "fp4"}, "gpt-oss-120b"},
      {{"Qwen3-32B", ""}, "qwen3-32b"},
      {{"Qwen3-32B", "fp8"}, "qwen3-32b@fp8"},
      {{"Qwen3-32B-NVFP4", "fp4"}, "qwen3-32b@nvfp4"},
      {{"Llama-3.1-8B-Instruct", ""}, "llama-3.1-8b"},
      {{"Llama-3.1-8B-Instruct", "fp8"}, "llama-3.1-8b@fp8_block"},  // by the table's gemm_quant_mode
      {{"Llama-3.1-8B-Instruct-FP8", "fp8"}, "llama-3.1-8b@fp8"},
      {{"Llama-3.1-70B", "fp8"}, "llama-3.1-70b@fp8"},
      {{"Llama-3.1-70B", "fp4"}, "llama-3.1-70b@nvfp4"}};
  return models;
}

// Of the requests that are open, those past their first token, by Little's law: the others wait or prefill.
std::int64_t sequences_in_decode(const Table& table, std::size_t row, const StepRun& run) {
  const std::int64_t open = table.text(row, "concurrency").empty()
                                ? table.integer(row, "batch_size") * run.plan.dp
                                : table.integer(row, "concurrency");
  const double decoding = static_cast<double>(run.output) * table.number(row, "tpot_ms");
  const double share = decoding / (table.number(row, "ttft_ms") + decoding);
  return std::max<std::int64_t>(1, std::llround(share * static_cast<double>(open)));
}

int degree(const Table& table, std::size_t row, std::string_view title) {
  return static_cast<int>(std::max<std::int64_t>(1, table.integer(row, title, 1, 0)));  // 0: none
}

}  // namespace

void read_serving_points(const Table& table, MeasurementSink& sink) {
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string path(table.required(row, "model_path"));
    const std::string name = path.substr(path.rfind('/') + 1), precision(table.text(row, "precision"));
    const auto model = known_models().find({name, precision});
    if (table.text(row, "spec_decoding") != "off") {
      sink.exclude(kOrigin, "may speculate tokens");
      continue;
    }
    if (model == known_models().end()) {
      sink.exclude(kOrigin, fmt::format("no card of {} in {}", name,
                                        precision.empty() ? "its own format" : precision));
      continue;
    }
    if (table.number(row, "tpot_ms_max") > kMostSpread * table.number(row, "tpot_ms_min")) {
      sink.exclude(kOrigin, "repetitions differ by more than 15 %");
      continue;
    }
    if (table.integer(row, "tp_size", 1) > kLargestBox) {
      sink.exclude(kOrigin, "more tensor parallelism than a box of these chips has");
      continue;
    }
    const double generating = table.number(row, "osl") * table.number(row, "tpot_ms");
    if (table.has("ttft_ms") && table.number(row, "ttft_ms") > kMostWait * generating) {
      sink.exclude(kOrigin, "requests queue: the first token takes longer than all others together");
      continue;
    }
    StepRun run;
    run.kind = StepRun::Kind::serving;
    run.model = model->second;
    if (table.required(row, "backend") == kEightBitCaches && model->second.find('@') != std::string::npos) {
      run.model += "/fp8";
    }
    run.sampling = Sampling::greedy;
    run.plan.tp = degree(table, row, "tp_size");
    run.plan.pp = degree(table, row, "pp_size");
    run.plan.dp = degree(table, row, "attention_dp_size");
    run.plan.ep = degree(table, row, "moe_ep_size");
    run.prompt = table.integer(row, "isl");
    run.output = table.integer(row, "osl");
    run.batch = sequences_in_decode(table, row, run);
    const std::string_view system = table.required(row, "system");
    Measurement measurement;
    measurement.origin = kOrigin;
    measurement.system = fmt::format("{}x{}", run.plan.chips(), system.substr(0, system.find('_')));
    measurement.what = run;
    measurement.note = table.required(row, "backend");
    measurement.value = 1e-3 * table.number(row, "tpot_ms");
    measurement.where = table.where(row);
    sink.take(measurement);
  }
}

}  // namespace memwall
