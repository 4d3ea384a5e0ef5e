#include "memwall/processors/harden.h"

#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/data_files.h"
#include "memwall/core/error.h"
#include "memwall/core/names.h"
#include "memwall/model/read_model.h"
#include "memwall/model/seeded_weights.h"
#include "memwall/report/harden_report.h"
#include "memwall/report/json_text.h"
#include "memwall/serving/open_system.h"
#include "memwall/tensor/gguf_weights.h"

namespace memwall {
namespace {

struct HardenVerb {
  std::string model, out, system, scales = "neuron", format, neurons = "0:1";
  std::int64_t seed = 0;
  HardenOptions options;
  OutputOptions output;
};

// The system named, else the first card whose weights are wiring.
std::unique_ptr<Hardener> open_hardener(const std::string& system) {
  const ProcessorRegistry processors = builtin_processors();
  if (!system.empty()) {
    const OpenSystem open = open_system(system, processors);
    if (std::unique_ptr<Hardener> hardener = open.processor->open_hardener(open.system)) {
      return hardener;
    }
  }
  std::vector<std::string> able;
  for (const std::string& name : card_names("systems")) {
    const OpenSystem open = open_system(name, processors);
    if (std::unique_ptr<Hardener> hardener = open.processor->open_hardener(open.system)) {
      if (system.empty()) {
        return hardener;
      }
      able.push_back(name);
    }
  }
  throw ConfigError("--system",
                    system.empty() ? "no card of this kind" : quoted(system) + ", which loads its weights",
                    "a system whose weights are wiring: " + suggest_names(system, able));
}

std::unique_ptr<WeightSource> open_weights(const HardenVerb& verb) {
  if (verb.model.ends_with(".gguf")) {
    if (verb.seed != 0 || !verb.format.empty()) {
      throw ConfigError(verb.seed != 0 ? "--seed" : "--format", "a file beside it",
                        "a card, whose weights are made up");
    }
    return open_gguf_weights(verb.model);
  }
  ModelOptions options;
  if (!verb.format.empty()) {
    options.weight_format = format_named("--format", verb.format);
  }
  const Model model = read_model(verb.model, options);
  if (verb.seed == 0) {
    throw ConfigError("MODEL", quoted(verb.model) + ", which has no weights",
                      "a .gguf file, or --seed to make weights up");
  }
  return make_seeded_weights(model, static_cast<std::uint64_t>(verb.seed));
}

// "4:2", two neurons from the fourth on; "4" is one.
void read_neurons(const std::string& text, HardenOptions& options) {
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, options.verilog_first);
  bool good = error == std::errc() && options.verilog_first >= 0;
  if (good && rest != end) {
    const auto [last, second_error] = std::from_chars(rest + 1, end, options.verilog_count);
    good = *rest == ':' && second_error == std::errc() && last == end && options.verilog_count >= 1;
  }
  constexpr std::int64_t kMost = 1 << 16;
  if (!good || options.verilog_count > kMost || options.verilog_first > INT64_MAX - kMost) {
    throw ConfigError("--neurons", quoted(text), "FIRST or FIRST:COUNT, such as 0:4");
  }
}

void harden(HardenVerb& verb) {
  verb.output.check();
  if (verb.model.empty()) {
    throw ConfigError("MODEL", "nothing", "a .gguf file or a card of models/");
  }
  if (verb.scales != "neuron" && verb.scales != "block") {
    throw ConfigError("--scales", memwall::quoted(verb.scales), "neuron or block");
  }
  verb.options.scales = verb.scales == "block" ? ScalePolicy::block : ScalePolicy::neuron;
  read_neurons(verb.neurons, verb.options);
  const std::unique_ptr<Hardener> hardener = open_hardener(verb.system);
  const std::unique_ptr<WeightSource> weights = open_weights(verb);
  OutputFolder folder(verb.out);
  const HardenReport report = hardener->harden(*weights, verb.options, folder);
  folder.file("report.json") << json_text(harden_json(report));
  folder.commit();
  print(verb.output, [&] { return harden_table(report); }, [&] { return harden_json(report); }, "tensors");
}

}  // namespace

void add_harden(const Verb& root) {
  const Verb verb = root.verb("harden", "Turn a weight file into the wiring of a chip");
  const auto options = std::make_shared<HardenVerb>();
  verb.argument("MODEL", &options->model, "a .gguf file, or a model with --seed");
  verb.required_text("--out", &options->out, "folder to make: connection lists, report.json, SystemVerilog");
  verb.text("--system", &options->system, "whose silicon; default: the first system that can");
  verb.integer("--seed", &options->seed, 0, INT64_MAX,
               "make weights up for a model that has none; 0: do not");
  verb.text("--format", &options->format,
            "of weights made up, such as q4_0; default: what the model's card says");
  verb.text("--scales", &options->scales,
            "neuron: one scale per neuron, weights rounded (default); block: a neuron per block of the file, "
            "exact");
  verb.list("--tensor", &options->options.tensors, "only these tensors; may be repeated");
  verb.text("--verilog", &options->options.verilog_tensor,
            "also write neurons of this tensor as SystemVerilog");
  verb.text("--neurons", &options->neurons, "which of them: FIRST or FIRST:COUNT; default 0:1");
  add_output_options(verb, &options->output);
  verb.examples(
      "  memwall harden SmolLM2-135M-Instruct.Q4_1.gguf --out wires\n"
      "  memwall harden smollm2-135m --seed 1 --format q4_0 --tensor blk.0.o.weight --out wires\n");
  verb.action([options] { harden(*options); });
}

}  // namespace memwall
