#include <algorithm>

#include "memwall/core/data_files.h"
#include "memwall/validation/figure_rows.h"
#include "memwall/validation/kernel_rows.h"
#include "memwall/validation/kernel_tables.h"
#include "memwall/validation/ml_energy.h"
#include "memwall/validation/serving_points.h"
#include "memwall/validation/step_rows.h"
#include "memwall/validation/table.h"
#include "memwall/validation/validate.h"

namespace memwall {
namespace {

constexpr std::string_view kKernelRows = "_kernels.csv", kStepRows = "_steps.csv";

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void read_shipped(MeasurementSink& sink) {
  const std::filesystem::path folder = data_folder("validation");
  for (const std::filesystem::path& path : files_in(folder)) {
    const std::string name = path.filename().string();
    if (name.ends_with(kKernelRows)) {
      read_kernel_rows(read_table(path), name.substr(0, name.size() - kKernelRows.size()), sink);
    } else if (name.ends_with(kStepRows)) {
      read_step_rows(read_table(path), name.substr(0, name.size() - kStepRows.size()), sink);
    }
  }
  for (const std::filesystem::path& path : files_in(folder / "processors")) {
    read_step_rows(read_table(path), "processors", sink);
  }
  for (const std::filesystem::path& path : files_in(folder / "figures")) {
    read_figure_rows(read_table(path), sink);
  }
}

}  // namespace

void read_measurements(const MeasurementSources& sources, MeasurementSink& sink) {
  read_shipped(sink);
  if (!sources.data) {
    return;
  }
  if (!std::filesystem::is_directory(*sources.data)) {
    throw ConfigError(Location{sources.data->string()}, "--data", "no such folder",
                      "a folder of measurements");
  }
  const std::filesystem::path tables = *sources.data / "aiconfigurator";
  const std::filesystem::path energy = *sources.data / "ml_energy" / "llm_energy.csv";
  const std::filesystem::path points = *sources.data / "serving" / "serving_agg.csv.gz";
  const bool has_tables = std::filesystem::is_directory(tables), has_energy = std::filesystem::exists(energy),
             has_points = std::filesystem::exists(points);
  if (!has_tables && !has_energy && !has_points) {
    throw ConfigError(Location{sources.data->string()}, "--data",
                      "none of aiconfigurator/, ml_energy/ and serving/",
                      "a folder laid out as docs/calibration.md says");
  }
  if (has_tables) {
    read_kernel_tables(tables, sink);
  }
  if (has_energy) {
    read_ml_energy(read_table(energy), sink);
  }
  if (has_points) {
    read_serving_points(read_table(points), sink);
  }
}

}  // namespace memwall
