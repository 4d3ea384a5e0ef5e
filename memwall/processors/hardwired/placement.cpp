#include "memwall/processors/hardwired/placement.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

constexpr double kBitsPerByte = 8;

double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

// Room for the cache on one chip.
Bytes kv_room(const HardwiredCard& card, Bytes embedding_per_chip) {
  Bytes room = card.kv_capacity;
  if (card.hbm) {
    room += std::max(Bytes(0), card.hbm->capacity - embedding_per_chip);
  }
  return room;
}

// Longest context that one copy holds for one sequence: cache only grows with context.
std::int64_t longest_context(const WiredNetwork& network, const HardwiredCard& card, Bytes room) {
  std::int64_t low = 0, high = std::int64_t{1} << 40;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (kv_bytes_per_chip(network, card, static_cast<double>(middle)) <= room) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

void require_wired_plan(const Plan& plan, const HardwiredCard& card, const System& system) {
  const bool divides = plan.tp == card.chips && plan.pp == 1 && plan.ep == 1 && plan.mode.empty();
  if (!divides || plan.dp < 1 || plan.chips() > system.chips()) {
    throw ConfigError("plan", to_text(plan),
                      fmt::format("tp{}, the chips that one copy is wired over, and at most dp{}", card.chips,
                                  std::max(1, system.chips() / card.chips)));
  }
}

}  // namespace

Bytes kv_bytes_per_chip(const WiredNetwork& network, const HardwiredCard& card, double context) {
  double values = 0;
  for (const WiredGroup& group : network.groups) {
    for (const WiredLayer& layer : group.layers) {
      const bool windowed = card.windows_honoured && layer.window > 0;
      const double kept = windowed ? std::min(context, static_cast<double>(layer.window)) : context;
      values += static_cast<double>(group.repeat) * kept * static_cast<double>(layer.kv_values_per_token());
    }
  }
  return Bytes(values * card.kv_bits / kBitsPerByte / card.chips);
}

std::vector<Plan> hardwired_plans(const System& system, const HardwiredCard& card) {
  Plan plan;
  plan.tp = card.chips;
  plan.dp = std::max(1, system.chips() / card.chips);
  return {plan};
}

Placement place_hardwired(const Model& model, const Model& wired, const System& system,
                          const HardwiredCard& card, const Plan& plan, const Need& need) {
  Placement placement;
  placement.plan = plan;
  const std::string difference = shape_difference(model, wired);
  if (!difference.empty()) {
    placement.refusal = fmt::format("wired for {} ({})", wired.name, difference);
    return placement;
  }
  const WiredNetwork network = wiring_of(wired);
  const Bytes embedding = card.hbm ? network.embedding / card.chips : Bytes(0);
  const Bytes room = kv_room(card, embedding);
  const Bytes per_sequence = kv_bytes_per_chip(network, card, static_cast<double>(need.context));
  const double most = std::floor(room / per_sequence);  // sequences that one copy holds
  if (most >= 1) {
    placement.smallest_chips =
        card.chips * static_cast<int>(std::min(ceil_div(static_cast<double>(need.sequences), most), 1e6));
  }
  if (system.chips() < card.chips) {
    placement.refusal = fmt::format("wired over {} chips, the system has {}", card.chips, system.chips());
    return placement;
  }
  require_wired_plan(plan, card, system);
  placement.kv_capacity_tokens = plan.dp * longest_context(network, card, room);

  const Bytes kv = per_sequence * ceil_div(static_cast<double>(need.sequences), plan.dp);
  MemoryUse buffer{"kv_buffer", card.kv_capacity, Bytes(0), kv, Bytes(0)};
  if (card.hbm) {
    buffer.kv = std::min(kv, card.kv_capacity);
    placement.memory = {buffer, {"hbm", card.hbm->capacity, embedding, kv - buffer.kv, Bytes(0)}};
  } else {
    placement.memory = {buffer};
  }
  for (const MemoryUse& use : placement.memory) {
    if (use.shortfall() > Bytes(0)) {
      placement.refusal = fmt::format("{} short by {} per chip", use.level, to_text(use.shortfall()));
    }
  }
  placement.fits = placement.refusal.empty();
  return placement;
}

}  // namespace memwall
