// machine.h - runs what was measured on one system as its cards describe it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "memwall/model/model.h"
#include "memwall/program/clock.h"
#include "memwall/serving/step_timer.h"
#include "memwall/validation/measurement.h"

namespace memwall {

// Why a measurement cannot be predicted: an expected outcome, with a reason that many rows share.
class CannotPredict : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Models by card, each read once.
class ModelShelf {
 public:
  // A card, or one with its weights and its cache in other formats: "llama-3.1-70b@fp8/fp8". Stays where it
  // is.
  const Model& get(const std::string& name);

 private:
  std::map<std::string, Model> models_;
};

class Machine {
 public:
  // Borrows the processor. Throws ConfigError for a card that the family does not accept.
  Machine(System system, const Processor& processor);

  struct Answer {
    double value = 0;  // in the base unit of the measurement's quantity
    std::optional<double>
        bound;      // at peak rates, without the harness; none for quantities that a roofline does not say
    Seconds alone;  // kernels without what their harness adds
  };
  // Throws CannotPredict for a model that does not fit, ConfigError for a kernel or format that the chip does
  // not have.
  Answer run(const Measurement& measurement, ModelShelf& models);

 private:
  Answer run(const std::vector<KernelUse>& kernels);
  Answer run(const KernelOp& op, bool is_steady);
  Answer run(const FigureOf& wanted, const Location& where);
  Answer run(const StepRun& run, MeasuredQuantity quantity, const Model& model);
  StepTimer& steps(const StepRun& run, const Model& model);

  System system_;
  const Processor& processor_;
  std::unique_ptr<KernelLowering> kernels_;
  std::optional<std::vector<Figure>> figures_;
  Program program_;
  ScheduleClock clock_;
  std::string loaded_;  // what steps_ is for
  std::unique_ptr<StepTimer> steps_;
};

}  // namespace memwall
