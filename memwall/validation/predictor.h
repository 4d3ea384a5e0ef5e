// predictor.h - what memwall says a measurement should have been.
#pragma once

#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "memwall/serving/open_system.h"
#include "memwall/validation/machine.h"
#include "memwall/validation/measurement.h"

namespace memwall {

struct Prediction {
  // In the base unit of the measurement's quantity.
  double calibrated = 0;  // with what was fitted
  // Without any calibrated constant: the cards' `calibration:` left out. None when a card is not complete
  // without it.
  std::optional<double> datasheet;
  std::optional<double> carried;   // with the constants fitted to another chip, where one is named
  std::optional<double> roofline;  // peak rates, useful amounts; none for quantities that it does not say
  Seconds alone;                   // calibrated, kernels only
};

// Chip card -> the card whose calibration it is also to be tried with: "b300" -> "b200".
using CarriedCalibrations = std::map<std::string, std::string>;

class Predictor {
 public:
  // Borrows the registry.
  explicit Predictor(const ProcessorRegistry& processors, CarriedCalibrations carried = {});
  ~Predictor();

  // Throws CannotPredict for a model that does not fit, and ConfigError for no card of the chip or the model
  // and for a kernel or format that the chip does not have.
  Prediction predict(const Measurement& measurement);
  ModelShelf& models() { return models_; }

 private:
  struct Readings;
  // A system that cannot be read is tried once: a table has hundreds of thousands of rows.
  struct Attempt {
    std::unique_ptr<Readings> readings;
    std::exception_ptr failure;
  };
  Readings& readings(const Measurement& measurement);
  std::unique_ptr<Readings> read(const Measurement& measurement) const;

  const ProcessorRegistry& processors_;
  CarriedCalibrations carried_;
  std::map<std::pair<std::string, std::vector<FactChange>>, Attempt> readings_;
  ModelShelf models_;
};

}  // namespace memwall
