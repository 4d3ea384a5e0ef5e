#include "memwall/serving/race.h"

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "memwall/core/data_files.h"
#include "memwall/core/output_file.h"
#include "memwall/report/page.h"
#include "memwall/report/race_report.h"
#include "memwall/serving/open_system.h"
#include "memwall/validation/error_bars.h"

namespace memwall {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 30;

struct RaceOptions {
  std::vector<std::string> models, systems;
  RaceQuery query;
  RunOptions run;
  OutputOptions output;
  std::string page, progress = "auto";
};

// " --option a,b", or nothing for what was left at its default.
std::string argument(const std::string& option, const std::vector<std::string>& values) {
  std::string joined;
  for (const std::string& value : values) {
    joined += (joined.empty() ? "" : ",") + value;
  }
  if (joined.empty()) {
    return "";
  }
  return " " + option + " " + (joined.find(' ') == std::string::npos ? joined : "'" + joined + "'");
}

PageHeading heading(const RaceOptions& options) {
  const RaceQuery& query = options.query;
  const RunOptions usual, &run = options.run;
  const std::string prompt = std::to_string(query.prompt), output = std::to_string(query.output),
                    batch = std::to_string(query.batch);
  PageHeading heading;
  for (const std::string& model : options.models) {
    heading.title += (heading.title.empty() ? "" : ", ") + model;
  }
  heading.subtitle = "prompt " + prompt + ", output " + output + ", batch " + batch;
  heading.command = "memwall race" + argument("--model", options.models) +
                    argument("--systems", options.systems) + " --prompt " + prompt + " --output " + output +
                    " --batch " + batch + argument("--plan", {run.plan}) +
                    (run.routing == usual.routing ? "" : argument("--routing", {run.routing})) +
                    argument("--weights", {run.weights}) +
                    (run.kv_format == usual.kv_format ? "" : argument("--kv-format", {run.kv_format})) +
                    (run.eager ? " --eager" : "") + argument("--page", {options.page});
  return heading;
}

void run_race(RaceOptions& options) {
  options.output.check();
  const ProcessorRegistry processors = builtin_processors();
  std::vector<OpenSystem> systems;
  for (const std::string& name : options.systems.empty() ? card_names("systems") : options.systems) {
    systems.push_back(open_system(name, processors));
  }
  RaceQuery& query = options.query;
  query.plan = options.run.parsed_plan();
  query.routing = parse_routing(options.run.routing);
  query.options = options.run.lower_options();
  query.with_pareto = options.output.json || !options.page.empty();
  std::vector<Model> models;
  for (const std::string& name : options.models) {
    models.push_back(read_model_for(name, options.run));
  }

  const ErrorBars error_bars = read_error_bars();
  std::vector<RaceResult> results;
  {
    Progress progress(options.progress, models.size() * systems.size());
    for (const Model& model : models) {
      query.model = model;
      solve(query.routing, model);
      for (const OpenSystem& open : systems) {
        progress.next(open.system.name + ": " + model.name);
        results.push_back(race(query, open.system, *open.processor));
        add_error_bars(error_bars, query, open.system, *open.processor, results.back());
      }
    }
  }
  if (!options.page.empty()) {
    write_whole_file(options.page, race_page(heading(options), results));
  }
  print(
      options.output, [&] { return race_table(query, results, ink_for(stdout)); },
      [&] { return race_json(query, results); }, "results");
}

}  // namespace

void add_race(const Verb& root) {
  const Verb verb = root.verb("race", "Run a model on every system and compare");
  const auto options = std::make_shared<RaceOptions>();
  RaceQuery& query = options->query;
  verb.required_list("--model", &options->models, "a card in models/ or a config.json, .gguf or index file");
  verb.list("--systems", &options->systems, "cards in systems/, paths or NxCHIP; default: every card");
  verb.integer("--prompt", &query.prompt, 1, kMostTokens, "tokens of each prompt");
  verb.integer("--output", &query.output, 1, kMostTokens, "tokens generated for each request");
  verb.integer("--batch", &query.batch, 1, kMostTokens, "requests that run together");
  verb.integer("--step-tokens", &query.max_step_tokens, 1, kMostTokens,
               "most new tokens in one prefill step");
  add_run_options(verb, &options->run);
  verb.text("--page", &options->page, "also write the race as one HTML file that needs no network");
  verb.text("--progress", &options->progress, "auto (on a terminal), always or never");
  add_output_options(verb, &options->output);
  verb.examples(
      "  memwall race --model llama-3.1-70b --prompt 4096 --output 512 --batch 8\n"
      "  memwall race --model gpt-oss-120b --systems hgx-b200,hnlpu-16,8xh100 --page race.html\n");
  verb.action([options] { run_race(*options); });
}

}  // namespace memwall
