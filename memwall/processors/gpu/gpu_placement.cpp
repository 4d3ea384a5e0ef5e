#include "memwall/processors/gpu/gpu_placement.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

constexpr double kActivationBytes = 2;  // bf16
constexpr double kLogitBytes = 4;       // fp32

std::int64_t total_repeats(const Model& model) {
  std::int64_t repeats = 0;
  for (const LayerGroup& group : model.groups) {
    repeats += group.repeat;
  }
  return repeats;
}

[[noreturn]] void refuse(const char* degree, int value, const std::string& expected) {
  throw ConfigError(degree, std::to_string(value), expected);
}

// Cache bytes of one operator on one chip for one sequence of `tokens` tokens.
double kv_bytes_per_chip(const Operator& op, const Plan& plan, double tokens) {
  const Attention* attention = std::get_if<Attention>(&op.shape);
  if (attention == nullptr) {
    return 0;
  }
  const double kept =
      attention->window > 0 ? std::min(tokens, static_cast<double>(attention->window)) : tokens;
  const double values = static_cast<double>(attention->kv_values_per_token());
  const double copies =
      attention->is_latent() ? 1 : std::min<double>(plan.tp, static_cast<double>(attention->kv_heads));
  return kept * bytes_of(values / copies, attention->kv).value;
}

// Widest input plus output of an operator on one chip, per token: with the residual stream, what a step keeps
// alive.
double live_values(const Operator& op, const Plan& plan) {
  if (const Linear* linear = std::get_if<Linear>(&op.shape)) {
    const double n = static_cast<double>(linear->n), k = static_cast<double>(linear->k);
    return op.split == TensorSplit::rows ? k / plan.tp + n
                                         : k + n / (op.split == TensorSplit::columns ? plan.tp : 1);
  }
  if (const Experts* experts = std::get_if<Experts>(&op.shape)) {
    // A token's copies for its experts, spread over the chips.
    const double per_pair =
        static_cast<double>(2 * experts->width) +
        static_cast<double>(experts->intermediate * (experts->gated ? 2 : 1)) / expert_tp(plan);
    return static_cast<double>(experts->experts_per_token) * per_pair * plan.dp / plan.ep;
  }
  return 0;
}

double stage_weights(const Model& model, const Plan& plan, const std::vector<StagePart>& parts, bool first,
                     bool last) {
  double bytes = 0;
  for (const StagePart& part : parts) {
    for (const Operator& op : model.groups[part.group].operators) {
      bytes += static_cast<double>(part.repeat) * weight_bytes_per_chip(op, plan).value;
    }
  }
  for (const Operator& op : model.prologue) {
    bytes += first ? weight_bytes_per_chip(op, plan).value : 0;
  }
  for (const Operator& op : model.epilogue) {
    const Linear* head = std::get_if<Linear>(&op.shape);
    // A tied head on another stage than the embedding needs a copy of its table.
    if (last && head != nullptr && head->tied && !first) {
      Operator copy = op;
      std::get<Linear>(copy.shape).tied = false;
      bytes += weight_bytes_per_chip(copy, plan).value;
    } else if (last) {
      bytes += weight_bytes_per_chip(op, plan).value;
    }
  }
  return bytes;
}

double stage_kv_per_sequence(const Model& model, const Plan& plan, const std::vector<StagePart>& parts,
                             double tokens) {
  double bytes = 0;
  for (const StagePart& part : parts) {
    for (const Operator& op : model.groups[part.group].operators) {
      bytes += static_cast<double>(part.repeat) * kv_bytes_per_chip(op, plan, tokens);
    }
  }
  return bytes;
}

double activation_bytes(const Model& model, const Plan& plan, const Need& need) {
  double live = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (op.role != OpRole::head) {
      live = std::max(live, live_values(op, plan));
    }
  });
  const double tokens = std::ceil(static_cast<double>(need.step_tokens) / plan.dp);
  const double sequences = std::ceil(static_cast<double>(need.sequences) / plan.dp);
  return tokens * (static_cast<double>(model.hidden_size) + live) * kActivationBytes +
         sequences * static_cast<double>(model.vocab_size) * kLogitBytes;
}

template <class Visit>
void for_each_divisor(std::int64_t number, Visit&& visit) {
  for (std::int64_t d = 1; d <= number; ++d) {
    if (number % d == 0) {
      visit(static_cast<int>(d));
    }
  }
}

bool divides(const Model& model, const Plan& plan, int system_chips) {
  try {
    check_plan(model, plan, system_chips);
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

bool has_experts(const Model& model) {
  bool found = false;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    found = found || std::holds_alternative<Experts>(op.shape);
  });
  return found;
}

constexpr int kMostTp = 128, kMostChips = 4096;

int smallest_chips(const GpuSpec& spec, const Model& model, const Need& need) {
  std::vector<Plan> plans;
  for_each_divisor(total_repeats(model), [&](int pp) {
    for (int tp = 1; tp <= kMostTp; ++tp) {
      Plan plan;
      plan.tp = tp;
      plan.pp = pp;
      if (tp * pp <= kMostChips && divides(model, plan, tp * pp)) {
        plans.push_back(plan);
      }
    }
  });
  std::stable_sort(plans.begin(), plans.end(),
                   [](const Plan& a, const Plan& b) { return a.chips() < b.chips(); });
  for (const Plan& plan : plans) {
    if (memory_use(spec, model, plan, need).shortfall() == Bytes(0)) {
      return plan.chips();
    }
  }
  return 0;
}

}  // namespace

std::vector<std::vector<StagePart>> stage_parts(const Model& model, int pp) {
  const std::int64_t per_stage = total_repeats(model) / pp;
  std::vector<std::vector<StagePart>> stages(static_cast<std::size_t>(pp));
  std::size_t group = 0;
  std::int64_t used = 0;
  for (std::vector<StagePart>& stage : stages) {
    std::int64_t wanted = per_stage;
    while (wanted > 0) {
      const std::int64_t taken = std::min(wanted, model.groups[group].repeat - used);
      stage.push_back({group, taken});
      wanted -= taken;
      used += taken;
      if (used == model.groups[group].repeat) {
        ++group;
        used = 0;
      }
    }
  }
  return stages;
}

Bytes weight_bytes_per_chip(const Operator& op, const Plan& plan) {
  const Bytes whole = weight_bytes(op);
  if (std::holds_alternative<Experts>(op.shape)) {
    return whole / (plan.tp * plan.dp);
  }
  return op.split == TensorSplit::replicated ? whole : whole / plan.tp;
}

void check_plan(const Model& model, const Plan& plan, int system_chips) {
  for (auto [degree, value] : {std::pair{"tp", plan.tp}, std::pair{"pp", plan.pp}, std::pair{"dp", plan.dp},
                               std::pair{"ep", plan.ep}}) {
    if (value < 1) {
      refuse(degree, value, "at least 1");
    }
  }
  if (!plan.mode.empty()) {
    throw ConfigError("mode", quoted(plan.mode), "no mode: a GPU keeps weights in HBM");
  }
  if (plan.chips() > system_chips) {
    throw ConfigError("plan", to_text(plan),
                      fmt::format("tp * pp * dp at most the system's {} chips", system_chips));
  }
  const std::int64_t repeats = total_repeats(model);
  if (repeats % plan.pp != 0) {
    refuse("pp", plan.pp, fmt::format("a divisor of the model's {} equal layer blocks", repeats));
  }
  const auto need_divisor = [&](const char* degree, int value, std::int64_t whole, const std::string& what) {
    if (whole % value != 0) {
      refuse(degree, value, fmt::format("a divisor of {} = {}", what, whole));
    }
  };
  bool experts_seen = false;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (const Attention* attention = std::get_if<Attention>(&op.shape)) {
      need_divisor("tp", plan.tp, attention->heads, "num_attention_heads");
      if (!attention->is_latent() && attention->kv_heads % plan.tp != 0 &&
          plan.tp % attention->kv_heads != 0) {
        refuse("tp", plan.tp,
               fmt::format("a divisor or multiple of num_key_value_heads = {}", attention->kv_heads));
      }
    } else if (const Linear* linear = std::get_if<Linear>(&op.shape);
               linear != nullptr && op.role == OpRole::ffn) {
      if (op.split == TensorSplit::rows) {
        need_divisor("tp", plan.tp, linear->k, "the width of " + op.name);
      }
    } else if (const Experts* experts = std::get_if<Experts>(&op.shape)) {
      experts_seen = true;
      need_divisor("ep", plan.ep, experts->num_experts, "num_experts");
      if ((plan.tp * plan.dp) % plan.ep != 0) {
        refuse("ep", plan.ep, fmt::format("a divisor of tp * dp = {}", plan.tp * plan.dp));
      }
      need_divisor("tp * dp / ep", expert_tp(plan), experts->intermediate, "the experts' intermediate size");
    }
  });
  if (!experts_seen && plan.ep > 1) {
    refuse("ep", plan.ep, "1 for a model without routed experts");
  }
}

std::string model_refusal(const GpuSpec& spec, const Model& model) {
  std::string refusal;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (!refusal.empty()) {
      return;
    }
    if (const Linear* linear = std::get_if<Linear>(&op.shape)) {
      refusal = format_refusal(spec, linear->weight, linear->activation);
    } else if (const Experts* experts = std::get_if<Experts>(&op.shape)) {
      refusal = format_refusal(spec, experts->weight, experts->activation);
    } else if (const Attention* attention = std::get_if<Attention>(&op.shape)) {
      refusal = format_refusal(spec, attention->activation, attention->activation);
    }
    if (!refusal.empty()) {
      refusal += " for " + op.name;
    }
  });
  return refusal;
}

MemoryUse memory_use(const GpuSpec& spec, const Model& model, const Plan& plan, const Need& need) {
  MemoryUse use;
  use.level = "hbm";
  use.capacity = spec.hbm_capacity - spec.reserve;
  const auto stages = stage_parts(model, plan.pp);
  const double sequences = std::ceil(static_cast<double>(need.sequences) / plan.dp);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const double weights = stage_weights(model, plan, stages[i], i == 0, i + 1 == stages.size());
    const double kv =
        sequences * stage_kv_per_sequence(model, plan, stages[i], static_cast<double>(need.context));
    if (weights + kv > (use.weights + use.kv).value) {
      use.weights = Bytes(weights);
      use.kv = Bytes(kv);
    }
  }
  use.activations = Bytes(activation_bytes(model, plan, need));
  return use;
}

Placement place_on_gpus(const GpuSpec& spec, const Model& model, const Plan& plan, const Need& need,
                        int system_chips) {
  check_plan(model, plan, system_chips);
  Placement placement;
  placement.plan = plan;
  placement.refusal = model_refusal(spec, model);
  const MemoryUse use = memory_use(spec, model, plan, need);
  placement.memory = {use};
  if (!placement.refusal.empty()) {
    return placement;
  }
  placement.smallest_chips = smallest_chips(spec, model, need);
  placement.fits = use.shortfall() == Bytes(0);
  if (!placement.fits) {
    placement.refusal = "hbm short by " + to_text(use.shortfall()) + " per chip";
  }
  // The tokens that the fullest stage can keep beside its weights, at the bytes per token of this context.
  const Bytes room = use.capacity - use.weights - use.activations;
  const double held =
      std::ceil(static_cast<double>(need.sequences) / plan.dp) * static_cast<double>(need.context);
  if (room > Bytes(0) && use.kv > Bytes(0)) {
    const double per_token = use.kv.value / held;
    placement.kv_capacity_tokens = static_cast<std::int64_t>(room.value / per_token) * plan.dp;
  }
  return placement;
}

std::vector<Plan> gpu_candidate_plans(const GpuSpec& spec, const Model& model, int system_chips) {
  std::vector<Plan> plans;
  const auto offer = [&](int tp, int pp, int dp, int ep) {
    Plan plan;
    plan.tp = tp;
    plan.pp = pp;
    plan.dp = dp;
    plan.ep = ep;
    if (divides(model, plan, system_chips) && std::find(plans.begin(), plans.end(), plan) == plans.end()) {
      plans.push_back(plan);
    }
  };
  const bool moe = has_experts(model);
  // Widest tensor parallelism inside one domain first: the least weight bytes per chip.
  std::vector<int> widths;
  for_each_divisor(system_chips, [&](int tp) {
    if (tp <= spec.domain) {
      widths.push_back(tp);
    }
  });
  std::reverse(widths.begin(), widths.end());
  for (const int tp : widths) {
    const int rest = system_chips / tp;
    if (moe) {
      offer(tp, 1, rest, tp * rest);
      offer(tp, 1, rest, 1);
    } else {
      offer(tp, 1, rest, 1);
    }
  }
  for (const int tp : widths) {
    const int rest = system_chips / tp;
    if (rest > 1) {
      offer(tp, rest, 1, moe ? tp : 1);
      offer(tp, rest, 1, 1);
    }
  }
  // Racks whose number of chips divides nothing: the largest power of two of them.
  int power = 1;
  while (power * 2 <= system_chips) {
    power *= 2;
  }
  if (power != system_chips) {
    for (int tp = power; tp >= 1; tp /= 2) {
      if (tp <= spec.domain) {
        offer(tp, 1, power / tp, moe ? power : 1);
      }
    }
  }
  return plans;
}

}  // namespace memwall
