#include "memwall/serving/phases.h"

#include <algorithm>

namespace memwall {
namespace {

// Amounts of one resource over the whole program and all replicas.
struct Use {
  double useful_ops = 0;     // in tasks of arithmetic
  double fetched_bytes = 0;  // weights and KV
  double charged = 0;
};

std::vector<Use> uses(const Program& program) {
  std::vector<Use> use(program.resources.size());
  for (const Block& block : program.blocks) {
    const double times = static_cast<double>(block.repeat) * program.replicas;
    for (const Task& task : block.tasks) {
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        const Demand& demand = task.demands[static_cast<std::size_t>(i)];
        const Resource& resource = program.resources[static_cast<std::size_t>(demand.resource)];
        Use& line = use[static_cast<std::size_t>(demand.resource)];
        line.charged += times * demand.charged;
        if (resource.amount == Amount::ops) {
          line.useful_ops += times * demand.useful;
        } else if (resource.amount == Amount::bytes &&
                   (demand.category == Category::weights || demand.category == Category::kv)) {
          line.fetched_bytes += times * demand.charged;
        }
      }
    }
  }
  return use;
}

// The fastest arithmetic that the program uses and the memory that most weights and KV come from.
Roofline roofline_of(const Program& program, const std::vector<Use>& use) {
  Roofline roof;
  double most_fetched = 0;
  for (std::size_t i = 0; i < use.size(); ++i) {
    const Resource& resource = program.resources[i];
    const double peak = resource.peak_rate * program.replicas;
    if (use[i].useful_ops > 0 && peak > roof.peak_ops.value) {
      roof.arithmetic = resource.name;
      roof.peak_ops = OpsPerSecond(peak);
    }
    if (use[i].fetched_bytes > most_fetched) {
      most_fetched = use[i].fetched_bytes;
      roof.memory = resource.name;
      roof.peak_bandwidth = BytesPerSecond(peak);
    }
  }
  return roof;
}

Bytes bytes_of_resource(const Program& program, const std::vector<Use>& use, const std::string& resource) {
  for (std::size_t i = 0; i < use.size(); ++i) {
    if (program.resources[i].name == resource) {
      return Bytes(use[i].charged);
    }
  }
  return Bytes(0);
}

// Power that flows all the time is shared by the batches in flight.
Joules energy_per_batch(const Ledger& ledger, double batches_in_flight) {
  return ledger.dynamic_energy + ledger.static_energy / batches_in_flight;
}

void add(const Ledger& ledger, double batches_in_flight, Phase& phase) {
  const double before = phase.time.value, more = ledger.time.value;
  for (std::size_t i = 0; i < phase.shares.size(); ++i) {
    phase.shares[i] = (phase.shares[i] * before + ledger.shares[i] * more) / (before + more);
  }
  phase.time += ledger.time;
  phase.bound += ledger.bound;
  phase.ops += ledger.ops;
  phase.moved += ledger.bytes;
  phase.energy += energy_per_batch(ledger, batches_in_flight);
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
  const std::vector<Use> decode_use = uses(timer.program());
  const Roofline decode_roof = roofline_of(timer.program(), decode_use);
  phases.decode.bytes = bytes_of_resource(timer.program(), decode_use, decode_roof.memory);

  phases.roofline = decode_roof;
  for (const Step& step : prefill_steps(query)) {
    add(timer.ledger(step), in_flight, phases.prefill);
    const std::vector<Use> use = uses(timer.program());
    const Roofline roof = roofline_of(timer.program(), use);
    if (roof.peak_ops > phases.roofline.peak_ops) {
      phases.roofline.arithmetic = roof.arithmetic;
      phases.roofline.peak_ops = roof.peak_ops;
    }
    phases.prefill.bytes += bytes_of_resource(timer.program(), use, decode_roof.memory);
  }
  finish(phases.prefill);
  finish(phases.decode);
  const double tokens = static_cast<double>(query.batch) * static_cast<double>(query.output);
  const Joules energy = phases.prefill.energy + static_cast<double>(query.output - 1) * phases.decode.energy;
  phases.j_per_token = energy.value / tokens;
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
