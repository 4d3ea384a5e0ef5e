#include "memwall/validation/calibrate.h"
#include "memwall/validation/data_sets.h"
#include "memwall/validation/kernel_rows.h"
#include "memwall/validation/table.h"
#include "memwall/validation/validate.h"

namespace memwall {
namespace {

// Keeps the measurements of one chip.
class Collector : public MeasurementSink {
 public:
  Collector(std::string chip, bool with_large_sets)
      : chip_(std::move(chip)), with_large_sets_(with_large_sets) {}

  void take(const Measurement& measurement) override {
    const std::string& system = measurement.system;
    const std::size_t digits = system.find_first_not_of("0123456789");
    if (digits != 0 && digits != std::string::npos && system.substr(digits) == "x" + chip_ &&
        measurement.changes.empty() && !is_never_fitted_to(measurement) &&
        !(with_large_sets_ && is_typed_from_large_sets(measurement))) {
      found_.push_back(measurement);
    }
  }
  void exclude(const std::string&, const std::string&) override {}
  std::vector<Measurement> found() { return std::move(found_); }

 private:
  std::string chip_;
  bool with_large_sets_;
  std::vector<Measurement> found_;
};

}  // namespace

std::vector<Measurement> measurements_of(const std::string& chip, const std::string& file,
                                         const std::string& data_folder) {
  Collector collector(chip, !data_folder.empty());
  if (!file.empty()) {
    read_kernel_rows(read_table(file), std::filesystem::path(file).stem().string(), collector);
  } else {
    MeasurementSources sources;
    if (!data_folder.empty()) {
      sources.data = data_folder;
    }
    read_measurements(sources, collector);
  }
  return collector.found();
}

}  // namespace memwall
