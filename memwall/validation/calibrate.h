// calibrate.h - fits the constants of a card to measurements of its chip.
//
// The family lists what may be fitted (Processor::tunable_facts), and within what limits; a constant that the
// measurements do not depend on stays as it is. Three shapes of four are fitted to, the fourth tests the fit.
// The loss is the mean over classes of measurements (kind, regime, format) of the soft L1 norm of
// log(predicted / measured), so that a large table does not outweigh a small one and single odd rows pull
// little. Minimised without derivatives by NLopt's Subplex (Rowan, 1990) in the logarithm of every constant,
// from the card's values: the model is made of minima and steps. The same measurements give the same card.
#pragma once

#include <string>
#include <vector>

#include "memwall/serving/open_system.h"
#include "memwall/validation/error_statistics.h"
#include "memwall/validation/machine.h"
#include "memwall/validation/measurement.h"

namespace memwall {

struct FittedConstant {
  std::string key;           // without "calibration."
  std::string before, text;  // with unit: "3.2 us", "2.71 us"
  double low = 0, high = 0;  // limits, base units
  bool is_at_limit = false;
};

struct FitErrors {
  ErrorSummary before, after;
};

struct Calibration {
  Chip chip;  // with its new `calibration:`
  std::string data;
  std::vector<FittedConstant> constants;
  std::int64_t rows = 0;          // of this chip, as far as it can run them
  FitErrors fitted, held_back;    // every row, also those that the fit took a sample of
  std::vector<std::string> idle;  // tunable, but nothing in the measurements depends on them
};

// Two separate fits, each of its own constants to its own measurements: of times (at most 12 constants), and
// of power (at most 3: those whose keys begin with "power." or "energy.").
enum class FitOf { time, power };

struct FitOptions {
  FitOf of = FitOf::time;
  std::string data;                 // the measurements' name, for the card
  std::size_t rows_of_class = 120;  // a sample of each class is fitted to
  int evaluations = 4000;           // of the loss, at most
};

// `measurements` are of systems of this chip only. Throws ConfigError when nothing can be fitted: a family
// without tunable facts, no measurement that can be run.
Calibration calibrate(const OpenSystem& open, const std::vector<Measurement>& measurements,
                      const FitOptions& options);

// Those measurements of the sources and of `file` (kernel rows; none when empty) that are of one chip.
std::vector<Measurement> measurements_of(const std::string& chip, const std::string& file,
                                         const std::string& data_folder);

}  // namespace memwall
