#include "memwall/validation/validate.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "memwall/core/names.h"
#include "memwall/validation/error_bars.h"

namespace memwall {
namespace {

// Spreads points over a set of unknown size, the same way in every run: every stride-th, and the stride
// doubles when there are too many.
class PointSample {
 public:
  template <class MakeLabel>
  void add(double measured, double predicted, MakeLabel&& label) {
    if (seen_++ % stride_ != 0) {
      return;
    }
    points_.push_back({measured, predicted, label()});
    if (points_.size() > kMostPoints) {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < points_.size(); i += 2) {
        points_[kept++] = std::move(points_[i]);
      }
      points_.resize(kept);
      stride_ *= 2;
    }
  }
  std::vector<ScatterPoint> take() { return std::move(points_); }

 private:
  std::vector<ScatterPoint> points_;
  std::size_t seen_ = 0, stride_ = 1;
};

class SetScore {
 public:
  void add(const Scored& scored) {
    const double measured = scored.measurement.value;
    const Prediction& prediction = scored.prediction;
    quantity_ = scored.measurement.quantity;
    const double error = prediction.calibrated / measured - 1;
    calibrated_.add(error);
    for (const auto& [predicted, errors] :
         {std::pair{&prediction.datasheet, &datasheet_}, std::pair{&prediction.roofline, &roofline_},
          std::pair{&prediction.carried, &carried_}}) {
      if (*predicted) {
        errors->add(**predicted / measured - 1);
      }
    }
    if (std::abs(error) > worst_error_) {
      worst_error_ = std::abs(error);
      worst_ = {describe(scored.measurement), measured, prediction.calibrated};
    }
    points_.add(measured, prediction.calibrated, [&] { return describe(scored.measurement); });
  }

  SetResult result(const DataSet& set, const std::string& group) {
    SetResult result;
    result.set = &set;
    result.group = group;
    result.quantity = quantity_;
    result.calibrated = calibrated_.summary();
    for (const auto& [errors, summary] :
         {std::pair{&datasheet_, &result.datasheet}, std::pair{&roofline_, &result.roofline},
          std::pair{&carried_, &result.carried}}) {
      if (const ErrorSummary found = errors->summary(); found.n > 0) {
        *summary = found;
      }
    }
    result.worst = worst_;
    result.points = points_.take();
    return result;
  }

 private:
  MeasuredQuantity quantity_ = MeasuredQuantity::time;
  ErrorList calibrated_, datasheet_, roofline_, carried_;
  double worst_error_ = -1;
  WorstRow worst_;
  PointSample points_;
};

// "8xh100" -> "h100"; the card of a system -> its chip.
std::string chip_of(const std::string& system) {
  const std::size_t digits = system.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string::npos && system[digits] == 'x' ? system.substr(digits + 1)
                                                                             : system;
}

// A kernel measured through a harness that added time of its own says little about other kernels.
bool has_harness(const Measurement& measurement) {
  const auto* kernels = std::get_if<std::vector<KernelUse>>(&measurement.what);
  return kernels != nullptr && (kernels->front().floor || kernels->front().host);
}

// Faster than memory can deliver: a benchmark that found its operands in the cache, where those of a step
// never are. It says nothing of how far a step is off.
bool is_from_cache(const Scored& scored) {
  return scored.kernel && scored.prediction.roofline &&
         scored.measurement.value < *scored.prediction.roofline;
}

class Scorer : public MeasurementSink {
 public:
  // with_tables: the typed rows that are in the large sets too do not count twice in the classes of errors.
  Scorer(const ProcessorRegistry& processors, const std::string& set, bool with_tables,
         const CarriedCalibrations& carried)
      : predictor_(processors, carried), with_tables_(with_tables) {
    const std::vector<DataSet>& known = data_sets();
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (known[i].name.starts_with(set)) {
        sets_.push_back(i);
      }
    }
    if (sets_.empty()) {
      std::vector<std::string> names;
      for (const DataSet& each : known) {
        names.emplace_back(each.name);
      }
      throw ConfigError("--set", quoted(set), suggest_names(set, names));
    }
  }

  void take(const Measurement& measurement) override {
    Scored scored{measurement, {}, std::nullopt, chip_of(measurement.system)};
    const auto* kernels = std::get_if<std::vector<KernelUse>>(&measurement.what);
    const bool is_one_kernel = kernels != nullptr && kernels->size() == 1;
    if (is_one_kernel) {
      scored.kernel = features(kernels->front().op, Seconds(measurement.value));
    }
    const auto holds = [&](std::size_t set) { return data_sets()[set].holds(scored); };
    if (std::none_of(sets_.begin(), sets_.end(), holds)) {
      return;
    }
    try {
      scored.prediction = predictor_.predict(measurement);
    } catch (const CannotPredict& reason) {
      exclude(measurement.origin, scored.chip + ": " + reason.what());
      return;
    } catch (const ConfigError& reason) {
      exclude(measurement.origin, scored.chip + ": " + reason.what());
      return;
    }
    if (is_one_kernel) {
      scored.kernel = features(kernels->front().op, scored.prediction.alone);
    }
    ++measurements_;
    note_residual(scored);
    for (const std::size_t set : sets_) {
      if (data_sets()[set].holds(scored)) {
        scores_[{set, group_of(data_sets()[set], scored)}].add(scored);
      }
    }
  }

  void exclude(const std::string& origin, const std::string& reason) override {
    ++exclusions_[{origin, reason}];
  }

  Validation result() {
    Validation validation;
    validation.measurements = measurements_;
    for (auto& [key, score] : scores_) {
      validation.sets.push_back(score.result(data_sets()[key.first], key.second));
    }
    for (const auto& [key, rows] : exclusions_) {
      validation.exclusions.push_back({key.first, key.second, rows});
    }
    validation.residuals = recorder_.residuals();
    const ErrorBars bars(validation.residuals);
    for (const auto& [where, error] : held_back_) {
      const std::optional<double> width = bars.of(where).half_width;
      validation.intervals.rows += width ? 1 : 0;
      validation.intervals.inside += width && std::abs(error) <= *width ? 1 : 0;
      validation.intervals.without += width ? 0 : 1;
    }
    return validation;
  }

 private:
  void note_residual(const Scored& scored) {
    const Measurement& measurement = scored.measurement;
    const bool is_typed = is_typed_from_large_sets(measurement);
    if (measurement.quantity != MeasuredQuantity::time || has_harness(measurement) || is_from_cache(scored) ||
        (with_tables_ && is_typed)) {
      return;
    }
    Classified where;
    if (scored.kernel) {
      where = classify(*scored.kernel, scored.chip);
    } else if (const auto* run = std::get_if<StepRun>(&measurement.what);
               run && run->kind == StepRun::Kind::decode_step) {
      const std::int64_t mean_context = run->mean_context() + 1;
      where = classify_decode_step(predictor_.models().get(run->model), scored.chip, run->plan.chips(),
                                   static_cast<double>(run->batch), static_cast<double>(mean_context));
    } else {
      return;
    }
    const double error = measurement.value / scored.prediction.calibrated - 1;
    if (is_held_back(measurement)) {
      held_back_.emplace_back(std::move(where), error);
    } else {
      recorder_.add(where, error);
    }
  }

  Predictor predictor_;
  bool with_tables_;
  ResidualRecorder recorder_;
  std::vector<std::pair<Classified, double>> held_back_;
  std::vector<std::size_t> sets_;
  std::map<std::pair<std::size_t, std::string>, SetScore> scores_;
  std::map<std::pair<std::string, std::string>, std::int64_t> exclusions_;
  std::int64_t measurements_ = 0;
};

}  // namespace

bool SetResult::meets_target() const {
  return (set->target == 0 || calibrated.mean < set->target) &&
         (set->worst_target == 0 || calibrated.worst < set->worst_target);
}

bool SetResult::meets_datasheet_target() const {
  return set->datasheet_target == 0 || (datasheet && datasheet->mean < set->datasheet_target);
}

const SetResult* origin_of_carried(const Validation& validation, const SetResult& result) {
  const std::string chip = result.group.substr(0, result.group.find(' '));
  const auto from = validation.carried.find(chip);
  if (!result.carried || from == validation.carried.end()) {
    return nullptr;
  }
  const std::string wanted = from->second + result.group.substr(chip.size());
  const auto found = std::find_if(validation.sets.begin(), validation.sets.end(), [&](const SetResult& each) {
    return each.set == result.set && each.group == wanted;
  });
  return found == validation.sets.end() ? nullptr : &*found;
}

bool carries_over(const SetResult& result, const SetResult& origin) {
  return result.carried->mean < 2 * origin.calibrated.mean;
}

Validation validate(const MeasurementSources& sources, const ProcessorRegistry& processors,
                    const std::string& set, const CarriedCalibrations& carried) {
  Scorer scorer(processors, set, sources.data.has_value(), carried);
  read_measurements(sources, scorer);
  Validation validation = scorer.result();
  validation.carried = carried;
  return validation;
}

}  // namespace memwall
