#include "memwall/processors/systolic/sharing.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/program/clock.h"

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

// The first plan that holds the batch, with the mode's sharing named.
std::optional<SystolicModel> load(const Model& model, const SystolicCard& card, int chips, const Need& need,
                                  std::string_view sharing) {
  for (Plan plan : systolic_plans(model, card, chips)) {
    Need all = need;
    all.sequences *= plan.pp;  // batches in flight
    if (place_systolic(model, card, plan, all, chips).fits) {
      plan.mode += sharing;
      return SystolicModel(card, model, plan, {});
    }
  }
  return std::nullopt;
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
    return clock_.run(program_).time;
  }
  std::int64_t slabs(const SystolicModel& model, const Step& step) {
    return model.choose(step, program_).decode_slabs;
  }

 private:
  Program program_;
  ScheduleClock clock_;
};

// Steps over which a prompt is spread.
double steps_per_prompt(const SharingStudy& study, std::int64_t batch) {
  return std::max(1.0, std::ceil(real(study.output) / real(batch)));
}

// Calls rate(batch) for batches in ratios of about 1.4 and keeps the best within the limits.
template <class Rate>
SharingRate best_rate(const SharingStudy& study, Rate&& rate) {
  constexpr std::int64_t kMost = 1 << 14;
  SharingRate best;
  for (std::int64_t batch = 1; batch <= kMost; batch = std::max(batch + 1, batch * 7 / 5)) {
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
                     std::string_view sharing) {
  Timer timer;
  return best_rate(study, [&](std::int64_t batch) -> std::optional<SharingRate> {
    const auto loaded = load(model, card, chips, need_of(study, batch), sharing);
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

// Half of the chip's slabs, memories, ports, vector unit and link. The link that carries the caches is the
// whole one's: the two halves face each other.
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
  if (card.links) {
    card.links->bandwidth *= 0.5;
  }
  return card;
}

SharingRate two_halves(const SharingStudy& study, const Model& model, const SystolicCard& card, int chips) {
  Timer timer;
  const SystolicCard half = half_of(card);
  const auto prefiller = load(model, half, chips, need_of(study, 1), "/batched");
  if (!prefiller) {
    return {};
  }
  const Seconds prompt = timer.time(*prefiller, {{{1, study.prompt, 0}}, {}});
  const Bytes cache = kv_bytes(model, study.prompt);
  const Seconds transfer =
      card.links ? cache / (card.links->bandwidth * card.links->achieved * chips) : Seconds(0);
  const double prompts_per_s = prefiller->batches_in_flight() / prompt.value;
  return best_rate(study, [&](std::int64_t batch) -> std::optional<SharingRate> {
    const auto decoder = load(model, half, chips, need_of(study, batch), "/batched");
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
  const double tokens = real(batch) * real(study.prompt) / real(study.output);
  if (tokens < real(study.prompt)) {
    // A part of one prompt, behind half of the rest on average.
    const auto part = static_cast<std::int64_t>(std::ceil(tokens));
    step.slices.push_back({1, part, (study.prompt - part) / 2});
  } else {
    step.slices.push_back(
        {static_cast<std::int64_t>(std::ceil(tokens / real(study.prompt))), study.prompt, 0});
  }
  return step;
}

SharingComparison compare_sharing(const SharingStudy& study, const Model& model, const System& system) {
  const SystolicCard card = read_systolic_card(system);
  const int chips = system.chips();
  SharingComparison comparison;
  comparison.batched = one_chip(study, model, card, chips, "/batched");
  comparison.turns = comparison.shared = comparison.batched;
  if (card.splits()) {
    comparison.turns = one_chip(study, model, card, chips, "/turns");
    comparison.shared = one_chip(study, model, card, chips, "/shared");
  }
  comparison.halves = two_halves(study, model, card, chips);
  return comparison;
}

std::vector<SharePoint> decode_shares(const SharingStudy& study, const Model& model, const System& system,
                                      std::int64_t batch) {
  const SystolicCard card = read_systolic_card(system);
  const auto loaded = load(model, card, system.chips(), need_of(study, batch), "");
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
