#include "memwall/validation/machine.h"

#include <algorithm>

#include "memwall/economics/cost_figures.h"
#include "memwall/model/read_model.h"
#include "memwall/program/power_limit.h"

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

// Requests of one task choose some experts more often than others (AIConfigurator times its layers with power
// laws for that reason). The exponent is the one with which ML.ENERGY's steps of gpt-oss with 8 to 64
// sequences come closest. Where experts are spread over chips an engine pads the batch of every chip for its
// graph, and what it pads with chooses evenly.
Routing served_routing(const StepRun& run, const Model& model) {
  constexpr double kServedSkew = 0.7;
  Routing routing;
  if (run.plan.ep <= 1) {
    routing.kind = Routing::Kind::power_law;
    routing.exponent = kServedSkew;
    solve(routing, model);
  }
  return routing;
}

std::int64_t prefills_together(const StepRun& run) {
  return std::max<std::int64_t>(1, (run.batch + run.output / 2) / run.output);
}

}  // namespace

const Model& ModelShelf::get(const std::string& name) {
  const auto found = models_.find(name);
  if (found != models_.end()) {
    return found->second;
  }
  const std::size_t at = std::min(name.find('@'), name.size()),
                    slash = std::min(name.find('/', at), name.size());
  const auto format = [&](std::size_t begin, std::size_t end) {
    const std::optional<Format> of = find_format(name.substr(begin + 1, end - begin - 1));
    if (!of) {
      throw ConfigError("model", quoted(name),
                        "CARD@WEIGHTS or CARD@WEIGHTS/CACHE with number formats such as fp8");
    }
    return *of;
  };
  ModelOptions options;
  if (at < name.size()) {
    options.weight_format = format(at, slash);
  }
  if (slash < name.size()) {
    options.kv_format = format(slash, name.size());
  }
  return models_.emplace(name, read_model(name.substr(0, at), options)).first->second;
}

Machine::Machine(System system, const Processor& processor)
    : system_(std::move(system)), processor_(processor) {
  processor_.check(system_);
}

Machine::Answer Machine::run(const Measurement& measurement, ModelShelf& models) {
  if (const auto* kernels = std::get_if<std::vector<KernelUse>>(&measurement.what)) {
    return run(*kernels);
  }
  if (const auto* figure = std::get_if<FigureOf>(&measurement.what)) {
    return run(*figure, measurement.where);
  }
  const StepRun& step = std::get<StepRun>(measurement.what);
  return run(step, measurement.quantity, models.get(step.model));
}

Machine::Answer Machine::run(const FigureOf& wanted, const Location& where) {
  if (!figures_) {
    figures_ = processor_.figures(system_);
    const std::vector<Figure> costs = cost_figures(system_);
    figures_->insert(figures_->end(), costs.begin(), costs.end());
  }
  const std::vector<Figure>& figures = *figures_;
  const auto found = std::find_if(figures.begin(), figures.end(),
                                  [&](const Figure& each) { return each.name == wanted.name; });
  if (found == figures.end()) {
    throw ConfigError(where, "figure", quoted(wanted.name),
                      "one of `memwall explain figures --system " + system_.name + "` or of its costs");
  }
  if (found->unit != wanted.unit) {
    throw ConfigError(where, "unit", quoted(wanted.unit), quoted(found->unit) + ", the figure's own");
  }
  return {found->value, std::nullopt, {}};
}

Machine::Answer Machine::run(const KernelOp& op, bool is_steady) {
  if (kernels_ == nullptr) {
    kernels_ = processor_.open_kernels(system_, {});
  }
  kernels_->lower(op, program_);
  const Seconds time = (is_steady ? run_within_power(program_, clock_) : clock_.run(program_)).time;
  return {time.value, bound_time(program_).time.value, time};
}

Machine::Answer Machine::run(const std::vector<KernelUse>& kernels) {
  Answer sum{0, 0, {}};
  for (const KernelUse& use : kernels) {
    Answer each = run(use.op, use.is_steady);
    if (use.floor) {
      each.value += use.floor->value - run(smallest(use.op), false).value;
    }
    if (use.host) {
      each.value = std::max(each.value, use.host->value);
    }
    sum.value += use.times * each.value;
    *sum.bound += use.times * *each.bound;
    sum.alone += use.times * each.alone;
  }
  return sum;
}

StepTimer& Machine::steps(const StepRun& run, const Model& model) {
  Need need;
  need.sequences = run.batch;
  need.context = run.kind == StepRun::Kind::generation ? run.prompt + run.output : run.mean_context() + 1;
  need.step_tokens = run.kind == StepRun::Kind::generation ? run.batch * run.prompt
                     : run.kind == StepRun::Kind::serving  ? run.batch + prefills_together(run) * run.prompt
                                                           : run.batch;
  const std::string key = run.model + " " + to_text(run.plan) + " " + std::to_string(need.sequences) + "," +
                          std::to_string(need.context) + "," + std::to_string(need.step_tokens) +
                          std::to_string(static_cast<int>(run.sampling));
  if (loaded_ != key) {
    loaded_.clear();
    LowerOptions options;
    options.sampling = run.sampling;
    steps_ = std::make_unique<StepTimer>(model, system_, processor_, run.plan, need, options);
    loaded_ = key;
  }
  if (!steps_->fits()) {
    throw CannotPredict(run.model + " does not fit with so many sequences");
  }
  return *steps_;
}

Machine::Answer Machine::run(const StepRun& run, MeasuredQuantity quantity, const Model& model) {
  StepTimer& timer = steps(run, model);
  const double batch = static_cast<double>(run.batch), further = static_cast<double>(run.output - 1);
  const Routing routing = served_routing(run, model);
  const Step decode{{{run.batch, 1, run.mean_context()}}, routing};
  const Ledger step = timer.ledger(decode);
  if (run.kind == StepRun::Kind::generation) {
    const Step prefill{{{run.batch, run.prompt, 0}}, routing};
    return {(timer.time(prefill) + further * step.time).value,
            (timer.bound(prefill) + further * step.bound).value,
            {}};
  }
  if (run.kind == StepRun::Kind::serving) {
    // Prefills ride on decode steps, as many together as fall due in one, in that share of the steps.
    const double due = batch / static_cast<double>(run.output);
    const std::int64_t together = prefills_together(run);
    const double share = due / static_cast<double>(together);
    const Ledger mixed =
        timer.ledger(Step{{{run.batch, 1, run.mean_context()}, {together, run.prompt, 0}}, routing});
    const Seconds time = step.time + share * (mixed.time - step.time);
    const Joules energy = step.energy() + share * (mixed.energy() - step.energy());
    switch (quantity) {
      case MeasuredQuantity::power:
        return {(energy / time).value, std::nullopt, {}};
      case MeasuredQuantity::energy_per_token:
        return {energy.value / batch, std::nullopt, {}};
      case MeasuredQuantity::time:
      case MeasuredQuantity::throughput:
      case MeasuredQuantity::figure:
        break;
    }
    return {time.value, (step.bound + share * (mixed.bound - step.bound)).value, {}};
  }
  switch (quantity) {
    case MeasuredQuantity::time:
      return {step.time.value, step.bound.value, {}};
    case MeasuredQuantity::power:
      return {(step.energy() / step.time).value, std::nullopt, {}};
    case MeasuredQuantity::energy_per_token:
      return {step.energy().value / batch, std::nullopt, {}};
    case MeasuredQuantity::throughput:
    case MeasuredQuantity::figure:
      break;
  }
  const double users = batch * timer.batches_in_flight();
  return {users / step.time.value, users / step.bound.value, {}};
}

}  // namespace memwall
