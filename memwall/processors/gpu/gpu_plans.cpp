#include "memwall/processors/gpu/gpu_plans.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/processors/gpu/gpu_placement.h"

namespace memwall {
namespace {

constexpr int kMostChips = 4096;

[[noreturn]] void refuse(const char* degree, int value, const std::string& expected) {
  throw ConfigError(degree, std::to_string(value), expected);
}

void need_divisor(const char* degree, int value, std::int64_t whole, const std::string& what) {
  if (whole % value != 0) {
    refuse(degree, value, fmt::format("a divisor of {} = {}", what, whole));
  }
}

void check_operator(const Operator& op, const Plan& plan) {
  if (const Attention* attention = std::get_if<Attention>(&op.shape)) {
    need_divisor("tp", plan.tp, attention->heads, "num_attention_heads");
    const std::int64_t kv_heads = attention->kv_heads;
    if (!attention->is_latent() && kv_heads % plan.tp != 0 && plan.tp % kv_heads != 0) {
      refuse("tp", plan.tp, fmt::format("a divisor or multiple of num_key_value_heads = {}", kv_heads));
    }
  } else if (const Linear* linear = std::get_if<Linear>(&op.shape)) {
    if (op.role == OpRole::ffn && op.split == TensorSplit::rows) {
      need_divisor("tp", plan.tp, linear->k, "the input width of " + op.name);
    }
  } else if (const Experts* experts = std::get_if<Experts>(&op.shape)) {
    need_divisor("ep", plan.ep, experts->num_experts, "num_experts");
    need_divisor("ep", plan.ep, plan.tp * plan.dp, "tp * dp");
    need_divisor("tp * dp / ep", expert_tp(plan), experts->intermediate, "the experts' intermediate size");
  }
}

bool has_experts(const Model& model) {
  bool found = false;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    found = found || std::holds_alternative<Experts>(op.shape);
  });
  return found;
}

// Degrees up to `most` that divide `whole`.
std::vector<int> divisors(std::int64_t whole, std::int64_t most) {
  std::vector<int> found;
  for (std::int64_t d = 1; d <= std::min(whole, most); ++d) {
    if (whole % d == 0) {
      found.push_back(static_cast<int>(d));
    }
  }
  return found;
}

// Heads of the first attention: tp divides them in every plan.
std::int64_t attention_heads(const Model& model) {
  std::int64_t heads = 1;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    const Attention* attention = std::get_if<Attention>(&op.shape);
    heads = attention != nullptr && heads == 1 ? attention->heads : heads;
  });
  return heads;
}

bool divides(const Model& model, const Plan& plan, int system_chips) {
  try {
    check_plan(model, plan, system_chips);
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

class PlanList {
 public:
  PlanList(const Model& model, int system_chips) : model_(model), system_chips_(system_chips) {}
  void offer(int tp, int pp, int dp, int ep) {
    Plan plan;
    plan.tp = tp;
    plan.pp = pp;
    plan.dp = dp;
    plan.ep = ep;
    if (std::find(plans_.begin(), plans_.end(), plan) == plans_.end() &&
        divides(model_, plan, system_chips_)) {
      plans_.push_back(plan);
    }
  }
  std::vector<Plan> take() { return std::move(plans_); }

 private:
  const Model& model_;
  int system_chips_;
  std::vector<Plan> plans_;
};

}  // namespace

void check_plan(const Model& model, const Plan& plan, int system_chips) {
  for (auto [degree, value] : {std::pair{"tp", plan.tp}, std::pair{"pp", plan.pp}, std::pair{"dp", plan.dp},
                               std::pair{"ep", plan.ep}}) {
    if (value < 1) {
      refuse(degree, value, "at least 1");
    }
  }
  if (!plan.mode.empty()) {
    throw ConfigError("mode", quoted(plan.mode), "no mode: a GPU keeps its weights in HBM");
  }
  // The product of four degrees can leave the range of int.
  const double chips = static_cast<double>(plan.tp) * plan.pp * plan.dp;
  if (chips > system_chips) {
    throw ConfigError("plan", to_text(plan),
                      fmt::format("tp * pp * dp of at most the system's {} chips", system_chips));
  }
  if (plan.pp > std::max<std::int64_t>(1, layer_runs(model))) {
    refuse("pp", plan.pp, fmt::format("at most the model's runs of equal layers = {}", layer_runs(model)));
  }
  for_each_operator(model, [&](const Operator& op, std::int64_t) { check_operator(op, plan); });
  if (plan.ep > 1 && !has_experts(model)) {
    refuse("ep", plan.ep, "1 for a model without routed experts");
  }
}

std::vector<Plan> gpu_candidate_plans(const GpuSpec& spec, const Model& model, int system_chips) {
  PlanList plans(model, system_chips);
  const bool moe = has_experts(model);
  std::vector<int> widths = divisors(system_chips, std::min(system_chips, spec.domain));
  std::reverse(widths.begin(), widths.end());
  for (const int tp : widths) {
    const int dp = system_chips / tp;
    plans.offer(tp, 1, dp, moe ? system_chips : 1);
    plans.offer(tp, 1, dp, 1);
  }
  for (const int tp : widths) {
    const int pp = system_chips / tp;
    plans.offer(tp, pp, 1, moe ? tp : 1);
    plans.offer(tp, pp, 1, 1);
  }
  // Systems whose number of chips has factors that models lack (72): the largest power of two of them.
  int power = 1;
  while (power * 2 <= system_chips) {
    power *= 2;
  }
  for (int tp = power; tp >= 1; tp /= 2) {
    if (tp <= spec.domain) {
      plans.offer(tp, 1, power / tp, moe ? power : 1);
    }
  }
  return plans.take();
}

int smallest_chips(const GpuSpec& spec, const Model& model, const Need& need) {
  const std::vector<int> widths = divisors(attention_heads(model), kMostChips);
  // Pipelines of equal stages, and of powers of two.
  std::vector<int> depths = divisors(layer_runs(model), kMostChips);
  for (int pp = 2; pp <= layer_runs(model); pp *= 2) {
    if (layer_runs(model) % pp != 0) {
      depths.push_back(pp);
    }
  }
  std::vector<Plan> plans;
  for (const int tp : widths) {
    for (const int pp : depths) {
      if (static_cast<std::int64_t>(tp) * pp <= kMostChips) {
        plans.emplace_back().tp = tp;
        plans.back().pp = pp;
      }
    }
  }
  std::stable_sort(plans.begin(), plans.end(),
                   [](const Plan& a, const Plan& b) { return a.chips() < b.chips(); });
  for (const Plan& plan : plans) {
    if (memory_use(spec, model, plan, need).shortfall() == Bytes(0) && divides(model, plan, plan.chips())) {
      return plan.chips();
    }
  }
  return 0;
}

}  // namespace memwall
