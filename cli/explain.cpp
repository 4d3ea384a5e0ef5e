#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/error.h"
#include "memwall/economics/comparison.h"
#include "memwall/report/cost_report.h"
#include "memwall/report/explain_json.h"
#include "memwall/report/timeline.h"
#include "memwall/serving/figure_ranges.h"
#include "memwall/serving/open_system.h"
#include "memwall/serving/run_step.h"

namespace memwall {
namespace {

struct ExplainOptions {
  std::string what, model, system, chip, timeline;
  std::vector<Slice> slices;
  RunOptions run;
  OutputOptions output;
};

void require(const std::string& option, const std::string& value, const std::string& what) {
  if (value.empty()) {
    throw ConfigError(option, "nothing", "a value: 'explain " + what + "' needs it");
  }
}

// Prints a stage as it prints itself, or as JSON with the rows under `rows_key`.
template <class... Stage>
void show(const OutputOptions& output, const std::string& rows_key, const Stage&... stage) {
  print(output, [&] { return to_text(stage...); }, [&] { return explain_json(stage...); }, rows_key);
}

void explain_stage(const ExplainOptions& options, const Model& model, const Step& step) {
  require("--system", options.system, options.what);
  const OpenSystem open = open_system(options.system, builtin_processors());
  const StepResult result = run_step(model, step, open.system, *open.processor, options.run.parsed_plan(),
                                     options.run.lower_options());
  if (options.what != "placement") {
    require_runnable(model.name, open.system.name, result.placement);
  }
  if (options.what == "placement" || !result.placement.fits) {
    show(options.output, "memory", result.placement);
  } else if (options.what == "program") {
    show(options.output, "demands", result.program);
  } else {
    show(options.output, "lines", result.ledger);
  }
}

void explain_cost(const ExplainOptions& options, const System& system) {
  if (!has_chip_program(system)) {
    throw ConfigError("--system", system.name + ", whose card has no 'cost'",
                      "a system whose makers state its costs");
  }
  const ChipProgram low = chip_program(system, CostCase::low), high = chip_program(system, CostCase::high);
  const CostTable table{system.name,
                        low,
                        high,
                        other_models(system, low),
                        other_models(system, high),
                        compare_ownership(system)};
  print(options.output, [&] { return cost_table(table); }, [&] { return cost_json(table); }, "volumes");
}

nlohmann::ordered_json schedule_json(const ScheduleListing& listing) {
  nlohmann::ordered_json json;
  json["title"] = listing.title;
  for (const ScheduleListing::Line& line : listing.lines) {
    json["instructions"].push_back({{"chip", line.chip},
                                    {"queue", line.queue},
                                    {"cycle", line.cycle},
                                    {"instruction", line.instruction},
                                    {"section", line.section}});
  }
  return json;
}

// The instruction streams of a statically scheduled chip; the plan's tp is the number of chips.
void explain_schedule(const ExplainOptions& options, const Model& model, const Step& step) {
  require("--system", options.system, options.what);
  const OpenSystem open = open_system(options.system, builtin_processors());
  const ScheduleListing listing =
      open.processor->list_schedule(model, open.system, options.run.parsed_plan().value_or(Plan{}), step);
  if (!options.timeline.empty()) {
    write_timeline(options.timeline, open.system.name, listing.program, listing.spans);
  }
  print(
      options.output, [&] { return to_text(listing); }, [&] { return schedule_json(listing); },
      "instructions");
}

void explain(const ExplainOptions& options) {
  options.output.check();
  if (options.what.empty()) {
    throw ConfigError(
        "explain", "nothing",
        "one of model, step, placement, program, ledger, schedule, chip, system, figures, cost");
  }
  if (options.what == "chip") {
    require("--chip", options.chip, options.what);
    show(options.output, "facts", read_chip(options.chip));
    return;
  }
  if (options.what == "system") {
    require("--system", options.system, options.what);
    show(options.output, "facts", open_system(options.system, builtin_processors()).system);
    return;
  }
  if (options.what == "figures") {
    require("--system", options.system, options.what);
    const OpenSystem open = open_system(options.system, builtin_processors());
    show(options.output, "figures", figure_ranges(open.system, *open.processor));
    return;
  }
  if (options.what == "cost") {
    require("--system", options.system, options.what);
    explain_cost(options, open_system(options.system, builtin_processors()).system);
    return;
  }
  require("--model", options.model, options.what);
  const Model model = read_model_for(options.model, options.run);
  if (options.what == "model") {
    show(options.output, "operators", model);
    return;
  }
  if (options.slices.empty()) {
    throw ConfigError("explain " + options.what, "neither --decode nor --prefill", "at least one of them");
  }
  const Step step{options.slices, parse_routing(options.run.routing)};
  verify(step, model);
  if (options.what == "step") {
    print(
        options.output, [&] { return to_text(step, model); }, [&] { return explain_json(model, step); },
        "operators");
    return;
  }
  if (options.what == "schedule") {
    explain_schedule(options, model, step);
    return;
  }
  explain_stage(options, model, step);
}

}  // namespace

void add_explain(const Verb& root) {
  const Verb verb = root.verb(
      "explain", "What memwall works with, in full: model, placement, program, ledger, chip and others");
  const auto options = std::make_shared<ExplainOptions>();
  verb.positional(
      "what", &options->what,
      {"model", "step", "placement", "program", "ledger", "schedule", "chip", "system", "figures", "cost"},
      "model, step, placement, program, ledger, schedule, chip, system, figures or cost");
  verb.text("--model", &options->model, "a card in models/ or a config.json, .gguf or index file");
  verb.text("--system", &options->system, "a card in systems/, a path, or NxCHIP such as 8xh100");
  verb.text("--chip", &options->chip, "a card in chips/ or a path");
  verb.text("--timeline", &options->timeline,
            "of a schedule: also write a timeline, Perfetto, or Chrome JSON if it ends in .json");
  add_slice_options(verb, &options->slices);
  add_run_options(verb, &options->run);
  add_output_options(verb, &options->output);
  verb.examples(
      "  memwall explain model --model gpt-oss-120b\n"
      "  memwall explain ledger --model llama-3.1-70b --system 8xh100 --decode 64@4096\n"
      "  memwall explain schedule --model smollm2-135m --system groqrack --plan tp1 --decode 1@128\n");
  verb.action([options] { explain(*options); });
}

}  // namespace memwall
