#include "memwall/serving/toy_processor.h"

#include "memwall/core/error.h"

namespace memwall {
namespace {

class ToyLoaded : public PlacedModel {
 public:
  ToyLoaded(const Model& model, const Chip& chip, const Plan& plan, double batches_in_flight)
      : model_(model), chip_(chip), plan_(plan), batches_in_flight_(batches_in_flight) {}

  void lower(const Step& step, Program& program) const override {
    const double chips = plan_.chips();
    double cached = 0;
    for (const Slice& slice : step.slices) {
      cached += static_cast<double>(slice.count * slice.past_tokens);
    }
    const double weights = weight_bytes(model_).value / chips;
    const double kv = cached * kv_bytes_per_token(model_).value / chips;
    const double ops = 2.0 * static_cast<double>(parameters(model_).active * step.new_tokens()) / chips;

    program = Program{};
    const double bandwidth = chip_.get<BytesPerSecond>("memory.bandwidth").value;
    const double rate = chip_.get<OpsPerSecond>("compute.rate").value;
    const double launches = 1 / chip_.get<Seconds>("launch").value;
    program.resources = {
        {"memory", Amount::bytes, false, bandwidth, bandwidth, Joules(1e-12), Category::weights},
        {"compute", Amount::ops, false, rate, rate, Joules(0), Category::arithmetic},
        {"launch", Amount::messages, true, launches, launches, Joules(0), Category::overhead}};
    program.labels = {"step"};
    Task task;
    add_demand(task, 0, Category::weights, weights, weights);
    if (kv > 0) {
      add_demand(task, 0, Category::kv, kv, kv);
    }
    add_demand(task, 1, Category::arithmetic, ops, ops);
    add_demand(task, 2, Category::overhead, 0, 1);
    program.blocks = {{"step", 1, {task}, {}}};
    program.replicas = chips;
    program.static_power = Watts(100 * chips);
  }
  double batches_in_flight() const override { return batches_in_flight_; }

 private:
  Model model_;
  Chip chip_;
  Plan plan_;
  double batches_in_flight_;
};

class ToyKernels : public KernelLowering {
 public:
  explicit ToyKernels(ToyLoaded loaded) : loaded_(std::move(loaded)) {}
  void lower(const KernelOp&, Program& program) const override {
    loaded_.lower(Step{{Slice{}}, {}}, program);
  }

 private:
  ToyLoaded loaded_;
};

}  // namespace

std::vector<Plan> ToyProcessor::candidate_plans(const Model&, const System& system) const {
  std::vector<Plan> plans;
  for (int tp = 1; tp <= system.chips(); tp *= 2) {
    plans.push_back(Plan{tp, 1, 1, 1, ""});
  }
  return plans;
}

Placement ToyProcessor::place(const Model& model, const System& system, const Plan& plan,
                              const Need& need) const {
  if (plan.chips() > system.chips()) {
    throw ConfigError("plan", to_text(plan), "at most " + std::to_string(system.chips()) + " chips");
  }
  MemoryUse use;
  use.level = "memory";
  use.capacity = system.chip().get<Bytes>("memory.capacity");
  use.weights = weight_bytes(model) / plan.chips();
  const double tokens = static_cast<double>(need.sequences * need.context);
  use.kv = tokens * kv_bytes_per_token(model) / plan.chips();
  Placement placement;
  placement.plan = plan;
  placement.memory = {use};
  placement.fits = use.shortfall().value == 0;
  if (!placement.fits) {
    placement.refusal = "memory too small";
    while ((use.weights + use.kv) * plan.chips() > use.capacity * ++placement.smallest_chips) {
    }
  }
  placement.kv_capacity_tokens =
      static_cast<std::int64_t>((use.capacity - use.weights) * plan.chips() / kv_bytes_per_token(model));
  return placement;
}

std::unique_ptr<PlacedModel> ToyProcessor::load(const Model& model, const System& system,
                                                const Placement& placement, const LowerOptions&) const {
  return std::make_unique<ToyLoaded>(model, system.chip(), placement.plan, batches_in_flight_);
}

std::unique_ptr<KernelLowering> ToyProcessor::open_kernels(const System& system, const LowerOptions&) const {
  return std::make_unique<ToyKernels>(ToyLoaded(toy_model(), system.chip(), Plan{}, 1));
}

Fact toy_fact(const std::string& key, double value, const Dimension& dimension) {
  Fact made;
  made.key = key;
  made.value = value;
  made.dimension = dimension;
  made.has_unit = true;
  made.text = key;
  made.source = "toy";
  return made;
}

System toy_system(int count) {
  Pool pool;
  pool.count = count;
  pool.chip.name = "toy";
  pool.chip.family = "toy";
  for (const Fact& each : {toy_fact("memory.capacity", 100e9, dimension_of(Bytes{})),
                           toy_fact("memory.bandwidth", 1e12, dimension_of(BytesPerSecond{})),
                           toy_fact("compute.rate", 100e12, dimension_of(OpsPerSecond{}))}) {
    pool.chip.facts[each.key] = each;
  }
  Fact launch = toy_fact("launch", 10e-6, dimension_of(Seconds{}));
  launch.source.clear();
  launch.estimate = "as others";
  launch.low = 5e-6;
  launch.high = 20e-6;
  pool.chip.facts["launch"] = launch;
  Fact unused = launch;
  unused.key = "unused";
  pool.chip.facts["unused"] = unused;
  System system;
  system.name = "toys";
  system.title = "Toys";
  system.pools = {pool};
  return system;
}

Model toy_model() {
  Model model;
  model.name = "toy-model";
  model.architecture = "toy";
  model.hidden_size = 1000;
  model.num_hidden_layers = 1000;
  model.vocab_size = 1;
  Attention attention;
  attention.heads = attention.kv_heads = 1;
  attention.qk_dim = attention.v_dim = 128;
  model.groups = {{"layer",
                   1000,
                   1,
                   {{"linear", OpRole::ffn, TensorSplit::columns, Linear{.n = 1000, .k = 1000}},
                    {"attention", OpRole::attention, TensorSplit::heads, attention}}}};
  return model;
}

}  // namespace memwall
