#include "memwall/processors/systolic/sharing.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/program/clock.h"
#include "memwall/program/power_limit.h"

namespace memwall {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }

std::int64_t whole(const Chip& chip, const std::string& key) {
  const double value = chip.get<Ratio>(key).value;
  if (value != std::floor(value)) {
    throw ConfigError(chip.fact(key).where, key, quoted(chip.fact(key).text), "a whole number");
  }
  return static_cast<std::int64_t>(value);
}

Need need_of(const SharingStudy& study, std::int64_t batch) {
  Need need;
  need.sequences = batch;
  need.context = study.prompt + study.output;
  need.step_tokens = std::max(batch, study.prompt);
  return need;
}

class Timer {
 public:
  Seconds time(const SystolicModel& model, const Step& step) {
    model.lower(step, program_);
    return run_within_power(program_, clock_).time;
  }
  std::int64_t slabs(const SystolicModel& model, const Step& step) {
    return model.choose(step, program_).decode_slabs;
  }

 private:
  Program program_;
  ScheduleClock clock_;
};

// The model under one plan, if the batches in flight fit, with the mode's sharing named.
std::optional<SystolicModel> load(const Model& model, const SystolicCard& card, int chips, const Need& need,
                                  Plan plan, std::string_view sharing) {
  Need all = need;
  all.sequences *= plan.pp;
  if (!place_systolic(model, card, plan, all, chips).fits) {
    return std::nullopt;
  }
  plan.mode += sharing;
  return SystolicModel(card, model, plan);
}

// The plan that every way runs under: the best one for a moderate batch in one pass.
std::optional<Plan> study_plan(const SharingStudy& study, const Model& model, const SystolicCard& card,
                               int chips) {
  constexpr std::int64_t kBatch = 64;
  Timer timer;
  std::optional<Plan> best;
  double most = 0;
  for (const Plan& plan : systolic_plans(model, card, chips)) {
    if (const auto loaded = load(model, card, chips, need_of(study, kBatch), plan, "/batched")) {
      const double rate = loaded->batches_in_flight() / timer.time(*loaded, steady_step(study, kBatch)).value;
      if (rate > most) {
        most = rate;
        best = plan;
      }
    }
  }
  return best;
}

// Steps over which the most spread prompt is prefilled.
double steps_per_prompt(const SharingStudy& study, std::int64_t batch) {
  const bool whole_prompts = batch % study.output == 0;
  return batch < study.output ? std::ceil(real(study.output) / real(batch)) : whole_prompts ? 1 : 2;
}

// Calls rate(batch) for batches in ratios of 1.2 and keeps the best within the limits.
template <class Rate>
SharingRate best_rate(const SharingStudy& study, Rate&& rate) {
  constexpr std::int64_t kMost = 1 << 14;
  SharingRate best;
  for (std::int64_t batch = 1; batch <= kMost; batch = std::max(batch + 1, batch * 6 / 5)) {
    const std::optional<SharingRate> here = rate(batch);
    if (!here) {
      break;  // larger batches fit even less
    }
    if (here->tpot <= study.tpot && here->ttft <= study.ttft && here->tokens_per_s > best.tokens_per_s) {
      best = *here;
    }
    if (here->tpot > study.tpot) {
      break;  // and take longer
    }
  }
  return best;
}

SharingRate one_chip(const SharingStudy& study, const Model& model, const SystolicCard& card, int chips,
                     const Plan& plan, std::string_view sharing) {
  Timer timer;
  return best_rate(study, [&](std::int64_t batch) -> std::optional<SharingRate> {
    const auto loaded = load(model, card, chips, need_of(study, batch), plan, sharing);
    if (!loaded) {
      return std::nullopt;
    }
    const Step step = steady_step(study, batch);
    SharingRate rate;
    rate.batch = batch;
    rate.tpot = timer.time(*loaded, step);
    rate.ttft = rate.tpot * steps_per_prompt(study, batch);
    rate.tokens_per_s = real(batch) * loaded->batches_in_flight() / rate.tpot.value;
    rate.decode_slabs = sharing == "/shared" ? timer.slabs(*loaded, step) : 0;
    return rate;
  });
}

// Half of the chip's slabs, memories, ports, vector unit, link and power. The link that carries the caches is
// the whole one's: the two halves face each other.
SystolicCard half_of(SystolicCard card) {
  if (card.array.count % 2 == 0) {
    card.array.count /= 2;
  } else {
    card.array.rows /= 2;
    card.finest.row_parts = std::max<std::int64_t>(1, card.finest.row_parts / 2);
  }
  card.vector *= 0.5;
  card.sram_capacity *= 0.5;
  card.sram_buffers *= 0.5;
  card.sram_bandwidth *= 0.5;
  card.hbm_capacity *= 0.5;
  card.hbm_reserve *= 0.5;
  card.hbm_bandwidth *= 0.5;
  card.tdp *= 0.5;
  card.idle *= 0.5;
  if (card.links) {
    card.links->bandwidth *= 0.5;
  }
  return card;
}

SharingRate two_halves(const SharingStudy& study, const Model& model, const SystolicCard& card, int chips) {
  Timer timer;
  const SystolicCard half = half_of(card);
  const std::optional<Plan> best = study_plan(study, model, half, chips);
  if (!best) {
    return {};
  }
  const Plan& plan = *best;
  const auto prefiller = load(model, half, chips, need_of(study, 1), plan, "/batched");
  if (!prefiller) {
    return {};
  }
  const Seconds prompt = timer.time(*prefiller, {{{1, study.prompt, 0}}, {}});
  const Bytes cache = kv_bytes(model, study.prompt);
  const Seconds transfer =
      card.links ? cache / (card.links->bandwidth * card.links->achieved * chips) : Seconds(0);
  const double prompts_per_s = prefiller->batches_in_flight() / prompt.value;
  return best_rate(study, [&](std::int64_t batch) -> std::optional<SharingRate> {
    const auto decoder = load(model, half, chips, need_of(study, batch), plan, "/batched");
    if (!decoder) {
      return std::nullopt;
    }
    SharingRate rate;
    rate.batch = batch;
    rate.tpot = timer.time(*decoder, {{{batch, 1, study.prompt + study.output / 2}}, {}});
    rate.ttft = prompt + transfer;
    rate.tokens_per_s = std::min(real(batch) * decoder->batches_in_flight() / rate.tpot.value,
                                 prompts_per_s * real(study.output));
    return rate;
  });
}

}  // namespace

SharingStudy read_study(const Chip& chip) {
  SharingStudy study;
  study.model = chip.word("study.model");
  study.prompt = whole(chip, "study.prompt");
  study.output = whole(chip, "study.output");
  study.ttft = chip.get<Seconds>("study.ttft");
  study.tpot = chip.get<Seconds>("study.tpot");
  return study;
}

Step steady_step(const SharingStudy& study, std::int64_t batch) {
  Step step;
  step.slices.push_back({batch, 1, study.prompt + study.output / 2});
  const std::int64_t tokens = (batch * study.prompt + study.output - 1) / study.output;
  const std::int64_t prompts = tokens / study.prompt, part = tokens % study.prompt;
  if (prompts > 0) {
    step.slices.push_back({prompts, study.prompt, 0});
  }
  if (part > 0) {  // of one more prompt, behind half of the rest on average
    step.slices.push_back({1, part, (study.prompt - part) / 2});
  }
  return step;
}

SharingComparison compare_sharing(const SharingStudy& study, const Model& model, const System& system) {
  const SystolicCard card = read_systolic_card(system);
  const int chips = system.chips();
  SharingComparison comparison;
  const std::optional<Plan> plan = study_plan(study, model, card, chips);
  if (!plan) {
    return comparison;
  }
  comparison.batched = one_chip(study, model, card, chips, *plan, "/batched");
  comparison.turns = comparison.shared = comparison.batched;
  if (card.splits()) {
    comparison.turns = one_chip(study, model, card, chips, *plan, "/turns");
    comparison.shared = one_chip(study, model, card, chips, *plan, "/shared");
  }
  comparison.halves = two_halves(study, model, card, chips);
  return comparison;
}

std::vector<SharePoint> decode_shares(const SharingStudy& study, const Model& model, const System& system,
                                      std::int64_t batch) {
  const SystolicCard card = read_systolic_card(system);
  const std::optional<Plan> plan = study_plan(study, model, card, system.chips());
  const auto loaded = plan ? load(model, card, system.chips(), need_of(study, batch), *plan, "")
                           : std::optional<SystolicModel>();
  std::vector<SharePoint> points;
  if (!loaded) {
    return points;
  }
  const Step both = steady_step(study, batch);
  const Step decode{{both.slices.front()}, {}};
  Program program;
  ScheduleClock clock;
  for (std::int64_t slabs = 1; slabs < card.finest.row_parts; slabs *= 2) {
    SharePoint point;
    point.slabs = slabs;
    loaded->lower_as(decode, {Sharing::shared, slabs}, program);
    point.alone = clock.run(program).time;
    loaded->lower_as(both, {Sharing::shared, slabs}, program);
    clock.run(program);
    // Decode's blocks come first; the last block is the host's.
    std::size_t task = 0;
    for (std::size_t block = 0; block < program.blocks.size() / 2; ++block) {
      for (std::size_t i = 0; i < program.blocks[block].tasks.size(); ++i) {
        point.waiting += to_seconds(clock.totals()[task++].waiting);
      }
    }
    points.push_back(point);
  }
  return points;
}

}  // namespace memwall
