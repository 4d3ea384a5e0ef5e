#include "memwall/validation/predictor.h"

#include <stdexcept>

#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

void apply(const std::vector<FactChange>& changes, const Measurement& measurement, Chip& chip) {
  for (const FactChange& change : changes) {
    const Fact& known = chip.fact(change.key);  // throws when there is none
    MeasuredNumber number;
    try {
      number = parse_measured_number(change.value);
    } catch (const std::invalid_argument& error) {
      throw ConfigError(measurement.where, change.key, quoted(change.value), error.what());
    }
    if (number.dimension != known.dimension) {
      throw ConfigError(measurement.where, change.key, quoted(change.value),
                        describe_dimension(known.dimension));
    }
    Fact changed = known;
    changed.value = number.value;
    changed.text = change.value;
    chip.facts.erase(std::string(Chip::kCalibration) + "." + change.key);
    chip.facts.at(change.key) = changed;
  }
}

// A copy of the system with every chip's card changed.
template <class Change>
System with_chips(System system, Change&& change) {
  for (Pool& pool : system.pools) {
    pool.chip = change(pool.chip);
  }
  return system;
}

}  // namespace

// One kind of system with all the readings of its cards.
struct Predictor::Readings {
  std::unique_ptr<Processor> processor;
  std::unique_ptr<Machine> calibrated;
  std::unique_ptr<Machine> datasheet;  // null: the same as calibrated, when there is one
  std::unique_ptr<Machine> carried;    // null: no calibration is carried over to this chip
  bool has_datasheet = true;
};

Predictor::Predictor(const ProcessorRegistry& processors, CarriedCalibrations carried)
    : processors_(processors), carried_(std::move(carried)) {}
Predictor::~Predictor() = default;

Predictor::Readings& Predictor::readings(const Measurement& measurement) {
  const auto [known, is_new] = readings_.try_emplace({measurement.system, measurement.changes});
  auto& [readings, failure] = known->second;
  if (failure != nullptr) {
    std::rethrow_exception(failure);
  }
  if (!is_new) {
    return *readings;
  }
  try {
    readings = read(measurement);
  } catch (const ConfigError&) {
    failure = std::current_exception();
    throw;
  }
  return *readings;
}

std::unique_ptr<Predictor::Readings> Predictor::read(const Measurement& measurement) const {
  OpenSystem open = open_system(measurement.system, processors_);
  auto made = std::make_unique<Readings>();
  made->processor = std::move(open.processor);
  const auto machine = [&](const System& system) {
    return std::make_unique<Machine>(with_chips(system,
                                                [&](Chip chip) {
                                                  apply(measurement.changes, measurement, chip);
                                                  return chip;
                                                }),
                                     *made->processor);
  };
  made->calibrated = machine(open.system);
  if (open.system.chip().is_calibrated()) {
    try {
      made->datasheet =
          machine(with_chips(open.system, [](const Chip& chip) { return chip.without_calibration(); }));
    } catch (const ConfigError&) {
      made->has_datasheet = false;  // a card that is not complete without its fitted constants
    }
  }
  if (const auto from = carried_.find(open.system.chip().name); from != carried_.end()) {
    const Chip other = read_chip(from->second);
    made->carried =
        machine(with_chips(open.system, [&](const Chip& chip) { return chip.with_calibration_of(other); }));
  }
  return made;
}

Prediction Predictor::predict(const Measurement& measurement) {
  Readings& on = readings(measurement);
  const Machine::Answer calibrated = on.calibrated->run(measurement, models_);
  Prediction prediction;
  prediction.calibrated = calibrated.value;
  prediction.roofline = calibrated.bound;
  prediction.alone = calibrated.alone;
  if (on.has_datasheet) {
    prediction.datasheet =
        on.datasheet == nullptr ? calibrated.value : on.datasheet->run(measurement, models_).value;
  }
  if (on.carried != nullptr) {
    prediction.carried = on.carried->run(measurement, models_).value;
  }
  return prediction;
}

}  // namespace memwall
