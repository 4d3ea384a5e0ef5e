#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/error.h"
#include "memwall/core/output_file.h"
#include "memwall/report/sweep_report.h"
#include "memwall/serving/fact_sweep.h"
#include "memwall/serving/open_system.h"

namespace memwall {
namespace {

struct SweepOptions {
  std::string system, model, figure, page;
  std::vector<std::string> facts, values;
  std::vector<Slice> slices;
  RunOptions run;
  OutputOptions output;
};

std::string slice_text(const Slice& slice) {
  if (slice.new_tokens == 1 && slice.past_tokens > 0) {
    return fmt::format("--decode {}@{}", slice.count, slice.past_tokens);
  }
  return fmt::format("--prefill {}@{}{}", slice.count, slice.new_tokens,
                     slice.past_tokens > 0 ? fmt::format("+{}", slice.past_tokens) : "");
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ",") + word;
  }
  return text;
}

// The options that differ from what is done without them.
std::string run_text(const RunOptions& run) {
  const RunOptions usual;
  std::string text = run.plan.empty() ? "" : " --plan '" + run.plan + "'";
  text += run.routing == usual.routing ? "" : " --routing " + run.routing;
  text += run.kv_format == usual.kv_format ? "" : " --kv-format " + run.kv_format;
  text += run.weights.empty() ? "" : " --weights " + run.weights;
  text += run.eager ? " --eager" : "";
  return text;
}

SweepHeading heading_of(const SweepOptions& options, const OpenSystem& open) {
  SweepHeading heading;
  heading.system = open.system.name;
  heading.title = open.system.title;
  heading.is_step = options.figure.empty();
  heading.command = "memwall sweep --system " + options.system;
  if (heading.is_step) {
    heading.unit = "s";
    heading.question = options.model;
    heading.command += " --model " + options.model;
    for (const Slice& slice : options.slices) {
      heading.question += ", " + slice_text(slice).substr(2);
      heading.command += " " + slice_text(slice);
    }
    heading.command += run_text(options.run);
  } else {
    heading.question = options.figure;
    heading.command += " --figure " + options.figure;
    for (const Figure& figure : open.processor->figures(open.system)) {
      heading.unit = figure.name == options.figure ? figure.unit : heading.unit;
    }
  }
  heading.command += options.facts.empty() ? "" : " --fact " + joined(options.facts);
  heading.command += options.values.empty() ? "" : " --values '" + joined(options.values) + "'";
  heading.command += options.page.empty() ? "" : " --page " + options.page;
  return heading;
}

SweepQuestion question_of(const SweepOptions& options, const OpenSystem& open) {
  const Processor& processor = *open.processor;
  if (!options.figure.empty()) {
    return [&processor, figure = options.figure](const System& system) {
      return ask_figure(figure, system, processor);
    };
  }
  if (options.model.empty() || options.slices.empty()) {
    throw ConfigError("sweep", "no question", "--model with --decode or --prefill, or --figure");
  }
  const Model model = read_model_for(options.model, options.run);
  const Step step{options.slices, parse_routing(options.run.routing)};
  verify(step, model);
  return [&processor, model, step, plan = options.run.parsed_plan(), lowered = options.run.lower_options()](
             const System& system) { return ask_step(model, step, system, processor, plan, lowered); };
}

void run_sweep(const SweepOptions& options) {
  options.output.check();
  const OpenSystem open = open_system(options.system, builtin_processors());
  const std::vector<std::string> facts = options.facts.empty() ? free_facts(open.system) : options.facts;
  if (facts.size() != 1 && !options.values.empty()) {
    throw ConfigError("--values", "beside " + std::to_string(facts.size()) + " facts", "one --fact");
  }
  const SweepQuestion ask = question_of(options, open);
  std::vector<FactSweep> sweeps;
  for (const std::string& fact : facts) {
    sweeps.push_back(sweep_fact(open.system, fact, options.values, ask));
  }
  const SweepHeading heading = heading_of(options, open);
  if (!options.page.empty()) {
    write_whole_file(options.page, sweep_page(heading, sweeps));
  }
  print(
      options.output, [&] { return sweep_table(heading, sweeps); },
      [&] { return sweep_json(heading, sweeps); }, "points");
}

}  // namespace

void add_sweep(const Verb& root) {
  const Verb verb = root.verb("sweep", "A step or a figure while facts of a card move");
  const auto options = std::make_shared<SweepOptions>();
  verb.required_text("--system", &options->system, "a card in systems/, a path, or NxCHIP such as 1xh100");
  verb.list("--fact", &options->facts, "dotted keys of its cards; default: every one with a range");
  verb.list("--values", &options->values, "of the fact, as a card writes them; default: over its range");
  verb.text("--model", &options->model, "a card in models/ or a config.json, .gguf or index file");
  add_slice_options(verb, &options->slices);
  verb.text("--figure", &options->figure, "in place of a step: a name of memwall explain figures");
  add_run_options(verb, &options->run);
  verb.text("--page", &options->page, "also write the sweep as one HTML file with one picture");
  add_output_options(verb, &options->output);
  verb.examples(
      "  memwall sweep --system hgx-h100 --model llama-3.1-70b --decode 64@4096 --fact hbm.bandwidth "
      "--values '2 TB/s,5 TB/s'\n"
      "  memwall sweep --system hgx-h100 --model llama-3.1-70b --decode 64@4096 --page sweep.html\n");
  verb.action([options] { run_sweep(*options); });
}

}  // namespace memwall
