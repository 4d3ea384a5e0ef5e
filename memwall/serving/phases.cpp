#include "memwall/serving/phases.h"

#include <algorithm>

namespace memwall {
namespace {

// Power that flows all the time is shared by the batches in flight.
Joules energy_per_batch(const Ledger& ledger, double batches_in_flight) {
  return ledger.dynamic_energy + ledger.static_energy / batches_in_flight;
}

void add(const Ledger& ledger, double batches_in_flight, Phase& phase) {
  const double before = phase.time.value, more = ledger.time.value;
  for (std::size_t i = 0; i < phase.shares.size(); ++i) {
    phase.shares[i] = (phase.shares[i] * before + ledger.shares[i] * more) / (before + more);
  }
  std::array<double, kCategoryCount> joules{};
  for (std::size_t i = 0; i < joules.size(); ++i) {
    joules[i] = phase.energy_shares[i] * phase.energy.value + ledger.energies[i].value;
  }
  // Static energy is in the ledger's overhead whole; a batch carries its part.
  joules[static_cast<std::size_t>(Category::overhead)] -=
      (ledger.static_energy * (1 - 1 / batches_in_flight)).value;
  phase.energy += energy_per_batch(ledger, batches_in_flight);
  for (std::size_t i = 0; i < joules.size(); ++i) {
    phase.energy_shares[i] = phase.energy.value > 0 ? std::max(0.0, joules[i]) / phase.energy.value : 0;
  }
  phase.clock = ledger.clock;
  phase.clock_share = std::min(phase.clock_share, ledger.clock_share);
  phase.time += ledger.time;
  phase.bound += ledger.bound;
  phase.ops += ledger.ops;
  phase.moved += ledger.bytes;
}

void finish(Phase& phase) {
  const auto largest = std::max_element(phase.shares.begin(), phase.shares.end());
  phase.bound_by = std::string(name(static_cast<Category>(largest - phase.shares.begin())));
}

}  // namespace

std::vector<Step> prefill_steps(const RaceQuery& query) {
  // A step takes `share` tokens of every sequence; at least one, however many sequences there are.
  const std::int64_t share = std::clamp<std::int64_t>(query.max_step_tokens / query.batch, 1, query.prompt);
  const std::int64_t count = (query.prompt + share - 1) / share;
  const std::int64_t even = (query.prompt + count - 1) / count;
  std::vector<Step> steps;
  for (std::int64_t past = 0; past < query.prompt; past += even) {
    steps.push_back({{{query.batch, std::min(even, query.prompt - past), past}}, query.routing});
  }
  return steps;
}

Step decode_step(const RaceQuery& query) { return {{{query.batch, 1, query.mean_context()}}, query.routing}; }

Need need_of(const RaceQuery& query) {
  Need need;
  need.sequences = query.batch;
  need.context = query.prompt + query.output;
  need.step_tokens = std::max(query.batch, std::min(query.batch * query.prompt, query.max_step_tokens));
  return need;
}

Seconds end_to_end(const RaceQuery& query, Seconds ttft, Seconds tpot) {
  return ttft + static_cast<double>(query.output - 1) * tpot;
}

Phases run_phases(const RaceQuery& query, StepTimer& timer) {
  Phases phases;
  const double in_flight = timer.batches_in_flight();

  add(timer.ledger(decode_step(query)), in_flight, phases.decode);
  phases.roofline = roofline_of(timer.program());
  phases.decode.bytes = phases.roofline.bytes;
  for (const Step& step : prefill_steps(query)) {
    add(timer.ledger(step), in_flight, phases.prefill);
    const Roofline roof = roofline_of(timer.program());
    if (roof.peak_ops > phases.roofline.peak_ops) {
      phases.roofline.arithmetic = roof.arithmetic;
      phases.roofline.peak_ops = roof.peak_ops;
    }
    phases.prefill.bytes += bytes_of(timer.program(), phases.roofline.memory);
  }
  finish(phases.prefill);
  finish(phases.decode);
  const double tokens = static_cast<double>(query.batch) * static_cast<double>(query.output);
  const Joules energy = phases.prefill.energy + static_cast<double>(query.output - 1) * phases.decode.energy;
  phases.j_per_token = energy.value / tokens;
  for (std::size_t i = 0; i < phases.j_per_token_shares.size(); ++i) {
    const Joules part =
        phases.prefill.energy_shares[i] * phases.prefill.energy +
        static_cast<double>(query.output - 1) * phases.decode.energy_shares[i] * phases.decode.energy;
    phases.j_per_token_shares[i] = energy.value > 0 ? double(part / energy) : 0;
  }
  return phases;
}

Seconds end_to_end_time(const RaceQuery& query, StepTimer& timer) {
  Seconds ttft;
  for (const Step& step : prefill_steps(query)) {
    ttft += timer.time(step);
  }
  return end_to_end(query, ttft, timer.time(decode_step(query)));
}

}  // namespace memwall
