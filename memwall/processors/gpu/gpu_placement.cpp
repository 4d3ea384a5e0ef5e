#include "memwall/processors/gpu/gpu_placement.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/processors/shard.h"

namespace memwall {
namespace {

constexpr double kActivationBytes = 2;  // bf16
constexpr double kLogitBytes = 4;       // fp32

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

// Weights of one operator on one chip.
double weight_bytes_per_chip(const std::vector<Operator>& operators, std::size_t index, const Plan& plan) {
  const Operator& op = operators[index];
  const double whole = weight_bytes(op).value;
  if (std::holds_alternative<Experts>(op.shape)) {
    return whole / (plan.tp * plan.dp);
  }
  if (const Linear* linear = std::get_if<Linear>(&op.shape);
      linear != nullptr && op.split == TensorSplit::columns) {
    const double columns = columns_per_chip(op, fed_attention(operators, index), plan.tp);
    return whole * columns / static_cast<double>(linear->n);
  }
  return op.split == TensorSplit::replicated ? whole : whole / plan.tp;
}

double weights_of(const std::vector<Operator>& operators, const Plan& plan) {
  double bytes = 0;
  for (std::size_t i = 0; i < operators.size(); ++i) {
    bytes += weight_bytes_per_chip(operators, i, plan);
  }
  return bytes;
}

double stage_weights(const Model& model, const Plan& plan, const std::vector<StagePart>& parts, bool first,
                     bool last) {
  double bytes = 0;
  for (const StagePart& part : parts) {
    bytes += static_cast<double>(part.repeat) * weights_of(model.groups[part.group].operators, plan);
  }
  if (first) {
    bytes += weights_of(model.prologue, plan);
  }
  if (!last) {
    return bytes;
  }
  // A tied head on another stage than the embedding needs a copy of its table.
  std::vector<Operator> epilogue = model.epilogue;
  for (Operator& op : epilogue) {
    if (Linear* head = std::get_if<Linear>(&op.shape); head != nullptr && !first) {
      head->tied = false;
    }
  }
  return bytes + weights_of(epilogue, plan);
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

}  // namespace

std::vector<std::vector<StagePart>> stage_parts(const Model& model, int pp) {
  const std::int64_t runs = layer_runs(model), per_stage = runs / pp, longer = runs % pp;
  std::vector<std::vector<StagePart>> stages(static_cast<std::size_t>(pp));
  std::size_t group = 0;
  std::int64_t used = 0;
  for (std::vector<StagePart>& stage : stages) {
    std::int64_t wanted = per_stage + (&stage - stages.data() < longer ? 1 : 0);
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

}  // namespace memwall
