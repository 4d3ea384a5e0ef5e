#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/error.h"
#include "memwall/program/clock.h"
#include "memwall/report/step_report.h"
#include "memwall/report/timeline.h"
#include "memwall/serving/open_system.h"
#include "memwall/serving/run_step.h"
#include "memwall/validation/error_bars.h"

namespace memwall {
namespace {

struct StepOptions {
  std::string model, system, trace;
  std::vector<Slice> slices;
  RunOptions run;
  OutputOptions output;
};

void write_trace(const std::string& path, const std::string& system, const StepResult& result) {
  if (!result.placement.fits) {
    throw ConfigError("--trace", "a step that does not fit: " + result.placement.refusal, "one that runs");
  }
  ScheduleClock clock;
  std::vector<TaskSpan> spans;
  clock.execute(result.program, &spans);
  write_timeline(path, system, result.program, spans);
}

void run_one_step(const StepOptions& options) {
  options.output.check();
  if (options.slices.empty()) {
    throw ConfigError("step", "neither --decode nor --prefill", "at least one of them");
  }
  const Model model = read_model_for(options.model, options.run);
  const OpenSystem open = open_system(options.system, builtin_processors());
  const Step step{options.slices, parse_routing(options.run.routing)};
  StepResult result = run_step(model, step, open.system, *open.processor, options.run.parsed_plan(),
                               options.run.lower_options());
  require_runnable(model.name, open.system.name, result.placement);
  if (!options.trace.empty()) {
    write_trace(options.trace, open.system.name, result);
  }
  add_error_bar(read_error_bars(), model, step, open.system, *open.processor, result);
  const StepHeading heading{model.name, open.system.name, step};
  print(
      options.output, [&] { return step_table(heading, result, ink_for(stdout)); },
      [&] { return step_json(heading, result); }, "");
}

}  // namespace

void add_step(const Verb& root) {
  const Verb verb = root.verb("step", "One forward pass of one batch on one system");
  const auto options = std::make_shared<StepOptions>();
  verb.required_text("--model", &options->model, "a card in models/ or a config.json, .gguf or index file");
  verb.required_text("--system", &options->system, "a card in systems/, a path, or NxCHIP such as 8xh100");
  add_slice_options(verb, &options->slices);
  add_run_options(verb, &options->run);
  verb.text("--trace", &options->trace,
            "also write a timeline: Perfetto, or Chrome JSON if it ends in .json");
  add_output_options(verb, &options->output);
  verb.examples(
      "  memwall step --model llama-3.1-70b --system 8xh100 --decode 64@4096\n"
      "  memwall step --model gpt-oss-120b --system hgx-b200 --decode 64@4096 --prefill 1@2048\n");
  verb.action([options] { run_one_step(*options); });
}

}  // namespace memwall
