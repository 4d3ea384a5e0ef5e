#include "memwall/validation/calibrate.h"

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/config_reader.h"
#include "memwall/core/error.h"
#include "memwall/core/output_file.h"
#include "memwall/report/calibration_report.h"
#include "memwall/validation/calibration_text.h"

namespace memwall {
namespace {

struct CalibrateOptions {
  std::string system, measurements, data, name, card;
  std::int64_t rows = static_cast<std::int64_t>(FitOptions{}.rows_of_class),
               evaluations = FitOptions{}.evaluations;
  bool power = false;
  OutputOptions output;
};

std::string data_name(const CalibrateOptions& options) {
  if (!options.name.empty()) {
    return options.name;
  }
  if (!options.measurements.empty()) {
    return std::filesystem::path(options.measurements).filename().string();
  }
  return options.data.empty() ? "validation/" : "validation/ and the large sets of docs/validation.md";
}

void run_calibration(const CalibrateOptions& options) {
  options.output.check();
  if (!options.measurements.empty() && !options.data.empty()) {
    throw ConfigError("--measurements", "--data beside it", "one of the two");
  }
  const OpenSystem open = open_system(options.system, builtin_processors());
  FitOptions fit;
  fit.data = data_name(options);
  fit.of = options.power ? FitOf::power : FitOf::time;
  fit.rows_of_class = static_cast<std::size_t>(options.rows);
  fit.evaluations = static_cast<int>(options.evaluations);
  const Calibration calibration =
      calibrate(open, measurements_of(open.system.chip().name, options.measurements, options.data), fit);
  if (!options.card.empty()) {
    write_whole_file(options.card, with_calibration_section(read_text_file(options.card),
                                                            calibration_section(calibration.chip)));
  }
  print(
      options.output, [&] { return calibration_table(calibration); },
      [&] { return calibration_json(calibration); }, "constants");
}

}  // namespace

void add_calibrate(const Verb& root) {
  const Verb verb = root.verb("calibrate", "Fit a chip's constants to measurements of it");
  const auto options = std::make_shared<CalibrateOptions>();
  verb.required_text("--system", &options->system, "a card in systems/, a path, or NxCHIP such as 1xh100");
  verb.text("--measurements", &options->measurements,
            "CSV of kernels, as the script in examples/ writes it; default: those in validation/");
  verb.text("--data", &options->data, "a folder of large measured sets beside those in validation/");
  verb.text("--name", &options->name, "what the card says that it was fitted to; default: the file's name");
  verb.text("--write", &options->card, "the chip's card, of which the calibration: section is replaced");
  verb.flag("--power", &options->power, "fit powers and energies to measured power, not times to times");
  verb.integer("--rows", &options->rows, 1, 1 << 20, "rows of each class of measurements that are fitted to");
  verb.integer("--evaluations", &options->evaluations, 1, 1 << 20, "most evaluations of the loss");
  add_output_options(verb, &options->output);
  verb.examples(
      "  memwall calibrate --system 1xh100 --measurements my-h100.csv\n"
      "  memwall calibrate --system 1xh100 --data ../data --write chips/h100.yaml\n"
      "  memwall calibrate --system 1xh100 --data ../data --power\n");
  verb.action([options] { run_calibration(*options); });
}

}  // namespace memwall
