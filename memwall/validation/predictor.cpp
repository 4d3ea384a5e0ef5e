#include "memwall/validation/predictor.h"

#include <stdexcept>

#include "memwall/core/unit_text.h"
#include "memwall/model/read_model.h"
#include "memwall/serving/step_timer.h"

namespace memwall {
namespace {

// The smallest kernel of the same kind: what a harness floor is the time of.
KernelOp smallest(const KernelOp& op) {
  if (const auto* gemm = std::get_if<GemmOp>(&op)) {
    return GemmOp{1, 1, 1, gemm->format, gemm->activation};
  }
  if (const auto* pointwise = std::get_if<PointwiseOp>(&op)) {
    return PointwiseOp{pointwise->kind, 1, 1};
  }
  throw std::logic_error("[validation] a floor for a kernel that has no smallest one");
}

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

struct Answer {
  double value = 0;
  std::optional<double> bound = std::nullopt;
};

// The quantity of a run on one system.
Answer answer(const StepRun& run, MeasuredQuantity quantity, StepTimer& timer) {
  const double batch = static_cast<double>(run.batch), further = static_cast<double>(run.output - 1);
  const Step decode{{{run.batch, 1, run.prompt + run.output / 2}}, {}};
  const Ledger step = timer.ledger(decode);
  if (run.whole_generation) {
    const Step prefill{{{run.batch, run.prompt, 0}}, {}};
    return {(timer.time(prefill) + further * step.time).value,
            (timer.bound(prefill) + further * step.bound).value};
  }
  switch (quantity) {
    case MeasuredQuantity::time:
      return {step.time.value, step.bound.value};
    case MeasuredQuantity::power:
      return {(step.energy() / step.time).value};
    case MeasuredQuantity::energy_per_token:
      return {step.energy().value / batch};
    case MeasuredQuantity::throughput:
      break;
  }
  const double users = batch * timer.batches_in_flight();
  return {users / step.time.value, users / step.bound.value};
}

}  // namespace

KernelTimer::KernelTimer(const System& system, const Processor& processor)
    : kernels_(processor.open_kernels(system, {})) {}

KernelTimer::Times KernelTimer::time(const KernelOp& op) {
  kernels_->lower(op, program_);
  const Seconds schedule = clock_.run(program_).time;
  return {schedule, bound_time(program_).time, schedule};
}

KernelTimer::Times KernelTimer::time(const std::vector<KernelUse>& kernels) {
  Times sum;
  for (const KernelUse& use : kernels) {
    Times each = time(use.op);
    if (use.floor) {
      const Times least = time(smallest(use.op));
      each.schedule += *use.floor - least.schedule;
      each.bound += *use.floor;
    }
    sum.schedule += use.times * each.schedule;
    sum.bound += use.times * each.bound;
    sum.alone += use.times * each.alone;
  }
  return sum;
}

// One machine as its card says it is, and without what was fitted.
struct Predictor::Machine {
  struct Half {
    System system;
    std::unique_ptr<KernelTimer> kernels;
    std::string run;  // what `steps` is loaded with
    std::unique_ptr<StepTimer> steps;
  };
  std::unique_ptr<Processor> processor;
  Half calibrated, datasheet;
  bool is_calibrated = false, has_datasheet = true;

  KernelTimer& kernels(Half& half) const {
    if (half.kernels == nullptr) {
      half.kernels = std::make_unique<KernelTimer>(half.system, *processor);
    }
    return *half.kernels;
  }
  StepTimer& steps(Half& half, const Model& model, const StepRun& run) const {
    Need need;
    need.sequences = run.batch;
    need.context = run.whole_generation ? run.prompt + run.output : run.prompt + run.output / 2 + 1;
    need.step_tokens = run.whole_generation ? run.batch * run.prompt : run.batch;
    const std::string key = run.model + to_text(run.plan) + std::to_string(need.sequences) + "," +
                            std::to_string(need.context) + "," + std::to_string(need.step_tokens) +
                            (run.sampling == Sampling::plain ? "plain" : "sorted");
    if (half.run != key) {
      half.run.clear();
      LowerOptions options;
      options.sampling = run.sampling;
      half.steps = std::make_unique<StepTimer>(model, half.system, *processor, run.plan, need, options);
      half.run = key;
    }
    if (!half.steps->fits()) {
      throw CannotPredict(run.model + " does not fit with so many sequences");
    }
    return *half.steps;
  }
};

Predictor::Predictor(const ProcessorRegistry& processors) : processors_(processors) {}
Predictor::~Predictor() = default;

Predictor::Machine& Predictor::machine(const Measurement& measurement) {
  std::unique_ptr<Machine>& machine = machines_[{measurement.system, measurement.changes}];
  if (machine == nullptr) {
    OpenSystem open = open_system(measurement.system, processors_);
    auto made = std::make_unique<Machine>();
    made->processor = std::move(open.processor);
    made->is_calibrated = open.system.chip().is_calibrated();
    made->datasheet.system = open.system;
    for (Pool& pool : made->datasheet.system.pools) {
      pool.chip = pool.chip.without_calibration();
    }
    made->calibrated.system = std::move(open.system);
    for (Machine::Half* half : {&made->calibrated, &made->datasheet}) {
      for (Pool& pool : half->system.pools) {
        apply(measurement.changes, measurement, pool.chip);
      }
    }
    try {
      made->processor->check(made->datasheet.system);
    } catch (const ConfigError&) {
      made->has_datasheet = false;
    }
    machine = std::move(made);
  }
  return *machine;
}

const Model& Predictor::model(const std::string& name) {
  const auto found = models_.find(name);
  return found != models_.end() ? found->second : models_.emplace(name, read_model(name)).first->second;
}

Prediction Predictor::predict(const Measurement& measurement) {
  Machine& on = machine(measurement);
  Prediction prediction;
  if (const auto* kernels = std::get_if<std::vector<KernelUse>>(&measurement.what)) {
    const KernelTimer::Times times = on.kernels(on.calibrated).time(*kernels);
    prediction = {times.schedule.value, times.schedule.value, times.bound.value, times.alone};
    if (!on.has_datasheet) {
      prediction.datasheet.reset();
    } else if (on.is_calibrated) {
      prediction.datasheet = on.kernels(on.datasheet).time(*kernels).schedule.value;
    }
    return prediction;
  }
  const StepRun& run = std::get<StepRun>(measurement.what);
  const Model& of = model(run.model);
  const Answer calibrated = answer(run, measurement.quantity, on.steps(on.calibrated, of, run));
  prediction = {calibrated.value, calibrated.value, calibrated.bound, {}};
  if (!on.has_datasheet) {
    prediction.datasheet.reset();
  } else if (on.is_calibrated) {
    prediction.datasheet = answer(run, measurement.quantity, on.steps(on.datasheet, of, run)).value;
  }
  return prediction;
}

}  // namespace memwall
