#include "memwall/processors/transformer_asic/placement.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/processors/shard.h"
#include "memwall/processors/transformer_asic/graph.h"

namespace memwall {
namespace {

constexpr double kActivationBytes = 2;
constexpr int kMostChips = 4096;

// What tensor parallelism has to divide.
std::int64_t least_width(const Model& model) {
  std::int64_t least = 0;
  const auto take = [&least](std::int64_t width) { least = least == 0 ? width : std::min(least, width); };
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (const auto* attention = std::get_if<Attention>(&op.shape)) {
      take(attention->heads);
    } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
      take(experts->intermediate);
    }
  });
  return std::max<std::int64_t>(least, 1);
}

bool divides(const Model& model, int tp, int pp) {
  const std::int64_t runs = layer_runs(model);
  return least_width(model) % tp == 0 && (runs == 0 || runs % pp == 0);
}

double weights_of(const std::vector<Operator>& operators, int tp) {
  double bytes = 0;
  for (const Operator& op : operators) {
    bytes += weight_bytes(op).value / (op.split == TensorSplit::replicated ? 1 : tp);
  }
  return bytes;
}

// Of the fullest stage: its share of the layers and the larger of embedding and head, both when it is alone.
MemoryUse memory_use(const AsicCard& card, const Model& model, int tp, int pp, const Need& need) {
  MemoryUse use;
  use.level = "hbm";
  use.capacity = card.hbm_capacity;
  double layers = 0, kv = 0;
  for (const LayerGroup& group : model.groups) {
    layers += static_cast<double>(group.repeat) * weights_of(group.operators, tp);
    for (const Operator& op : group.operators) {
      if (const auto* attention = std::get_if<Attention>(&op.shape)) {
        const double tokens = static_cast<double>(
            attention->window > 0 ? std::min(need.context, attention->window) : need.context);
        const double chips_apart =
            attention->is_latent() ? 1 : std::min<double>(tp, static_cast<double>(attention->kv_heads));
        const double values = static_cast<double>(attention->kv_values_per_token()) / chips_apart;
        kv += static_cast<double>(group.repeat) * tokens * bytes_of(values, attention->kv).value;
      }
    }
  }
  const double first = weights_of(model.prologue, tp), last = weights_of(model.epilogue, tp);
  use.weights = Bytes(layers / pp + (pp == 1 ? first + last : std::max(first, last)));
  use.kv = Bytes(kv / pp * static_cast<double>(need.sequences));
  use.activations = Bytes(2 * kActivationBytes * static_cast<double>(need.step_tokens * model.hidden_size));
  return use;
}

int smallest_chips(const AsicCard& card, const Model& model, const Need& need) {
  int smallest = 0;
  for (int chips = 1; chips <= kMostChips && smallest == 0; ++chips) {
    for (int tp = 1; tp <= chips; tp *= 2) {
      if (chips % tp == 0 && divides(model, tp, chips / tp) &&
          memory_use(card, model, tp, chips / tp, need).shortfall() == Bytes(0)) {
        smallest = chips;
      }
    }
  }
  return smallest;
}

}  // namespace

Placement place_on_asic(const AsicCard& card, const Model& model, const Plan& plan, const Need& need,
                        int chips) {
  if (plan.dp != 1 || plan.ep != 1 || !plan.mode.empty() || plan.chips() > chips ||
      !divides(model, plan.tp, plan.pp)) {
    throw ConfigError(
        "plan", quoted(to_text(plan)),
        fmt::format("tp and pp that divide {} heads or expert values and {} layers, over at most {} "
                    "chips",
                    least_width(model), layer_runs(model), chips));
  }
  Placement placement;
  placement.plan = plan;
  placement.refusal = graph_refusal(card, model);
  const MemoryUse use = memory_use(card, model, plan.tp, plan.pp, need);
  placement.memory = {use};
  if (!placement.refusal.empty()) {
    return placement;
  }
  placement.fits = use.shortfall() == Bytes(0);
  placement.smallest_chips = smallest_chips(card, model, need);
  if (!placement.fits) {
    placement.refusal = "hbm short by " + to_text(use.shortfall()) + " per chip";
  }
  const Bytes room = use.capacity - use.weights - use.activations;
  if (room > Bytes(0) && use.kv > Bytes(0)) {
    const double held = static_cast<double>(need.sequences) * static_cast<double>(need.context);
    placement.kv_capacity_tokens = static_cast<std::int64_t>(room.value / (use.kv.value / held));
  }
  return placement;
}

std::vector<Plan> asic_plans(const Model& model, int chips) {
  std::vector<Plan> plans;
  for (int tp = chips; tp >= 1; --tp) {
    if (chips % tp == 0 && divides(model, tp, chips / tp)) {
      plans.push_back({tp, chips / tp, 1, 1, ""});
    }
  }
  if (plans.empty()) {
    plans.push_back({});
  }
  return plans;
}

}  // namespace memwall
