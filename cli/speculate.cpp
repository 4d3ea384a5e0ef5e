#include <charconv>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/report/speculation_report.h"
#include "memwall/serving/speculation.h"

namespace memwall {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 30;

struct SpeculateOptions {
  std::string model, system, draft_model, draft_system, draft_plan, transfer;
  std::vector<std::string> drafted = {"1", "2", "4", "8"}, acceptance = {"0.5", "0.7", "0.8", "0.9"};
  SpeculationQuery query;
  RunOptions run;
  OutputOptions output;
};

template <class Number>
std::vector<Number> numbers(const char* option, const std::vector<std::string>& texts, const char* expected) {
  std::vector<Number> values;
  for (const std::string& text : texts) {
    Number value{};
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || rest != text.data() + text.size()) {
      throw ConfigError(option, quoted(text), expected);
    }
    values.push_back(value);
  }
  return values;
}

// nullopt: no time, or a negative one.
std::optional<Seconds> time_named(const std::string& text) {
  try {
    const MeasuredNumber number = parse_measured_number(text);
    const bool is_time = number.dimension == dimension_of(Seconds{}) && number.value >= 0;
    return is_time ? std::optional(Seconds(number.value)) : std::nullopt;
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

Seconds parse_transfer(const std::string& text) {
  const std::optional<Seconds> time = text == "0" ? Seconds(0) : time_named(text);
  if (!time) {
    throw ConfigError("--transfer", quoted(text), "a time such as '5 us', or 0");
  }
  return *time;
}

void run_speculate(SpeculateOptions& options) {
  options.output.check();
  SpeculationQuery& query = options.query;
  query.target = read_model_for(options.model, options.run);
  query.draft = read_model_for(options.draft_model, options.run);
  query.drafted = numbers<std::int64_t>("--gamma", options.drafted, "whole numbers such as 2,4,8");
  query.acceptance = numbers<double>("--acceptance", options.acceptance, "probabilities such as 0.7,0.9");
  query.target_plan = options.run.parsed_plan();
  if (!options.draft_plan.empty()) {
    query.draft_plan = parse_plan(options.draft_plan);
  }
  query.routing = parse_routing(options.run.routing);
  query.options = options.run.lower_options();
  if (!options.transfer.empty()) {
    query.transfer = parse_transfer(options.transfer);
  }
  const ProcessorRegistry processors = builtin_processors();
  const OpenSystem target = open_system(options.system, processors);
  const OpenSystem draft = open_system(options.draft_system, processors);
  const SpeculationResult result = speculate(query, target, draft);
  print(
      options.output, [&] { return speculation_table(query, result, ink_for(stdout)); },
      [&] { return speculation_json(query, result); }, "points");
}

}  // namespace

void add_speculate(const Verb& root) {
  const Verb verb =
      root.verb("speculate", "A small model drafts, a large one verifies, on one or two systems");
  const auto options = std::make_shared<SpeculateOptions>();
  SpeculationQuery& query = options->query;
  verb.required_text("--model", &options->model,
                     "the target: a card in models/ or a config.json or .gguf file");
  verb.required_text("--system", &options->system, "where the target runs");
  verb.required_text("--draft-model", &options->draft_model, "the drafter, of the same vocabulary");
  verb.required_text("--draft-system", &options->draft_system, "where the drafter runs");
  verb.integer("--batch", &query.batch, 1, kMostTokens, "sequences that run together");
  verb.integer("--context", &query.context, 0, kMostTokens, "tokens of each in the cache");
  verb.list("--gamma", &options->drafted, "drafts per round; default 1,2,4,8");
  verb.list("--acceptance", &options->acceptance, "chance of a draft; default 0.5,0.7,0.8,0.9");
  verb.text(
      "--transfer", &options->transfer,
      "one way between the systems, such as '5 us'; default: the larger scale_out.latency of the cards");
  verb.text("--draft-plan", &options->draft_plan, "parallelism of the drafter; default: the best that fits");
  add_run_options(verb, &options->run);
  add_output_options(verb, &options->output);
  verb.examples(
      "  memwall speculate --model llama-3.1-70b --system hgx-h100 --draft-model llama-3.2-1b "
      "--draft-system 1xcorsair\n");
  verb.action([options] { run_speculate(*options); });
}

}  // namespace memwall
