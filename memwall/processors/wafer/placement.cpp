#include "memwall/processors/wafer/placement.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/processors/wafer/layer_time.h"

namespace memwall {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }
double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

struct Fit {
  RegionShare share;
  double weights = 0, kv = 0, activations = 0;  // bytes per core
  double used() const { return weights + kv + activations; }
};

// Of the fullest region's cores.
Fit decode_fit(const Model& model, const WaferCard& card, Grid grid, int wafers, double sequences,
               double context) {
  Fit fit;
  fit.share = share_of(model, card, grid, wafers);
  const double together = ceil_div(sequences, std::min<double>(sequences, fit.share.used));
  fit.weights = fit.share.weights;
  fit.kv = sequences * kv_per_core(model, fit.share, context);
  fit.activations = card.reserved.value + decode_activations(model, card, grid, together);
  return fit;
}

// Mean over all cores of the wafers; all of a core when the grid's own need more than they have.
Fit prefill_fit(const Model& model, const WaferCard& card, Grid grid, int wafers, const PrefillNeed& need) {
  Fit fit;
  fit.share = share_of(model, card, grid, wafers);
  const PrefillRoom room = prefill_room(model, card, fit.share, need);
  const double cores = wafers * real(card.cores()), at_work = fit.share.used * grid.cores();
  fit.kv = need.sequences * kv_per_core(model, fit.share, need.context) * at_work / cores;
  fit.weights = room.held / cores - fit.kv;
  fit.activations = card.reserved.value + room.activations * at_work / cores;
  if (card.reserved.value + room.tiles + room.activations > card.sram.value) {
    fit.activations = card.sram.value;
  }
  return fit;
}

bool fits(const Fit& fit, const WaferCard& card) { return fit.used() <= card.sram.value; }

// The grid with the least time among those that fit, else the one that lacks least.
template <class MakeFit, class Time>
Fit choose(const std::vector<Grid>& grids, const WaferCard& card, MakeFit&& make_fit, Time&& time) {
  Fit best;
  bool best_fits = false;
  double least = std::numeric_limits<double>::infinity();
  for (const Grid& grid : grids) {
    const Fit fit = make_fit(grid);
    const bool now_fits = fits(fit, card);
    if (best_fits && !now_fits) {
      continue;
    }
    const double value = now_fits ? time(fit.share) : fit.used();
    if ((now_fits && !best_fits) || value < least) {
      best = fit;
      best_fits = now_fits;
      least = value;
    }
  }
  return best;
}

MemoryUse memory_of(const std::string& level, const Fit& fit, const WaferCard& card, double cores) {
  return {level, card.sram * cores, Bytes(fit.weights * cores), Bytes(fit.kv * cores),
          Bytes(fit.activations * cores)};
}

void require_plan(const Plan& plan, const System& system) {
  if (plan.tp != 1 || plan.ep != 1 || plan.dp < 1 || plan.pp < 1 || plan.chips() > system.chips()) {
    throw ConfigError(
        "plan", to_text(plan),
        fmt::format("tp1 and pp times dp at most the {} wafers of {}", system.chips(), system.name));
  }
}

// Sequences of `context` tokens that fit on this grid, their vectors included.
std::int64_t room_for(const Model& model, const WaferCard& card, Grid grid, int wafers, double context) {
  std::int64_t low = 0, high = std::int64_t{1} << 32;
  while (low + 1 < high) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(decode_fit(model, card, grid, wafers, real(middle), context), card) ? low : high) = middle;
  }
  return low;
}

// Wafers that hold one copy with the need's sequences, by any grid.
int smallest_wafers(const Model& model, const WaferCard& card, const Need& need) {
  constexpr int kMostWafers = 4096;
  const std::vector<Grid> grids = decode_grids(card);
  const auto holds = [&](int wafers) {
    return std::any_of(grids.begin(), grids.end(), [&](Grid grid) {
      return fits(decode_fit(model, card, grid, wafers, real(need.sequences), real(need.context)), card);
    });
  };
  int wafers = 1;
  while (wafers <= kMostWafers && !holds(wafers)) {
    wafers *= 2;
  }
  if (wafers > kMostWafers) {
    return 0;
  }
  for (int low = wafers / 2; low + 1 < wafers;) {
    const int middle = (low + wafers) / 2;
    (holds(middle) ? wafers : low) = middle;
  }
  return wafers;
}

}  // namespace

std::vector<Plan> wafer_plans(const System& system) {
  std::vector<Plan> plans;
  for (int wafers = 1; wafers <= system.chips(); ++wafers) {
    if (system.chips() % wafers == 0) {
      Plan plan;
      plan.pp = wafers;
      plan.dp = system.chips() / wafers;
      plans.push_back(plan);
    }
  }
  return plans;
}

Placement place_wafer(const Model& model, const System& system, const WaferCard& card, const Plan& plan,
                      const Need& need) {
  require_plan(plan, system);
  WaferMode mode = parse_wafer_mode(plan.mode, card);
  Placement placement;
  placement.plan = plan;
  const double sequences = ceil_div(real(need.sequences), plan.dp), context = real(need.context);
  const double tokens = std::min(context, ceil_div(real(need.step_tokens), real(need.sequences)));

  const auto timer = [&](Grid decode, Grid prefill) {
    return RegionModel(mesh_timing(card), decode, prefill, mode.collective);
  };
  const Fit decode = choose(
      mode.decode ? std::vector<Grid>{*mode.decode} : decode_grids(card), card,
      [&](Grid grid) { return decode_fit(model, card, grid, plan.pp, sequences, context); },
      [&](const RegionShare& share) {
        const double together = ceil_div(sequences, std::min<double>(sequences, share.used));
        return decode_passage(model, timer(share.grid, share.grid), share, {together, together, context})
            .total();
      });
  const PrefillNeed prompt{tokens, context, sequences};
  const Fit prefill = choose(
      mode.prefill ? std::vector<Grid>{*mode.prefill} : prefill_grids(card), card,
      [&](Grid grid) { return prefill_fit(model, card, grid, plan.pp, prompt); },
      [&](const RegionShare& share) {
        const PrefillRoom room = prefill_room(model, card, share, prompt);
        return ceil_div(tokens, room.tokens) *
               prefill_passage(model, timer(share.grid, share.grid), share,
                               {room.tokens, context, context / 2, room.score_parts})
                   .total();
      });
  mode.decode = decode.share.grid;
  mode.prefill = prefill.share.grid;
  placement.plan.mode = to_text(mode);
  const double region_cores = decode.share.grid.cores() * ceil_div(decode.share.used, plan.pp);
  placement.memory = {memory_of("sram in decode", decode, card, region_cores),
                      memory_of("sram in prefill", prefill, card, real(card.cores()))};
  placement.smallest_chips = smallest_wafers(model, card, need);

  placement.kv_capacity_tokens =
      room_for(model, card, *mode.decode, plan.pp, context) * need.context * plan.dp;
  for (const MemoryUse& use : placement.memory) {
    if (use.shortfall() > Bytes(0) && placement.refusal.empty()) {
      placement.refusal = fmt::format("{} short by {} per wafer", use.level, to_text(use.shortfall()));
    }
  }
  placement.fits = placement.refusal.empty();
  return placement;
}

}  // namespace memwall
