#include <algorithm>

#include "memwall/core/data_files.h"
#include "memwall/validation/kernel_rows.h"
#include "memwall/validation/kernel_tables.h"
#include "memwall/validation/ml_energy.h"
#include "memwall/validation/step_rows.h"
#include "memwall/validation/table.h"
#include "memwall/validation/validate.h"

namespace memwall {
namespace {

constexpr std::string_view kKernelRows = "_kernels.csv", kStepRows = "_steps.csv";

void read_shipped(MeasurementSink& sink) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(data_folder("validation"))) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& path : files) {
    const std::string name = path.filename().string();
    if (name.ends_with(kKernelRows)) {
      read_kernel_rows(read_table(path), name.substr(0, name.size() - kKernelRows.size()), sink);
    } else if (name.ends_with(kStepRows)) {
      read_step_rows(read_table(path), name.substr(0, name.size() - kStepRows.size()), sink);
    }
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
  if (std::filesystem::is_directory(tables)) {
    read_kernel_tables(tables, sink);
  }
  const std::filesystem::path serving = *sources.data / "ml_energy" / "llm_energy.csv";
  if (std::filesystem::exists(serving)) {
    read_ml_energy(read_table(serving), sink);
  }
}

}  // namespace memwall
