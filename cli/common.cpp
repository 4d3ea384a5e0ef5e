#include "cli/common.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "memwall/core/error.h"
#include "memwall/model/read_model.h"
#include "memwall/report/json_text.h"

namespace memwall {

ProcessorRegistry builtin_processors() {
  ProcessorRegistry processors("processor family");
  register_builtin_processors(processors);
  return processors;
}

void add_output_options(const Verb& verb, OutputOptions* output) {
  verb.flag("--json", &output->json, "print JSON; its schema is in docs/json");
  verb.flag("--csv", &output->csv, "print comma-separated values");
}

void OutputOptions::check() const {
  if (json && csv) {
    throw ConfigError("--json", "--csv beside it", "one of the two");
  }
}

void print_text(const std::string& text) {
  const std::size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written != text.size() || std::fflush(stdout) != 0) {
    throw ConfigError("standard output", "an output that takes no more", "room for the result");
  }
}

void print(const OutputOptions& output, const std::function<std::string()>& table,
           const std::function<nlohmann::ordered_json()>& json, const std::string& rows_key) {
  if (output.json) {
    print_text(json_text(json()));
  } else if (output.csv) {
    nlohmann::ordered_json tree = json();
    std::vector<nlohmann::ordered_json> rows;
    if (rows_key.empty()) {
      rows.push_back(std::move(tree));
    } else {
      for (nlohmann::ordered_json& row : tree[rows_key]) {
        rows.push_back(std::move(row));
      }
    }
    print_text(csv_text(rows));
  } else {
    print_text(table());
  }
}

std::optional<Plan> RunOptions::parsed_plan() const {
  return plan.empty() ? std::nullopt : std::optional<Plan>(parse_plan(plan));
}

void add_run_options(const Verb& verb, RunOptions* run) {
  verb.text("--plan", &run->plan, "parallelism, such as 'tp4 pp2'; default: the best that fits");
  verb.text("--routing", &run->routing, "how tokens fall on experts: uniform, power_law:1.2, histogram:FILE");
  verb.text("--kv-format", &run->kv_format, "number format of the KV cache, such as fp8; default bf16");
  verb.text("--weights", &run->weights,
            "number format of projections and experts, such as fp8; default: the model's own");
  verb.flag("--eager", &run->eager, "launch kernels one by one instead of from a recorded graph");
}

Model read_model_for(const std::string& name, const RunOptions& run) {
  ModelOptions options;
  options.kv_format = format_named("--kv-format", run.kv_format);
  if (!run.weights.empty()) {
    options.weight_format = format_named("--weights", run.weights);
  }
  return read_model(name, options);
}

void require_runnable(const std::string& model, const std::string& system, const Placement& placement) {
  const bool short_of_memory =
      std::any_of(placement.memory.begin(), placement.memory.end(),
                  [](const MemoryUse& level) { return level.shortfall().value > 0; });
  if (!placement.fits && !short_of_memory) {
    throw ConfigError("model", model + " on " + system, "a model that it can run: " + placement.refusal);
  }
}

void add_slice_options(const Verb& verb, std::vector<Slice>* slices) {
  verb.each(
      "--decode", [slices](const std::string& text) { slices->push_back(parse_decode(text)); },
      "64@4096: 64 sequences decode one token each with 4096 in the cache; may be repeated");
  verb.each(
      "--prefill", [slices](const std::string& text) { slices->push_back(parse_prefill(text)); },
      "1@8192: one sequence prefills 8192 tokens; 4@512+7680: on top of 7680; may be repeated");
}

}  // namespace memwall
