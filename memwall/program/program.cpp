#include "memwall/program/program.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw std::logic_error("[program] " + where + ": " + what);
}

bool is_amount(double value) { return std::isfinite(value) && value >= 0; }

void verify_resource(const Resource& resource) {
  const std::string where = "resource '" + resource.name + "'";
  if (!(std::isfinite(resource.peak_rate) && resource.sustained_rate > 0)) {
    fail(where, "rates must be positive and finite");
  }
  if (resource.sustained_rate > resource.peak_rate) {
    fail(where, fmt::format("sustained rate {} is above the peak rate {}", resource.sustained_rate,
                            resource.peak_rate));
  }
  if (!is_amount(resource.energy_per_amount.value)) {
    fail(where, "energy per amount must be finite and not negative");
  }
  if (resource.is_rest && !resource.is_delay) {
    fail(where, "only a delay can be rest");
  }
}

void verify_task(const Program& program, const std::string& where, const Task& task, std::int32_t index) {
  if (task.label < 0 || task.label >= std::ssize(program.labels)) {
    fail(where, fmt::format("label {} is out of range", task.label));
  }
  if (task.demand_count < 0 || task.demand_count > Task::kMaxDemands || task.predecessor_count < 0 ||
      task.predecessor_count > Task::kMaxPredecessors) {
    fail(where, "more demands or predecessors than a task can hold");
  }
  for (std::int32_t i = 0; i < task.predecessor_count; ++i) {
    if (task.predecessors[i] < 0 || task.predecessors[i] >= index) {
      fail(where, fmt::format("predecessor {} is not an earlier task", task.predecessors[i]));
    }
  }
  for (std::int32_t i = 0; i < task.demand_count; ++i) {
    const Demand& demand = task.demands[i];
    if (demand.resource < 0 || demand.resource >= std::ssize(program.resources)) {
      fail(where, fmt::format("resource {} is out of range", demand.resource));
    }
    const std::string& resource = program.resources[demand.resource].name;
    if (!is_amount(demand.useful) || !is_amount(demand.charged) || !is_amount(demand.switched)) {
      fail(where, fmt::format("amounts of '{}' must be finite and not negative", resource));
    }
    if (demand.charged < demand.useful) {
      fail(where, fmt::format("charges {} of '{}', less than the useful {}", demand.charged, resource,
                              demand.useful));
    }
  }
}

void verify_power(const Program& program) {
  const PowerControl& power = program.power;
  if (!is_amount(program.static_power.value)) {
    fail("program", "static power must be finite and not negative");
  }
  if (!is_amount(power.limit.value) || !is_amount(power.clocked.value) || !is_amount(power.clock.value)) {
    fail("program", "power limit, clocked power and clock must be finite and not negative");
  }
  if (power.limit.value > 0 && power.limit <= program.static_power) {
    fail("program", "the power limit must be above the static power");
  }
  if (!(std::isfinite(power.overlap) && power.overlap >= 1)) {
    fail("program", fmt::format("overlap {} must be at least 1", power.overlap));
  }
  if (!(power.clock_share > 0 && power.clock_share <= 1)) {
    fail("program", fmt::format("clock share {} must be above 0 and at most 1", power.clock_share));
  }
}

std::string amount_text(Amount amount, double value) {
  switch (amount) {
    case Amount::bytes:
      return to_text(Bytes(value));
    case Amount::ops:
      return to_text(Ops(value));
    case Amount::messages:
      return fmt::format("{:g} messages", value);
  }
  throw std::logic_error("[program] unknown amount");
}

std::string task_text(const Program& program, const Task& task, std::int32_t index) {
  std::string text = fmt::format("  {:3} {}", index, program.labels[task.label]);
  for (std::int32_t i = 0; i < task.predecessor_count; ++i) {
    text += fmt::format("{}{}", i == 0 ? " after " : ", ", task.predecessors[i]);
  }
  for (std::int32_t i = 0; i < task.demand_count; ++i) {
    const Demand& demand = task.demands[i];
    const Resource& resource = program.resources[demand.resource];
    text += fmt::format("{}{} {}", i == 0 ? ": " : "; ", resource.name,
                        amount_text(resource.amount, demand.charged));
    if (demand.charged != demand.useful) {
      text += fmt::format(" (useful {})", amount_text(resource.amount, demand.useful));
    }
    text += fmt::format(" [{}]", name(demand.category));
  }
  return text + "\n";
}

}  // namespace

std::string_view name(Category category) {
  switch (category) {
    case Category::weights:
      return "weights";
    case Category::kv:
      return "kv";
    case Category::arithmetic:
      return "arithmetic";
    case Category::communication:
      return "communication";
    case Category::overhead:
      return "overhead";
  }
  throw std::logic_error("[program] unknown category");
}

std::string_view unit(Amount amount) {
  switch (amount) {
    case Amount::bytes:
      return "bytes";
    case Amount::ops:
      return "ops";
    case Amount::messages:
      return "messages";
  }
  throw std::logic_error("[program] unknown amount");
}

std::int64_t Program::task_count() const {
  std::int64_t count = 0;
  for (const Block& block : blocks) {
    count += block.repeat * std::ssize(block.tasks);
  }
  return count;
}

Resource queue_resource(std::string name, Amount amount, double peak_rate, double achieved,
                        Joules energy_per_amount, Category category) {
  Resource resource;
  resource.name = std::move(name);
  resource.amount = amount;
  resource.peak_rate = peak_rate;
  resource.sustained_rate = peak_rate * achieved;
  resource.energy_per_amount = energy_per_amount;
  resource.category = category;
  return resource;
}

Resource delay_resource(std::string name, double rate, Category category) {
  Resource resource = queue_resource(std::move(name), Amount::messages, rate, 1, Joules(0), category);
  resource.is_delay = true;
  return resource;
}

void add_demand(Task& task, std::int32_t resource, Category category, double useful, double charged) {
  add_demand(task, resource, category, useful, charged, std::max(useful, charged));
}

void add_demand(Task& task, std::int32_t resource, Category category, double useful, double charged,
                double switched) {
  assert(task.demand_count < Task::kMaxDemands);
  constexpr double kRounding = 1e-12;
  if (charged < useful && charged >= useful * (1 - kRounding)) {
    charged = useful;
  }
  task.demands[task.demand_count++] = {resource, category, useful, charged, switched};
}

void add_predecessor(Task& task, std::int32_t predecessor) {
  assert(task.predecessor_count < Task::kMaxPredecessors);
  task.predecessors[task.predecessor_count++] = predecessor;
}

void verify(const Program& program) {
  for (const Resource& resource : program.resources) {
    verify_resource(resource);
  }
  if (!(std::isfinite(program.replicas) && program.replicas >= 1)) {
    fail("program", fmt::format("replicas {} must be at least 1", program.replicas));
  }
  verify_power(program);
  for (std::int32_t b = 0; b < std::ssize(program.blocks); ++b) {
    const Block& block = program.blocks[b];
    const std::string where = "block '" + block.name + "'";
    if (block.repeat < 1) {
      fail(where, fmt::format("repeat {} must be at least 1", block.repeat));
    }
    for (std::int32_t after : block.after) {
      if (after < 0 || after >= b) {
        fail(where, fmt::format("runs after block {}, which is not an earlier one", after));
      }
    }
    for (std::int32_t t = 0; t < std::ssize(block.tasks); ++t) {
      verify_task(program, fmt::format("{} task {}", where, t), block.tasks[t], t);
    }
  }
}

std::string to_text(const Program& program) {
  const PowerControl& power = program.power;
  std::string text = fmt::format("{} tasks, {:g} replicas, static power {}", program.task_count(),
                                 program.replicas, to_text(program.static_power));
  if (power.clock.value > 0) {
    text += fmt::format(", clocked {} at {}, limit {}, clock at {:.3f}", to_text(power.clocked),
                        format_scaled(power.clock.value, "Hz"), to_text(power.limit), power.clock_share);
  }
  text += "\nresources\n";
  for (const Resource& resource : program.resources) {
    const std::string peak = amount_text(resource.amount, resource.peak_rate);
    const std::string sustained = amount_text(resource.amount, resource.sustained_rate);
    text += fmt::format("  {} {}: peak {}/s, sustained {}/s, {} each [{}]\n",
                        resource.is_delay ? "delay" : "queue", resource.name, peak, sustained,
                        to_text(resource.energy_per_amount), name(resource.category));
  }
  for (const Block& block : program.blocks) {
    text += fmt::format("block {} x{}", block.name, block.repeat);
    for (std::size_t i = 0; i < block.after.size(); ++i) {
      text += fmt::format("{}{}", i == 0 ? " after " : ", ", program.blocks[block.after[i]].name);
    }
    text += "\n";
    for (std::int32_t t = 0; t < std::ssize(block.tasks); ++t) {
      text += task_text(program, block.tasks[t], t);
    }
  }
  return text;
}

}  // namespace memwall
