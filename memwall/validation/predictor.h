// predictor.h - what memwall says a measurement should have been.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "memwall/model/model.h"
#include "memwall/program/clock.h"
#include "memwall/serving/open_system.h"
#include "memwall/validation/measurement.h"

namespace memwall {

// Runs kernels one after another on one system.
class KernelTimer {
 public:
  KernelTimer(const System& system, const Processor& processor);

  struct Times {
    Seconds schedule, bound;  // of all kernels with what their harness adds
    Seconds alone;            // schedule, without the harness
  };
  // Throws ConfigError for a kernel that the chip does not have.
  Times time(const std::vector<KernelUse>& kernels);

 private:
  Times time(const KernelOp& op);

  std::unique_ptr<KernelLowering> kernels_;
  Program program_;
  ScheduleClock clock_;
};

struct Prediction {
  // In the base unit of the measurement's quantity.
  double calibrated = 0;  // with what was fitted
  // Without any calibrated constant: the cards' `calibration:` left out. None when a card is not complete
  // without it.
  std::optional<double> datasheet;
  std::optional<double> roofline;  // peak rates, useful amounts; none for quantities that it does not say
  Seconds alone;                   // calibrated, kernels only
};

// Why a measurement cannot be predicted: an expected outcome, with a reason that many rows share.
class CannotPredict : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Predictor {
 public:
  explicit Predictor(const ProcessorRegistry& processors);
  ~Predictor();

  // Throws CannotPredict for a model that does not fit, and ConfigError for no card of the chip or the model
  // and for a kernel or format that the chip does not have.
  Prediction predict(const Measurement& measurement);
  const Model& model(const std::string& name);  // by card; read once

 private:
  struct Machine;
  Machine& machine(const Measurement& measurement);

  const ProcessorRegistry& processors_;
  std::map<std::pair<std::string, std::vector<FactChange>>, std::unique_ptr<Machine>> machines_;
  std::map<std::string, Model> models_;
};

}  // namespace memwall
