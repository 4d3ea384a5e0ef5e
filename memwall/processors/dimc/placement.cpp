#include "memwall/processors/dimc/placement.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

constexpr const char* kPerformance = "performance";
constexpr const char* kMixed = "mixed";
constexpr const char* kCapacity = "capacity";
constexpr double kBitsPerByte = 8;
constexpr double kStreamBytes = 2;  // of an activation in memory

double real(std::int64_t value) { return static_cast<double>(value); }

double chiplets_of(const DimcCard& card, const Plan& plan) {
  return static_cast<double>(plan.tp) * card.chiplets;
}

Bytes held(const DimcCard& card, double values, Format format) {
  return Bytes(values * card.stored(format).value_or(Stored{}).bits_held / kBitsPerByte);
}

// Bytes of one operator over all chiplets of a stage.
struct Held {
  Bytes weights, table;  // table: of an embedding
  double kv_values = 0;  // per token of context, as far as no window is full
  Bytes kv;              // of one sequence of the asked context
  double live = 0;       // values per token between this operator and the next
};
Held held_by(const DimcCard& card, const Operator& op, double context) {
  Held held_here;
  if (const auto* embedding = std::get_if<Embedding>(&op.shape)) {
    held_here.table =
        held(card, real((embedding->vocab + embedding->positions) * embedding->width), embedding->weight);
  } else if (const auto* linear = std::get_if<Linear>(&op.shape)) {
    // A tied head needs the table as a matrix, beside the rows that are looked up.
    held_here.weights = held(card, real(linear->n * linear->k), linear->weight);
    held_here.live = real(linear->n + linear->k);
  } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
    held_here.weights =
        held(card, real(experts->num_experts * experts->values_per_expert()), experts->weight);
    held_here.live = real(experts->experts_per_token * (2 * experts->width + 2 * experts->intermediate));
  } else if (const auto* attention = std::get_if<Attention>(&op.shape)) {
    const double kept = attention->window > 0 ? std::min(context, real(attention->window)) : context;
    held_here.kv = held(card, kept * real(attention->kv_values_per_token()), attention->kv);
  }
  return held_here;
}

struct StageUse {
  Bytes weights, table, kv;
};
void add(const DimcCard& card, const std::vector<Operator>& operators, double repeat, double context,
         StageUse& use) {
  for (const Operator& op : operators) {
    const Held here = held_by(card, op, context);
    use.weights += here.weights * repeat;
    use.table += here.table * repeat;
    use.kv += here.kv * repeat;
  }
}

// Uses of the fullest stage, whole (not per chiplet), the cache of one sequence.
StageUse fullest_stage(const DimcCard& card, const Model& model, int pp, double context, double sequences) {
  StageUse fullest;
  const auto stages = stage_runs(model, pp);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    StageUse use;
    for (const StageRun& run : stages[i]) {
      add(card, model.groups[run.group].operators, real(run.repeat), context, use);
    }
    if (i == 0) {
      add(card, model.prologue, 1, context, use);
    }
    if (i + 1 == stages.size()) {
      add(card, model.epilogue, 1, context, use);
    }
    const auto total = [&](const StageUse& of) { return of.weights + of.table + of.kv * sequences; };
    if (total(use) > total(fullest)) {
      fullest = use;
    }
  }
  return fullest;
}

std::string model_refusal(const DimcCard& card, const Model& model) {
  if (!card.sram) {
    return "a bare macro: it has no memory for a model";
  }
  std::string refusal;
  const auto need = [&](Format format, const Operator& op) {
    if (refusal.empty() && !card.stored(format)) {
      refusal =
          fmt::format("no width for {} of {}, only up to {} bits", name(format), op.name, card.widths.back());
    }
  };
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (const auto* linear = std::get_if<Linear>(&op.shape)) {
      need(linear->weight, op);
      need(linear->activation, op);
    } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
      need(experts->weight, op);
      need(experts->activation, op);
    } else if (const auto* attention = std::get_if<Attention>(&op.shape)) {
      need(attention->kv, op);
    }
  });
  return refusal;
}

std::int64_t experts_of(const Model& model) {
  std::int64_t count = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (const auto* experts = std::get_if<Experts>(&op.shape)) {
      count = experts->num_experts;
    }
  });
  return count;
}

void check_plan(const DimcCard& card, const Model& model, const Plan& plan, int cards) {
  const auto refuse = [](const char* key, int value, const std::string& expected) {
    throw ConfigError(key, std::to_string(value), expected);
  };
  if (plan.tp < 1 || plan.pp < 1 || plan.dp < 1 || plan.ep < 1) {
    throw ConfigError("plan", to_text(plan), "degrees of at least 1");
  }
  if (static_cast<double>(plan.tp) * plan.pp * plan.dp > cards) {
    throw ConfigError("plan", to_text(plan),
                      fmt::format("tp * pp * dp of at most the system's {} cards", cards));
  }
  if (layer_runs(model) % plan.pp != 0) {
    refuse("pp", plan.pp,
           fmt::format("a divisor of the model's runs of equal layers = {}", layer_runs(model)));
  }
  const std::int64_t experts = experts_of(model);
  if (plan.ep > 1 && (experts == 0 || experts % plan.ep != 0 || plan.tp % plan.ep != 0)) {
    refuse("ep", plan.ep,
           experts == 0 ? "1 for a model without routed experts"
                        : fmt::format("a divisor of tp = {} and of num_experts = {}", plan.tp, experts));
  }
  residence_of(card, plan.mode);
}

std::vector<MemoryUse> memory_use(const DimcCard& card, const Model& model, const Plan& plan,
                                  const Need& need) {
  const Residence residence = residence_of(card, plan.mode);
  const double chiplets = chiplets_of(card, plan);
  const double sequences = std::ceil(real(need.sequences) / plan.dp);
  const StageUse use = fullest_stage(card, model, plan.pp, real(need.context), sequences);
  double live = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    live = std::max(live, op.role == OpRole::head ? 0 : held_by(card, op, 1).live);
  });
  const double tokens = std::ceil(real(need.step_tokens) / plan.dp);
  const Bytes activations(tokens * (real(model.hidden_size) + live) * kStreamBytes / chiplets);

  MemoryUse sram{"sram", card.sram->capacity, Bytes(0), Bytes(0), activations};
  std::vector<MemoryUse> memory;
  if (!card.lpddr) {
    sram.weights = (use.weights + use.table) / chiplets;
    sram.kv = use.kv * sequences / chiplets;
    return {sram};
  }
  MemoryUse lpddr{"lpddr", card.lpddr->capacity, use.table / chiplets, Bytes(0), Bytes(0)};
  (residence.weights_in_sram ? sram : lpddr).weights += use.weights / chiplets;
  (residence.cache_in_sram ? sram : lpddr).kv += use.kv * sequences / chiplets;
  return {sram, lpddr};
}

Bytes shortfall(const std::vector<MemoryUse>& memory) {
  Bytes bytes;
  for (const MemoryUse& use : memory) {
    bytes += use.shortfall();
  }
  return bytes;
}

// Fewest cards under tensor and pipeline division in powers of two that hold the need in the plan's mode.
int smallest_cards(const DimcCard& card, const Model& model, const Plan& plan, const Need& need) {
  constexpr int kMostCards = 4096;
  for (int cards = 1; cards <= kMostCards; cards *= 2) {
    Plan wider;
    wider.tp = cards;
    wider.mode = plan.mode;
    if (shortfall(memory_use(card, model, wider, need)) == Bytes(0)) {
      return cards;
    }
  }
  return 0;
}

}  // namespace

Residence residence_of(const DimcCard& card, const std::string& mode) {
  if (mode.empty() || mode == kPerformance) {
    return {true, true};
  }
  if ((mode == kMixed || mode == kCapacity) && card.lpddr) {
    return {mode == kMixed, false};
  }
  throw ConfigError("mode", quoted(mode),
                    card.lpddr ? "performance, mixed or capacity" : "performance: the chip has no LPDDR");
}

std::vector<std::vector<StageRun>> stage_runs(const Model& model, int pp) {
  const std::int64_t per_stage = layer_runs(model) / pp;
  std::vector<std::vector<StageRun>> stages(1);
  std::int64_t room = per_stage;
  for (std::size_t group = 0; group < model.groups.size(); ++group) {
    for (std::int64_t left = model.groups[group].repeat; left > 0;) {
      if (room == 0) {
        stages.emplace_back();
        room = per_stage;
      }
      const std::int64_t taken = std::min(left, room);
      stages.back().push_back({group, taken});
      left -= taken;
      room -= taken;
    }
  }
  return stages;
}

CacheShare cache_share(const Attention& attention, double chiplets) {
  const std::int64_t heads = attention.is_latent() ? 1 : attention.kv_heads;
  const double common = real(std::gcd(heads, static_cast<std::int64_t>(chiplets)));
  return {real(heads) / common, chiplets / common};
}

std::vector<Plan> dimc_plans(const DimcCard& card, const Model& model, int cards) {
  std::vector<const char*> modes = {kPerformance};
  if (card.lpddr) {
    modes = {kPerformance, kMixed, kCapacity};
  }
  const std::int64_t experts = experts_of(model);
  std::vector<Plan> plans;
  for (int tp = cards; tp >= 1; --tp) {
    for (int pp = 1; cards % tp == 0 && pp <= cards / tp; ++pp) {
      if (cards / tp % pp != 0 || layer_runs(model) % pp != 0) {
        continue;
      }
      for (const char* mode : modes) {
        Plan plan;
        plan.tp = tp;
        plan.pp = pp;
        plan.dp = cards / tp / pp;
        plan.mode = mode;
        plans.push_back(plan);
        if (experts > 0 && tp > 1 && experts % tp == 0) {
          plan.ep = tp;
          plans.push_back(plan);
        }
      }
    }
  }
  return plans;
}

Placement place_dimc(const DimcCard& card, const Model& model, const Plan& plan, const Need& need,
                     int cards) {
  Placement placement;
  placement.plan = plan;
  placement.refusal = model_refusal(card, model);
  if (!placement.refusal.empty()) {
    return placement;
  }
  check_plan(card, model, plan, cards);
  placement.memory = memory_use(card, model, plan, need);
  placement.smallest_chips = smallest_cards(card, model, plan, need);
  for (const MemoryUse& use : placement.memory) {
    if (use.shortfall() > Bytes(0)) {
      placement.refusal += fmt::format("{}{} short by {} per chiplet", placement.refusal.empty() ? "" : ", ",
                                       use.level, to_text(use.shortfall()));
    }
    // Tokens that the fullest stage keeps beside its weights, at the bytes per token of this context.
    const Bytes room = use.capacity - use.weights - use.activations;
    if (use.kv > Bytes(0) && room > Bytes(0)) {
      const double kept = std::ceil(real(need.sequences) / plan.dp) * real(need.context);
      placement.kv_capacity_tokens = static_cast<std::int64_t>(room.value / (use.kv.value / kept)) * plan.dp;
    }
  }
  placement.fits = placement.refusal.empty();
  return placement;
}

}  // namespace memwall
