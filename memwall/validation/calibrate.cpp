#include "memwall/validation/calibrate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>

#include <fmt/format.h>

#include "memwall/core/unit_text.h"
#include "memwall/validation/residuals.h"
#include "memwall/validation/soft_fit.h"

namespace memwall {
namespace {

constexpr std::size_t kMostConstants = 12, kMostPowerConstants = 3;
constexpr double kScale = 0.1;  // of errors that count as large
// Weight of a class of brief kernels: they are measured less well (timers step by 1 or 2 us) and matter less.
constexpr double kBriefWeight = 0.25;
const std::string kPrefix = std::string(Chip::kCalibration) + ".";

// A value in the unit that the card uses for the fact: "2.71 us".
std::string in_unit_of(const Fact& fact, double value) {
  const std::size_t space = fact.text.find(' ');
  if (space == std::string::npos) {
    return fmt::format("{:.4g}", value);
  }
  const std::string unit = fact.text.substr(space + 1);
  return fmt::format("{:.4g} {}", value / parse_measured_number("1 " + unit).value, unit);
}

double value_of(const std::string& text) { return parse_measured_number(text).value; }

bool belongs_to(FitOf of, const TunableFact& tunable) {
  return (tunable.key.starts_with("power.") || tunable.key.starts_with("energy.")) == (of == FitOf::power);
}
bool belongs_to(FitOf of, const Measurement& measurement) {
  switch (measurement.quantity) {
    case MeasuredQuantity::time:
    case MeasuredQuantity::throughput:
      return of == FitOf::time;
    case MeasuredQuantity::power:
      return of == FitOf::power;
    case MeasuredQuantity::energy_per_token:  // both at once
    case MeasuredQuantity::figure:
      break;
  }
  return false;
}

std::vector<TunableFact> tunable_facts(const OpenSystem& open, FitOf of) {
  std::vector<TunableFact> facts = open.processor->tunable_facts(open.system);
  std::erase_if(facts, [of](const TunableFact& fact) { return !belongs_to(of, fact); });
  if (facts.size() > (of == FitOf::power ? kMostPowerConstants : kMostConstants)) {
    throw std::logic_error("[validation] too many tunable facts of family " + open.system.chip().family);
  }
  return facts;
}

// The chip with constants at the texts given; fitted to `data`.
void set_constants(const std::vector<FittedConstant>& constants, const std::string& data, Chip& chip) {
  for (const FittedConstant& constant : constants) {
    Fact fact = chip.fact(constant.key);
    fact.key = kPrefix + constant.key;
    fact.text = constant.text;
    fact.value = value_of(constant.text);
    fact.fitted = data;
    fact.source.clear();
    fact.estimate.clear();
    fact.note.clear();
    fact.range.clear();
    fact.low.reset();
    fact.high.reset();
    fact.also.clear();
    chip.facts.insert_or_assign(fact.key, fact);
  }
}

class Fit {
 public:
  Fit(const OpenSystem& open, FitOf of, const std::vector<Measurement>& measurements) : open_(open) {
    for (const Measurement& measurement : measurements) {
      if (belongs_to(of, measurement)) {
        rows_.push_back(&measurement);
      }
    }
    const std::vector<double> predicted = predict(open_.system.chip(), rows_);
    std::vector<const Measurement*> possible;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (predicted[i] > 0) {
        possible.push_back(rows_[i]);
      }
    }
    rows_ = std::move(possible);
  }

  const std::vector<const Measurement*>& rows() const { return rows_; }

  // 0 for a row that cannot be run.
  std::vector<double> predict(const Chip& chip, const std::vector<const Measurement*>& rows) {
    std::vector<double> values;
    values.reserve(rows.size());
    std::map<std::string, std::unique_ptr<Machine>> machines;
    for (const Measurement* row : rows) {
      values.push_back(predict(chip, *row, machines[row->system]));
    }
    return values;
  }

  double predict(const Chip& chip, const Measurement& row, std::unique_ptr<Machine>& machine) {
    try {
      if (machine == nullptr) {
        machine = std::make_unique<Machine>(system_with(row.system, chip), *open_.processor);
      }
      return machine->run(row, models_).value;
    } catch (const CannotPredict&) {
      return 0;
    } catch (const ConfigError&) {
      return 0;
    }
  }

  ErrorSummary errors(const Chip& chip, bool held_back) {
    std::vector<const Measurement*> rows;
    std::copy_if(rows_.begin(), rows_.end(), std::back_inserter(rows),
                 [&](const Measurement* row) { return is_held_back(*row) == held_back; });
    const std::vector<double> predicted = predict(chip, rows);
    ErrorList list;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      list.add(predicted[i] / rows[i]->value - 1);
    }
    return list.summary();
  }

 private:
  // The system of a row, all of its chips with this card.
  System system_with(const std::string& name, const Chip& chip) {
    auto found = systems_.find(name);
    if (found == systems_.end()) {
      found = systems_.emplace(name, read_system(name)).first;
    }
    System system = found->second;
    for (Pool& pool : system.pools) {
      pool.chip = chip;
    }
    return system;
  }

  const OpenSystem& open_;
  std::vector<const Measurement*> rows_;
  std::map<std::string, System> systems_;
  ModelShelf models_;
};

std::string class_of(const Measurement& measurement) {
  const auto* kernels = std::get_if<std::vector<KernelUse>>(&measurement.what);
  if (kernels == nullptr || kernels->size() != 1) {
    return measurement.origin;
  }
  const KernelFeatures kernel = features(kernels->front().op, Seconds(measurement.value));
  return measurement.origin + " " + to_text(classify(kernel, "").of);
}

// At most `most` rows of each class, evenly spread: multiples of the golden ratio, since tables run through
// their sizes in a rhythm that equal strides would fall in with.
std::map<std::string, std::vector<const Measurement*>> sample(const std::vector<const Measurement*>& rows,
                                                              std::size_t most) {
  std::map<std::string, std::vector<const Measurement*>> classes;
  for (const Measurement* row : rows) {
    if (!is_held_back(*row)) {
      classes[class_of(*row)].push_back(row);
    }
  }
  for (auto& [name, members] : classes) {
    if (members.size() > most) {
      std::vector<const Measurement*> kept;
      for (std::size_t i = 0; i < most; ++i) {
        double whole = 0;
        const double place = std::modf(static_cast<double>(i) * std::numbers::phi, &whole);
        kept.push_back(members[static_cast<std::size_t>(place * static_cast<double>(members.size()))]);
      }
      members = std::move(kept);
    }
  }
  return classes;
}

// The constants at a point of the unit cube: logarithmic between their limits.
std::vector<FittedConstant> at_point(std::vector<FittedConstant> constants, const Chip& chip,
                                     const std::vector<double>& point) {
  for (std::size_t i = 0; i < constants.size(); ++i) {
    FittedConstant& constant = constants[i];
    const double value = constant.low * std::pow(constant.high / constant.low, point[i]);
    constant.text = in_unit_of(chip.fact(constant.key), std::clamp(value, constant.low, constant.high));
    constant.is_at_limit = point[i] < 1e-3 || point[i] > 1 - 1e-3;
  }
  return constants;
}

std::vector<double> start_of(const std::vector<FittedConstant>& constants, const Chip& chip) {
  std::vector<double> start;
  for (const FittedConstant& constant : constants) {
    const double value = std::clamp(chip.fact(constant.key).value, constant.low, constant.high);
    start.push_back(std::log(value / constant.low) / std::log(constant.high / constant.low));
  }
  return start;
}

class Loss {
 public:
  Loss(Fit& fit, const std::map<std::string, std::vector<const Measurement*>>& classes) : fit_(fit) {
    for (const auto& [name, members] : classes) {
      const bool is_brief = name.find(memwall::name(Regime::brief)) != std::string::npos;
      const double weight =
          (is_brief ? kBriefWeight : 1) / static_cast<double>(members.size() * classes.size());
      for (const Measurement* row : members) {
        rows_.push_back(row);
        weights_.push_back(weight);
      }
    }
  }
  std::vector<double> predict(const Chip& chip) { return fit_.predict(chip, rows_); }
  double operator()(const Chip& chip) {
    const std::vector<double> predicted = predict(chip);
    double sum = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      // A card that its family refuses is worse than any other.
      sum +=
          weights_[i] * (predicted[i] > 0 ? soft_l1(std::log(predicted[i] / rows_[i]->value), kScale) : 1e6);
    }
    return sum;
  }

 private:
  Fit& fit_;
  std::vector<const Measurement*> rows_;
  std::vector<double> weights_;
};

// Those of the constants that some sampled row depends on; the others are named in `idle`.
std::vector<FittedConstant> live_constants(const OpenSystem& open, const std::vector<TunableFact>& facts,
                                           Loss& loss, std::vector<std::string>& idle) {
  const Chip& chip = open.system.chip();
  const std::vector<double> base = loss.predict(chip);
  std::vector<FittedConstant> live;
  for (const TunableFact& tunable : facts) {
    FittedConstant constant{tunable.key, chip.fact(tunable.key).text, "", tunable.low, tunable.high, false};
    bool matters = false;
    for (const double end : {tunable.low, tunable.high}) {
      Chip moved = chip;
      constant.text = in_unit_of(chip.fact(tunable.key), end);
      set_constants({constant}, "a trial", moved);
      matters = matters || loss.predict(moved) != base;
    }
    if (matters) {
      live.push_back(std::move(constant));
    } else {
      idle.push_back(tunable.key);
    }
  }
  return live;
}

Fact fit_fact(const std::string& key, double value, const std::string& text, const std::string& data) {
  Fact fact;
  fact.key = kPrefix + "fit." + key;
  fact.value = value;
  fact.text = text;
  fact.fitted = data;
  return fact;
}

}  // namespace

Calibration calibrate(const OpenSystem& open, const std::vector<Measurement>& measurements,
                      const FitOptions& options) {
  const Chip& chip = open.system.chip();
  const std::vector<TunableFact> tunable = tunable_facts(open, options.of);
  if (tunable.empty()) {
    throw ConfigError("--system", quoted(open.system.name),
                      "a chip of a family that has constants to fit, not " + chip.family);
  }
  Fit fit(open, options.of, measurements);
  if (fit.rows().empty()) {
    throw ConfigError("--measurements", "no row of " + chip.name + " that it can run",
                      "measurements of this chip");
  }
  Calibration result;
  result.data = options.data;
  result.rows = static_cast<std::int64_t>(fit.rows().size());
  Loss loss(fit, sample(fit.rows(), options.rows_of_class));
  const std::vector<FittedConstant> live = live_constants(open, tunable, loss, result.idle);
  if (live.empty()) {
    throw ConfigError("--measurements", "rows that no constant of " + chip.name + " changes",
                      "kernels that depend on one of them");
  }
  FitProblem problem;
  problem.start = start_of(live, chip);
  problem.evaluations = options.evaluations;
  problem.loss = [&](const std::vector<double>& point) {
    Chip at = chip;
    set_constants(at_point(live, chip, point), options.data, at);
    return loss(at);
  };
  result.constants = at_point(live, chip, minimise(problem));
  result.chip = chip;
  set_constants(result.constants, options.data, result.chip);
  result.fitted = {fit.errors(chip, false), fit.errors(result.chip, false)};
  result.held_back = {fit.errors(chip, true), fit.errors(result.chip, true)};
  const std::string of = options.of == FitOf::power ? "power_" : "";
  for (const Fact& fact :
       {fit_fact(of + "rows", static_cast<double>(result.rows), std::to_string(result.rows), options.data),
        fit_fact(of + "error", result.fitted.after.mean, fmt::format("{:.4f}", result.fitted.after.mean),
                 options.data),
        fit_fact(of + "held_back_error", result.held_back.after.mean,
                 fmt::format("{:.4f}", result.held_back.after.mean), options.data)}) {
    result.chip.facts.insert_or_assign(fact.key, fact);
  }
  return result;
}

}  // namespace memwall
