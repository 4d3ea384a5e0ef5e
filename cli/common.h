// common.h - options and output that several verbs share.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/command_line.h"
#include "memwall/model/model.h"
#include "memwall/model/step.h"
#include "memwall/processors/placement.h"
#include "memwall/processors/processor.h"

namespace memwall {

ProcessorRegistry builtin_processors();

struct OutputOptions {
  bool json = false, csv = false;
  // Throws ConfigError for both at once; every verb asks before any work.
  void check() const;
};
void add_output_options(const Verb& verb, OutputOptions* output);
// Prints one of the three to standard output. `rows_key` names the list in the JSON whose entries are the
// lines of CSV; empty: the object itself is the only line.
void print(const OutputOptions& output, const std::function<std::string()>& table,
           const std::function<nlohmann::ordered_json()>& json, const std::string& rows_key);
void print_text(const std::string& text);

// How the model runs, for verbs that place one.
struct RunOptions {
  std::string plan, routing = "uniform", kv_format = "bf16";
  std::string weights;  // format of projections and experts; empty: what the model's file says
  bool eager = false;

  std::optional<Plan> parsed_plan() const;
  LowerOptions lower_options() const { return {eager}; }
};
void add_run_options(const Verb& verb, RunOptions* run);
Model read_model_for(const std::string& name, const RunOptions& run);

// Throws ConfigError for a model that a system cannot run however much memory it has (no such number format,
// wired for another model). Too little memory is a result.
void require_runnable(const std::string& model, const std::string& system, const Placement& placement);

// --decode 64@4096 and --prefill 1@8192, any number of each.
void add_slice_options(const Verb& verb, std::vector<Slice>* slices);

}  // namespace memwall
