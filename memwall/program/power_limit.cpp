#include "memwall/program/power_limit.h"

#include <algorithm>

namespace memwall {
namespace {

// Sums over every demand of the program, repetitions counted.
template <class Value>
double sum_of_demands(const Program& program, Value&& value) {
  double sum = 0;
  for (const Block& block : program.blocks) {
    double once = 0;
    for (const Task& task : block.tasks) {
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        once += value(program.resources[task.demands[i].resource], task.demands[i]);
      }
    }
    sum += static_cast<double>(block.repeat) * once;
  }
  return sum;
}

Seconds rest(const Program& program) {
  return Seconds(sum_of_demands(program, [](const Resource& resource, const Demand& demand) {
    return resource.is_rest ? demand.charged / resource.sustained_rate : 0;
  }));
}

double supply_squared(const PowerControl& power) {
  const double supply = power.voltage.supply(power.clock_share);
  return supply * supply;
}

}  // namespace

Joules static_energy(const Program& program, Seconds time) {
  Joules energy = program.static_power * time;
  if (program.power.clocked.value > 0) {
    const Seconds at_work(std::max(0.0, (time - rest(program)).value));
    energy += program.power.clocked * at_work * (program.power.clock_share * supply_squared(program.power));
  }
  return energy;
}

Joules dynamic_energy(const Program& program) {
  return Joules(sum_of_demands(program,
                               [](const Resource& resource, const Demand& demand) {
                                 return demand.switched * resource.energy_per_amount.value;
                               })) *
         program.replicas;
}

Watts average_power(const Program& program, Seconds time) {
  if (!(time.value > 0)) {
    return Watts(0);
  }
  return (dynamic_energy(program) * program.power.overlap + static_energy(program, time)) / time;
}

void set_clock(Program& program, double clock_share) {
  PowerControl& power = program.power;
  const double before = supply_squared(power), slower = clock_share / power.clock_share;
  power.clock_share = clock_share;
  const double cheaper = supply_squared(power) / before;
  for (Resource& resource : program.resources) {
    if (resource.follows_clock) {
      resource.sustained_rate = std::min(resource.sustained_rate * slower, resource.peak_rate);
      resource.energy_per_amount *= cheaper;
    }
  }
}

Timing run_within_power(Program& program, ScheduleClock& clock) {
  const Timing full = clock.run(program);
  const Watts limit = program.power.limit;
  const auto holds = [&](const Timing& timing) { return average_power(program, timing.time) <= limit; };
  if (!(limit.value > 0) || holds(full)) {
    return full;
  }
  constexpr int kSteps = 1024;
  int below = 0, above = kSteps;  // the clock is between them: at `above` the power is too much
  while (above - below > 1) {
    const int middle = (below + above) / 2;
    set_clock(program, static_cast<double>(middle) / kSteps);
    (holds(clock.run(program)) ? below : above) = middle;
  }
  set_clock(program, static_cast<double>(std::max(below, 1)) / kSteps);
  return clock.run(program);
}

Ledger ledger_within_power(Program& program, ScheduleClock& clock) {
  const Timing timing = run_within_power(program, clock);
  return make_ledger(program, timing, clock.totals());
}

}  // namespace memwall
