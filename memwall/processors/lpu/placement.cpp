#include "memwall/processors/lpu/placement.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/processors/lpu/shard.h"

namespace memwall {
namespace {

constexpr int kMostChipsPerStage = 64;  // eight nodes: beyond, an exchange costs more than it saves

double real(std::int64_t value) { return static_cast<double>(value); }

struct Amounts {
  Bytes weights, kv;  // kv: of one sequence
  Bytes total(double sequences) const { return weights + kv * sequences; }
};

// One run of a list of operators on one chip.
Amounts amounts_of(const std::vector<Operator>& operators, int tp, double context) {
  Amounts amounts;
  for (std::size_t i = 0; i < operators.size(); ++i) {
    amounts.weights += lpu_weight_bytes(operators, i, tp);
    amounts.kv += lpu_kv_bytes(operators[i], tp, context);
  }
  return amounts;
}

Bytes head_bytes(const Model& model) {
  Bytes bytes;
  for (const Operator& op : model.epilogue) {
    if (const Linear* linear = std::get_if<Linear>(&op.shape)) {
      bytes += bytes_of(real(linear->n) * real(linear->k), linear->weight);
    }
  }
  return bytes;
}

// What the fullest chip holds.
Amounts fullest_chip(const Model& model, const LpuCard& card, const Plan& plan, double context,
                     double sequences) {
  const LpuStages stages = lpu_stages(model, card, plan);
  std::vector<Amounts> of_group;
  for (const LayerGroup& group : model.groups) {
    of_group.push_back(amounts_of(group.operators, plan.tp, context));
  }
  const Bytes head = head_bytes(model) / plan.tp;
  Amounts fullest;
  std::size_t group = 0;
  std::int64_t left = model.groups.front().repeat;
  for (int stage = 0; stage < stages.layers; ++stage) {
    Amounts here;
    for (std::int64_t run = stages.first_run(stage); run < stages.first_run(stage + 1); ++run) {
      while (left == 0) {
        left = model.groups[++group].repeat;
      }
      --left;
      here.weights += of_group[group].weights;
      here.kv += of_group[group].kv;
    }
    if (stage + 1 == stages.layers && stages.head == 0) {
      here.weights += head;
    }
    if (here.total(sequences) > fullest.total(sequences)) {
      fullest = here;
    }
  }
  if (stages.head > 0 && head / stages.head > fullest.total(sequences)) {
    fullest = {head / stages.head, Bytes(0)};
  }
  return fullest;
}

double sequences_per_copy(const Need& need, const Plan& plan) {
  return std::ceil(real(need.sequences) / plan.dp);
}

bool holds(const Model& model, const LpuCard& card, const Plan& plan, const Need& need) {
  const double sequences = sequences_per_copy(need, plan);
  return fullest_chip(model, card, plan, real(need.context), sequences).total(sequences) <=
         card.capacity * card.usable;
}

// More stages never hold less: halve the interval for each tp.
int smallest_chips(const Model& model, const LpuCard& card, const Need& need) {
  int least = 0;
  for (int tp = 1; tp <= kMostChipsPerStage; tp *= 2) {
    Plan plan;
    plan.tp = tp;
    plan.pp = (1 << 20) / tp;  // so many that every layer and part of the head has its own stage
    int high = static_cast<int>(layer_runs(model)) + lpu_stages(model, card, plan).head;
    const auto fits = [&](int pp) {
      plan.pp = pp;
      return holds(model, card, plan, need);
    };
    if (!fits(high)) {
      continue;
    }
    int low = 1;
    while (low < high) {
      const int middle = low + (high - low) / 2;
      (fits(middle) ? high : low) = fits(middle) ? middle : middle + 1;
    }
    if (least == 0 || tp * high < least) {
      least = tp * high;
    }
  }
  return least;
}

void check_plan(const Model& model, const System& system, const LpuCard& card, const Plan& plan) {
  if (plan.chips() > system.chips()) {
    throw ConfigError("plan", to_text(plan),
                      fmt::format("at most the {} chips of {}", system.chips(), system.name));
  }
  if (plan.ep != 1 || !plan.mode.empty()) {
    throw ConfigError("plan", to_text(plan), "no ep and no mode: experts are divided over tp");
  }
  if (plan.tp > kMostChipsPerStage || (plan.tp > card.links.node && card.links.global == 0)) {
    throw ConfigError(
        "plan", to_text(plan),
        fmt::format("tp of at most {}", card.links.global == 0 ? card.links.node : kMostChipsPerStage));
  }
  const LpuStages stages = lpu_stages(model, card, plan);
  if (stages.layers > stages.runs) {
    throw ConfigError("plan", to_text(plan),
                      fmt::format("at most {} stages: {} with layers and {} with the output matrix",
                                  stages.runs + stages.head, stages.runs, stages.head));
  }
}

}  // namespace

std::vector<Plan> lpu_plans(const Model& model, const System& system, const LpuCard& card) {
  std::vector<Plan> plans;
  for (int tp = 1; tp <= std::min(system.chips(), kMostChipsPerStage); tp *= 2) {
    if (tp > card.links.node && card.links.global == 0) {
      break;
    }
    Plan plan;
    plan.tp = tp;
    plan.pp = system.chips() / tp;
    const int useful = static_cast<int>(layer_runs(model)) + lpu_stages(model, card, plan).head;
    plan.pp = std::min(plan.pp, useful);
    for (; plan.pp >= 1; plan.pp /= 2) {
      plan.dp = system.chips() / (plan.tp * plan.pp);
      plans.push_back(plan);
    }
  }
  return plans;
}

Placement place_on_lpus(const Model& model, const System& system, const LpuCard& card, const Plan& plan,
                        const Need& need) {
  check_plan(model, system, card, plan);
  Placement placement;
  placement.plan = plan;
  const double sequences = sequences_per_copy(need, plan);
  const Amounts fullest = fullest_chip(model, card, plan, real(need.context), sequences);
  MemoryUse use;
  use.level = "sram";
  use.capacity = card.capacity * card.usable;
  use.weights = fullest.weights;
  use.kv = fullest.kv * sequences;
  placement.memory = {use};
  placement.fits = use.shortfall() == Bytes(0);
  placement.smallest_chips = smallest_chips(model, card, need);
  if (!placement.fits) {
    placement.refusal = "sram short by " + to_text(use.shortfall()) + " per chip";
  }
  // Tokens beside the weights, on the chip that has least room for them.
  const Bytes room = use.capacity - use.weights;
  if (room > Bytes(0) && fullest.kv > Bytes(0)) {
    const double per_token = fullest.kv.value / real(need.context);
    placement.kv_capacity_tokens = static_cast<std::int64_t>(room.value / per_token) * plan.dp;
  }
  return placement;
}

}  // namespace memwall
