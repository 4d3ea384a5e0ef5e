#include "memwall/validation/validate.h"

#include <memory>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/data_files.h"
#include "memwall/core/output_file.h"
#include "memwall/report/validation_report.h"
#include "memwall/validation/recorded.h"

namespace memwall {
namespace {

struct ValidateOptions {
  std::string data, set, page, markdown;
  std::vector<std::string> carry;
  bool record = false;
  OutputOptions output;
};

// What to type to get the same figures again.
std::string command_of(const ValidateOptions& options) {
  return "memwall validate" + std::string(options.data.empty() ? "" : " --data DIR") +
         (options.set.empty() ? "" : " --set " + options.set) +
         (options.carry.empty() ? "" : fmt::format(" --carry {}", fmt::join(options.carry, ",")));
}

// "b300=b200"
CarriedCalibrations carried(const ValidateOptions& options) {
  CarriedCalibrations carried;
  for (const std::string& pair : options.carry) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
      throw ConfigError("--carry", quoted(pair), "CHIP=OTHER, such as b300=b200");
    }
    carried[read_chip(pair.substr(0, equals)).name] = pair.substr(equals + 1);
    read_chip(pair.substr(equals + 1));
  }
  return carried;
}

// What later runs are held against, and where error bars come from.
void record(const Validation& validation) {
  const std::filesystem::path folder = data_folder("validation");
  write_whole_file(folder / "recorded.csv", recorded_text(validation));
  write_whole_file(folder / "residuals.csv", residuals_text(validation.residuals));
}

void run_validation(const ValidateOptions& options) {
  options.output.check();
  if (options.record && !options.set.empty()) {
    throw ConfigError("--record", "--set beside it", "all sets, of which the record is made");
  }
  MeasurementSources sources;
  if (!options.data.empty()) {
    sources.data = options.data;
  }
  Validation validation = validate(sources, builtin_processors(), options.set, carried(options));
  validation.remarks = read_remarks();
  validation.worse = worse_than_recorded(validation, read_recorded());
  if (options.record) {
    record(validation);
  }
  if (!options.page.empty()) {
    write_whole_file(options.page, validation_page(validation, command_of(options)));
  }
  if (!options.markdown.empty()) {
    write_whole_file(options.markdown, validation_markdown(validation, command_of(options)));
  }
  print(
      options.output, [&] { return validation_table(validation, ink_for(stdout)); },
      [&] { return validation_json(validation); }, "sets");
}

}  // namespace

void add_validate(const Verb& root) {
  const Verb verb = root.verb("validate", "Score memwall on published measurements");
  const auto options = std::make_shared<ValidateOptions>();
  verb.text("--data", &options->data, "a folder of large measured sets beside those in validation/");
  verb.text("--set", &options->set, "only sets whose names begin like this");
  verb.text("--page", &options->page, "also write predicted against measured as one HTML file");
  verb.list(
      "--carry", &options->carry,
      "CHIP=OTHER: also score CHIP with the constants fitted to OTHER, as if none of its rows were known");
  verb.flag("--record", &options->record, "also write these figures to validation/ of the data files");
  verb.text("--markdown", &options->markdown, "also write the page that is docs/validation.md");
  add_output_options(verb, &options->output);
  verb.examples(
      "  memwall validate\n"
      "  memwall validate --data ../data --set gemm --page out/validation.html\n");
  verb.action([options] { run_validation(*options); });
}

}  // namespace memwall
