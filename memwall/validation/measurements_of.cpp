#include "memwall/validation/calibrate.h"
#include "memwall/validation/kernel_rows.h"
#include "memwall/validation/table.h"
#include "memwall/validation/validate.h"

namespace memwall {
namespace {

// Keeps the measurements of one chip.
class Collector : public MeasurementSink {
 public:
  explicit Collector(std::string chip) : chip_(std::move(chip)) {}

  void take(const Measurement& measurement) override {
    const std::string& system = measurement.system;
    const std::size_t digits = system.find_first_not_of("0123456789");
    if (digits != 0 && digits != std::string::npos && system.substr(digits) == "x" + chip_ &&
        measurement.changes.empty()) {
      found_.push_back(measurement);
    }
  }
  void exclude(const std::string&, const std::string&) override {}
  std::vector<Measurement> found() { return std::move(found_); }

 private:
  std::string chip_;
  std::vector<Measurement> found_;
};

}  // namespace

std::vector<Measurement> measurements_of(const std::string& chip, const std::string& file,
                                         const std::string& data_folder) {
  Collector collector(chip);
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
