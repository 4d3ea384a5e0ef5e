#include "memwall/processors/systolic/placement.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

constexpr int kMostChips = 4096;
constexpr double kActivationBytes = 2;  // bf16
constexpr double kLogitBytes = 4;       // fp32

double real(std::int64_t value) { return static_cast<double>(value); }

// Why tp and ep do not divide the model, or "".
std::string division_problem(const Model& model, const Plan& plan) {
  std::string problem;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (!problem.empty()) {
      return;
    }
    if (const Attention* attention = std::get_if<Attention>(&op.shape)) {
      const std::int64_t kv_heads = attention->kv_heads;
      if (attention->heads % plan.tp != 0) {
        problem = fmt::format("a tp that divides num_attention_heads = {}", attention->heads);
      } else if (!attention->is_latent() && kv_heads % plan.tp != 0 && plan.tp % kv_heads != 0) {
        problem = fmt::format("a tp that divides num_key_value_heads = {}, or a multiple", kv_heads);
      }
    } else if (const Experts* experts = std::get_if<Experts>(&op.shape)) {
      if (plan.ep > 1 && experts->num_experts % plan.ep != 0) {
        problem = fmt::format("an ep that divides num_experts = {}", experts->num_experts);
      } else if (plan.ep == 1 && experts->intermediate % plan.tp != 0) {
        problem = fmt::format("a tp that divides the experts' intermediate size = {}", experts->intermediate);
      }
    }
  });
  return problem;
}

double weights_of(const std::vector<Operator>& operators, const Plan& plan, bool untied) {
  double bytes = 0;
  for (const Operator& op : operators) {
    Operator held = op;
    if (Linear* linear = std::get_if<Linear>(&held.shape); linear != nullptr && untied) {
      linear->tied = false;
    }
    bytes +=
        weight_bytes(held).value /
        (op.split == TensorSplit::replicated && !std::holds_alternative<Experts>(op.shape) ? 1 : plan.tp);
  }
  return bytes;
}

// Of the fullest stage: its layers, and the larger of embedding and head (both when there is one stage).
double weights_per_chip(const Model& model, const Plan& plan) {
  double layers = 0;
  for (const LayerGroup& group : model.groups) {
    layers += real(group.repeat) * weights_of(group.operators, plan, false);
  }
  const double embedding = weights_of(model.prologue, plan, false);
  const double head = weights_of(model.epilogue, plan, plan.pp > 1);
  return layers / plan.pp + (plan.pp == 1 ? embedding + head : std::max(embedding, head));
}

double kv_per_sequence(const Model& model, const Plan& plan, double context) {
  double bytes = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    if (const Attention* attention = std::get_if<Attention>(&op.shape)) {
      const double kept = attention->window > 0 ? std::min(context, real(attention->window)) : context;
      const double copies = attention->is_latent() ? 1 : std::min<double>(plan.tp, real(attention->kv_heads));
      const double values = real(attention->kv_values_per_token());
      bytes += real(repeat) * kept * bytes_of(values / copies, attention->kv).value;
    }
  });
  return bytes / plan.pp;
}

// Residual stream and the widest operator's input and output, beside the logits.
double activations(const Model& model, const Plan& plan, const Need& need) {
  double widest = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (const Linear* linear = std::get_if<Linear>(&op.shape); linear != nullptr && op.role != OpRole::head) {
      widest = std::max(widest, real(linear->n + linear->k) / plan.tp);
    } else if (const Experts* experts = std::get_if<Experts>(&op.shape)) {
      widest = std::max(widest, real(experts->experts_per_token) *
                                    real(2 * experts->width + 2 * experts->intermediate) / plan.tp);
    }
  });
  return real(need.step_tokens) * (real(model.hidden_size) + widest) * kActivationBytes +
         real(need.sequences) * real(model.vocab_size) / plan.tp * kLogitBytes;
}

std::vector<MemoryUse> memory_of(const Model& model, const SystolicCard& card, const Plan& plan,
                                 const Need& need, bool in_sram) {
  MemoryUse sram{"sram", card.sram_capacity - card.sram_buffers, Bytes(0), Bytes(0), Bytes(0)};
  MemoryUse hbm{"hbm", card.hbm_capacity - card.hbm_reserve, Bytes(0), Bytes(0), Bytes(0)};
  (in_sram ? sram : hbm).weights = Bytes(weights_per_chip(model, plan));
  hbm.kv = Bytes(real(need.sequences) * kv_per_sequence(model, plan, real(need.context)));
  hbm.activations = Bytes(activations(model, plan, need));
  return in_sram ? std::vector<MemoryUse>{sram, hbm} : std::vector<MemoryUse>{hbm};
}

bool holds(const std::vector<MemoryUse>& memory) {
  return std::all_of(memory.begin(), memory.end(),
                     [](const MemoryUse& use) { return use.shortfall() == Bytes(0); });
}

// Every tp and pp that divide the model, products up to `most` chips, fewest chips first.
std::vector<Plan> divisions(const Model& model, int most) {
  std::vector<Plan> plans;
  const std::int64_t runs = layer_runs(model);
  for (int tp = 1; tp <= most; ++tp) {
    Plan plan;
    plan.tp = tp;
    if (!division_problem(model, plan).empty()) {
      continue;
    }
    for (plan.pp = 1; tp * plan.pp <= most && plan.pp <= runs; ++plan.pp) {
      if (runs % plan.pp == 0) {
        plans.push_back(plan);
      }
    }
  }
  std::stable_sort(plans.begin(), plans.end(),
                   [](const Plan& a, const Plan& b) { return a.chips() < b.chips(); });
  return plans;
}

int smallest_chips(const Model& model, const SystolicCard& card, const Need& need) {
  for (const Plan& plan : divisions(model, std::min(kMostChips, card.domain))) {
    if (holds(memory_of(model, card, plan, need, false)) ||
        (card.weights_in_sram && holds(memory_of(model, card, plan, need, true)))) {
      return plan.chips();
    }
  }
  return 0;
}

bool has_experts(const Model& model) {
  bool found = false;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    found = found || std::holds_alternative<Experts>(op.shape);
  });
  return found;
}

void check_plan(const Model& model, const Plan& plan, int system_chips) {
  const auto refuse = [&](const std::string& expected) {
    throw ConfigError("plan", to_text(plan), expected);
  };
  if (plan.dp != 1) {
    refuse("dp1: copies of the model are systems of their own here");
  }
  if (plan.ep != 1 && plan.ep != plan.tp) {
    refuse(fmt::format("ep1 or ep{}, the tp", plan.tp));
  }
  if (plan.chips() > system_chips) {
    refuse(fmt::format("at most the system's {} chips", system_chips));
  }
  if (layer_runs(model) % plan.pp != 0) {
    refuse(fmt::format("a pp that divides the {} layers", layer_runs(model)));
  }
  if (const std::string problem = division_problem(model, plan); !problem.empty()) {
    refuse(problem);
  }
}

// "fp32 activations in head": what no cell multiplies, or "".
std::string format_refusal(const Model& model) {
  std::string refusal;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    const Linear* linear = std::get_if<Linear>(&op.shape);
    if (refusal.empty() && linear != nullptr && info(linear->activation).arithmetic == Format::fp32) {
      refusal = "the array has no fp32 arithmetic for " + op.name;
    }
  });
  return refusal;
}

}  // namespace

SystolicMode parse_mode(const std::string& mode, const SystolicCard& card) {
  const auto fail = [&] {
    throw ConfigError(
        "plan mode", quoted(mode),
        fmt::format(
            "{}'hbm', with '/batched'{} after it or nothing", card.weights_in_sram ? "'sram' or " : "",
            card.splits()
                ? fmt::format(", '/turns', '/shared' or '/shared1' to '/shared{}'", card.finest.row_parts - 1)
                : ""));
  };
  SystolicMode result;
  const std::size_t slash = std::min(mode.find('/'), mode.size());
  const std::string home = mode.substr(0, slash);
  if (!home.empty() && home != "hbm" && (home != "sram" || !card.weights_in_sram)) {
    fail();
  }
  result.weights_in_sram = home == "sram" || (home.empty() && card.weights_in_sram);
  const std::string sharing = slash < mode.size() ? mode.substr(slash + 1) : "";
  const std::string_view shared = "shared";
  if (slash == mode.size()) {
    result.sharing = card.splits() ? Sharing::best : Sharing::batched;
  } else if (sharing == "batched") {
    result.sharing = Sharing::batched;
  } else if (card.splits() && sharing == "turns") {
    result.sharing = Sharing::turns;
  } else if (card.splits() && sharing.starts_with(shared)) {
    result.sharing = Sharing::shared;
    const char *begin = sharing.data() + shared.size(), *end = sharing.data() + sharing.size();
    if (begin != end) {
      const auto [rest, error] = std::from_chars(begin, end, result.decode_slabs);
      if (error != std::errc() || rest != end || result.decode_slabs < 1 ||
          result.decode_slabs >= card.finest.row_parts) {
        fail();
      }
    }
  } else {
    fail();
  }
  return result;
}

std::vector<Plan> systolic_plans(const Model& model, const SystolicCard& card, int chips) {
  // For each tp the deepest pipeline that the chips allow, and none: one spreads weights, the other is quick.
  std::vector<Plan> plans;
  const std::vector<Plan> all = divisions(model, chips);
  for (auto plan = all.rbegin(); plan != all.rend(); ++plan) {
    const bool deepest =
        std::none_of(plans.begin(), plans.end(), [&](const Plan& other) { return other.tp == plan->tp; });
    if (!deepest && plan->pp > 1) {
      continue;
    }
    for (const bool in_sram : {true, false}) {
      if (in_sram && !card.weights_in_sram) {
        continue;
      }
      for (const bool whole_experts : {true, false}) {
        Plan candidate = *plan;
        candidate.mode = !card.weights_in_sram ? "" : in_sram ? "sram" : "hbm";
        candidate.ep = whole_experts ? plan->tp : 1;
        const bool possible = !whole_experts || (plan->tp > 1 && has_experts(model));
        if (possible && division_problem(model, candidate).empty()) {
          plans.push_back(candidate);
        }
      }
    }
  }
  return plans;
}

Placement place_systolic(const Model& model, const SystolicCard& card, const Plan& plan, const Need& need,
                         int system_chips) {
  check_plan(model, plan, system_chips);
  const SystolicMode mode = parse_mode(plan.mode, card);
  Placement placement;
  placement.plan = plan;
  placement.memory = memory_of(model, card, plan, need, mode.weights_in_sram);
  placement.refusal = format_refusal(model);
  if (!placement.refusal.empty()) {
    return placement;
  }
  placement.smallest_chips = smallest_chips(model, card, need);
  for (const MemoryUse& use : placement.memory) {
    if (use.shortfall() > Bytes(0)) {
      placement.refusal = fmt::format("{} short by {} per chip", use.level, to_text(use.shortfall()));
    }
  }
  placement.fits = placement.refusal.empty();
  const MemoryUse& hbm = placement.memory.back();
  const Bytes room = hbm.capacity - hbm.weights - hbm.activations;
  if (room > Bytes(0) && hbm.kv > Bytes(0)) {
    const double held = real(need.sequences) * real(need.context);
    placement.kv_capacity_tokens = static_cast<std::int64_t>(room / hbm.kv * held);
  }
  return placement;
}

}  // namespace memwall
