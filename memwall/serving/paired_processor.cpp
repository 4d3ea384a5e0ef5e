#include "memwall/serving/paired_processor.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/model/model_parts.h"
#include "memwall/program/append_program.h"
#include "memwall/serving/paired_plan.h"

namespace memwall {
namespace {

constexpr double kCrossingBytes = 2;  // a value of the hidden vector: bf16 between pools
constexpr int kMicroBatches[] = {1, 2, 4};

// One pool as a system of its own, with `count` chips of it.
System pool_system(const System& system, PoolRole role, int count = 0) {
  const auto pool = std::find_if(system.pools.begin(), system.pools.end(),
                                 [role](const Pool& each) { return each.role == role; });
  System alone;
  alone.name = system.name + " " + std::string(name(role));
  alone.title = pool->chip.title;
  alone.file = system.file;
  alone.facts = Chip{};
  alone.facts.file = system.file;
  alone.pools = {*pool};
  alone.pools.front().role = PoolRole::everything;
  alone.pools.front().count = count > 0 ? count : pool->count;
  return alone;
}
System attention_system(const System& system) { return pool_system(system, PoolRole::attention); }
System ffn_system(const System& system) { return pool_system(system, PoolRole::ffn); }

struct Crossing {
  Seconds latency;
  BytesPerSecond bandwidth;
  JoulesPerByte energy;
};
Crossing read_crossing(const System& system) {
  return {system.facts.get<Seconds>("crossing.latency"),
          system.facts.get<BytesPerSecond>("crossing.bandwidth"),
          system.facts.get<JoulesPerByte>("crossing.energy")};
}

// The share of a step's sequences that is micro-batch `index` of `count`.
Step micro_batch(const Step& step, int index, int count) {
  Step part{{}, step.routing};
  for (const Slice& slice : step.slices) {
    const std::int64_t begin = slice.count * index / count, end = slice.count * (index + 1) / count;
    if (end > begin) {
      part.slices.push_back({end - begin, slice.new_tokens, slice.past_tokens});
    }
  }
  return part;
}

bool prefills(const Step& step) {
  return std::any_of(step.slices.begin(), step.slices.end(),
                     [](const Slice& slice) { return slice.new_tokens > 1; });
}

// Experts are only divided where there are some.
Plan plan_for(const Model& part, Plan plan) {
  bool has_experts = false;
  for_each_operator(part, [&](const Operator& op, std::int64_t) {
    has_experts = has_experts || std::holds_alternative<Experts>(op.shape);
  });
  plan.ep = has_experts ? plan.ep : 1;
  return plan;
}

// A part of a model placed and loaded on a pool that has room for the whole.
std::unique_ptr<PlacedModel> load_part(const Processor& processor, const Model& part, const System& pool,
                                       const Plan& plan, const LowerOptions& options) {
  return processor.load(part, pool, processor.place(part, pool, plan_for(part, plan), Need{}), options);
}

class PairedModel : public PlacedModel {
 public:
  struct Layers {  // one run of a group's operators
    std::string name;
    std::int64_t repeat = 1;
    std::unique_ptr<PlacedModel> attention, ffn;  // null: the group has none
  };

  std::string attention_name, ffn_name;  // of the chips
  double hidden = 0;
  Crossing crossing;
  int micro_batches = 2;
  double ffn_stages = 1;
  std::unique_ptr<PlacedModel> whole, prologue, epilogue;  // on the attention pool
  std::vector<Layers> layers;

  void lower(const Step& step, Program& program) const override {
    if (prefills(step)) {
      whole->lower(step, program);
      return;
    }
    Lowering lowering(*this, program);
    for (int index = 0; index < micro_batches; ++index) {
      const Step part = micro_batch(step, index, micro_batches);
      if (!part.slices.empty()) {
        lowering.add_micro_batch(part, micro_batches > 1 ? fmt::format(".{}", index + 1) : "");
      }
    }
    program.static_power = lowering.static_power();
  }

 private:
  // Appends one micro-batch after another; the Programs of both pools are only needed while it does.
  class Lowering {
   public:
    Lowering(const PairedModel& model, Program& program) : model_(model), builder_(program) {
      Resource latency;
      latency.name = "crossing_latency";
      latency.is_delay = true;
      latency.peak_rate = latency.sustained_rate = 1 / model.crossing.latency.value;
      latency.category = Category::communication;
      latency_ = builder_.add_resource(latency);
      for (const auto& [name, index] : {std::pair{"to_ffn", &to_ffn_}, std::pair{"to_attention", &back_}}) {
        Resource link;
        link.name = name;
        link.amount = Amount::bytes;
        link.peak_rate = link.sustained_rate = model.crossing.bandwidth.value;
        link.energy_per_amount = Joules(model.crossing.energy.value);
        link.category = Category::communication;
        *index = builder_.add_resource(link);
      }
    }

    void add_micro_batch(const Step& step, const std::string& suffix) {
      std::vector<std::int32_t> after = {builder_.open_block("prologue" + suffix, 1, {})};
      append(*model_.prologue, step, model_.attention_name, {});
      const double bytes = static_cast<double>(step.sequences()) * model_.hidden * kCrossingBytes;
      for (const Layers& layers : model_.layers) {
        after = {builder_.open_block(layers.name + suffix, layers.repeat, after)};
        Frontier frontier;
        if (layers.attention != nullptr) {
          frontier = append(*layers.attention, step, model_.attention_name, frontier);
        }
        if (layers.ffn != nullptr) {
          frontier = cross(to_ffn_, bytes, frontier);
          frontier = append(*layers.ffn, step, model_.ffn_name, frontier);
          cross(back_, bytes, frontier);
        }
      }
      builder_.open_block("epilogue" + suffix, 1, after);
      append(*model_.epilogue, step, model_.attention_name, {});
    }

    Watts static_power() const { return attention_power_ + model_.ffn_stages * ffn_power_; }

   private:
    Frontier append(const PlacedModel& placed, const Step& step, const std::string& pool,
                    const Frontier& frontier) {
      part_.power = {};  // of the other pool
      placed.lower(step, part_);
      Watts& power = pool == model_.attention_name ? attention_power_ : ffn_power_;
      // At full clock all the time: the side that waits for the other is not known to rest.
      power = std::max(power, part_.static_power + part_.power.clocked);
      return builder_.append(part_, pool, frontier);
    }
    Frontier cross(std::int32_t link, double bytes, const Frontier& frontier) {
      Task task;
      add_demand(task, latency_, Category::communication, 0, 1);
      add_demand(task, link, Category::communication, bytes, bytes);
      return builder_.append(task, "crossing", frontier);
    }

    const PairedModel& model_;
    ProgramBuilder builder_;
    Program part_;
    std::int32_t latency_ = 0, to_ffn_ = 0, back_ = 0;
    Watts attention_power_, ffn_power_;
  };
};

class PairedProcessor : public Processor {
 public:
  PairedProcessor(std::unique_ptr<Processor> attention, std::unique_ptr<Processor> ffn)
      : attention_(std::move(attention)), ffn_(std::move(ffn)) {}

  void check(const System& system) const override {
    attention_->check(attention_system(system));
    ffn_->check(ffn_system(system));
    read_crossing(system);
  }

  std::vector<Plan> candidate_plans(const Model& model, const System& system) const override {
    const std::optional<Plan> ffn = ffn_plan(model, system, Need{});
    std::vector<Plan> plans;
    for (const Plan& plan : attention_->candidate_plans(model, attention_system(system))) {
      if (plan.pp == 1 && plan.mode.empty()) {
        for (const int micro : kMicroBatches) {
          plans.push_back(ffn ? to_plan({plan, ffn, micro}) : plan);
        }
      }
    }
    return plans;
  }

  Placement place(const Model& model, const System& system, const Plan& plan,
                  const Need& need) const override {
    PairedPlan paired = parse_paired_plan(plan);
    if (paired.attention.pp > 1) {
      throw ConfigError("plan", quoted(to_text(plan)), "no pipeline in the attention pool");
    }
    const System attention_pool = attention_system(system);
    Placement both = attention_->place(model, attention_pool, paired.attention, need);
    prefix_levels(both, attention_pool);
    paired.ffn = paired.ffn ? paired.ffn : ffn_plan(model, system, need);
    if (!paired.ffn) {
      both.fits = false;
      both.refusal = "no plan of the ffn pool divides the model";
      return both;
    }
    both.plan = to_plan(paired);
    const System ffn_pool = ffn_system(system);
    Placement ffn = ffn_->place(part_of(model, {OpRole::ffn}), ffn_pool, *paired.ffn, need);
    prefix_levels(ffn, ffn_pool);
    both.memory.insert(both.memory.end(), ffn.memory.begin(), ffn.memory.end());
    if (!ffn.fits) {
      both.refusal = (both.fits ? "" : both.refusal + "; ") + ("ffn pool: " + ffn.refusal);
      both.fits = false;
    }
    both.smallest_chips = 0;  // of two kinds of chips there is no such number
    return both;
  }

  std::unique_ptr<PlacedModel> load(const Model& model, const System& system, const Placement& placement,
                                    const LowerOptions& options) const override {
    const PairedPlan plan = parse_paired_plan(placement.plan);
    const System attention_pool = attention_system(system);
    const System stage = pool_system(system, PoolRole::ffn, plan.ffn->chips() / plan.ffn->pp);
    Plan stage_plan = *plan.ffn;
    stage_plan.pp = 1;
    const auto on_attention = [&](const Model& part) {
      return load_part(*attention_, part, attention_pool, plan.attention, options);
    };
    auto loaded = std::make_unique<PairedModel>();
    loaded->attention_name = attention_pool.chip().name;
    loaded->ffn_name = stage.chip().name;
    loaded->hidden = static_cast<double>(model.hidden_size);
    loaded->crossing = read_crossing(system);
    loaded->micro_batches = plan.micro_batches;
    loaded->ffn_stages = plan.ffn->pp;
    loaded->whole = on_attention(model);
    loaded->prologue = on_attention(prologue_of(model));
    loaded->epilogue = on_attention(epilogue_of(model));
    for (const LayerGroup& group : model.groups) {
      const Model run = one_run_of(model, group);
      const Model attention = part_of(run, {OpRole::attention}), ffn = part_of(run, {OpRole::ffn});
      PairedModel::Layers layers{group.name, group.repeat, nullptr, nullptr};
      layers.attention = attention.groups.empty() ? nullptr : on_attention(attention);
      layers.ffn = ffn.groups.empty() ? nullptr : load_part(*ffn_, ffn, stage, stage_plan, options);
      loaded->layers.push_back(std::move(layers));
    }
    return loaded;
  }

  std::vector<Figure> figures(const System& system) const override {
    std::vector<Figure> all;
    const auto add = [&](const Processor& processor, const System& pool) {
      for (Figure figure : processor.figures(pool)) {
        figure.name = pool.chip().name + "." + figure.name;
        all.push_back(std::move(figure));
      }
    };
    add(*attention_, attention_system(system));
    add(*ffn_, ffn_system(system));
    return all;
  }

  std::unique_ptr<KernelLowering> open_kernels(const System& system,
                                               const LowerOptions& options) const override {
    return attention_->open_kernels(attention_system(system), options);
  }

 private:
  static void prefix_levels(Placement& placement, const System& pool) {
    for (MemoryUse& use : placement.memory) {
      use.level = pool.chip().name + "." + use.level;
    }
  }

  // The first of the ffn pool's own candidates that holds the weights, or the first of all.
  std::optional<Plan> ffn_plan(const Model& model, const System& system, const Need& need) const {
    const Model part = part_of(model, {OpRole::ffn});
    const System pool = ffn_system(system);
    const std::vector<Plan> candidates = ffn_->candidate_plans(part, pool);
    for (const Plan& plan : candidates) {
      if (plan.mode.empty() && ffn_->place(part, pool, plan, need).fits) {
        return plan;
      }
    }
    return candidates.empty() ? std::nullopt : std::optional(candidates.front());
  }

  std::unique_ptr<Processor> attention_, ffn_;
};

}  // namespace

bool is_paired(const System& system) {
  const auto count = [&](PoolRole role) {
    return std::count_if(system.pools.begin(), system.pools.end(),
                         [role](const Pool& pool) { return pool.role == role; });
  };
  return system.pools.size() == 2 && count(PoolRole::attention) == 1 && count(PoolRole::ffn) == 1;
}

std::unique_ptr<Processor> make_paired_processor(std::unique_ptr<Processor> attention,
                                                 std::unique_ptr<Processor> ffn) {
  return std::make_unique<PairedProcessor>(std::move(attention), std::move(ffn));
}

}  // namespace memwall
