#include "memwall/program/ledger.h"

#include <algorithm>

#include "memwall/program/power_limit.h"

namespace memwall {
namespace {

std::string bound_by(const std::array<double, kCategoryCount>& shares) {
  const auto largest = std::ranges::max_element(shares);
  return std::string(name(static_cast<Category>(largest - shares.begin())));
}

// The line of a label in the current block; a block's lines are in order of their first task.
LedgerLine& line_of(Ledger& ledger, std::vector<std::int32_t>& line_of_label, const Program& program,
                    const Block& block, std::int32_t label) {
  std::int32_t& index = line_of_label[label];
  if (index < 0) {
    index = static_cast<std::int32_t>(ledger.lines.size());
    LedgerLine& line = ledger.lines.emplace_back();
    line.block = block.name;
    line.label = program.labels[label];
  }
  return ledger.lines[index];
}

void add_demand(const Program& program, const Demand& demand, double repeat, LedgerLine& line,
                Ledger& ledger) {
  const Resource& resource = program.resources[demand.resource];
  ResourceLine& total = ledger.resources[demand.resource];
  const double useful = repeat * demand.useful, charged = repeat * demand.charged;
  const Joules energy = repeat * demand.switched * resource.energy_per_amount * program.replicas;
  total.busy += repeat * to_seconds(service_time(resource, demand));
  total.useful += useful;
  total.charged += charged;
  total.energy += energy;
  line.energy += energy;
  ledger.energies[static_cast<std::size_t>(demand.category)] += energy;
  if (resource.amount == Amount::bytes) {
    line.bytes += Bytes(charged);
    ledger.bytes += Bytes(charged * program.replicas);
  } else if (resource.amount == Amount::ops) {
    line.ops += Ops(useful);
    ledger.ops += Ops(useful * program.replicas);
  }
}

}  // namespace

std::array<double, kCategoryCount> Ledger::energy_shares() const {
  std::array<double, kCategoryCount> parts{};
  for (std::size_t c = 0; c < parts.size(); ++c) {
    parts[c] = energy().value > 0 ? double(energies[c] / energy()) : 0;
  }
  return parts;
}

Ledger make_ledger(const Program& program, ScheduleClock& clock) {
  const Timing timing = clock.run(program);
  return make_ledger(program, timing, clock.totals());
}

Ledger make_ledger(const Program& program, const Timing& timing, const std::vector<TaskTotals>& task_totals) {
  Ledger ledger;
  ledger.clock = program.power.clock;
  ledger.clock_share = program.power.clock_share;
  ledger.time = timing.time;
  ledger.bound = bound_time(program).time;
  for (const Resource& resource : program.resources) {
    ledger.resources.emplace_back().resource = resource.name;
  }

  const TaskTotals* totals = task_totals.data();
  std::vector<std::int32_t> line_of_label;
  for (const Block& block : program.blocks) {
    line_of_label.assign(program.labels.size(), -1);
    const double repeat = static_cast<double>(block.repeat);
    for (const Task& task : block.tasks) {
      LedgerLine& line = line_of(ledger, line_of_label, program, block, task.label);
      line.tasks += block.repeat;
      line.busy += to_seconds(totals->busy);
      line.waiting += to_seconds(totals->waiting);
      line.on_path += to_seconds(totals->on_path);
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        add_demand(program, task.demands[i], repeat, line, ledger);
      }
      ++totals;
    }
  }

  for (std::size_t r = 0; r < ledger.resources.size(); ++r) {
    ResourceLine& line = ledger.resources[r];
    ledger.dynamic_energy += line.energy;
    if (!program.resources[r].is_delay && ledger.time.value > 0) {
      line.utilization = line.busy / ledger.time;
    }
  }
  ledger.static_energy = static_energy(program, ledger.time);
  ledger.energies[static_cast<std::size_t>(Category::overhead)] += ledger.static_energy;
  for (std::size_t c = 0; c < ledger.shares.size(); ++c) {
    ledger.shares[c] = ledger.time.value > 0 ? double(timing.on_path[c] / ledger.time) : 0;
  }
  if (!(ledger.time.value > 0)) {
    ledger.shares[static_cast<std::size_t>(Category::overhead)] = 1;
  }
  ledger.bound_by = bound_by(ledger.shares);
  return ledger;
}

}  // namespace memwall
