// random_program.h - programs for property tests: every feature of a Program in small, and amounts that make
// ties, waiting and zero times likely.
#pragma once

#include "memwall/program/program.h"
#include "tests/support/check_property.h"

namespace memwall {

inline Resource any_resource(int index) {
  Resource resource;
  resource.name = "resource" + std::to_string(index);
  resource.amount = *rc::gen::element(Amount::bytes, Amount::ops, Amount::messages);
  resource.is_delay = pick(0, 4) == 0;
  resource.sustained_rate = *rc::gen::element(1e12, 0.7e12, 3e11);
  resource.peak_rate = resource.sustained_rate * *rc::gen::element(1.0, 1.25);
  resource.energy_per_amount = Joules(*rc::gen::element(0.0, 2.0));
  return resource;
}

inline Task any_task(int index, int resources, int labels) {
  Task task;
  task.label = pick(0, labels);
  const int predecessors = index == 0 ? 0 : pick(0, Task::kMaxPredecessors + 1);
  for (int i = 0; i < predecessors; ++i) {
    add_predecessor(task, pick(0, index));
  }
  const int demands = resources == 0 ? 0 : pick(0, Task::kMaxDemands + 1);
  for (int i = 0; i < demands; ++i) {
    const double useful = pick(0, 6);
    const double charged = useful + *rc::gen::element(0.0, 0.5, 1.0);
    const auto category = static_cast<Category>(pick(0, kCategoryCount));
    add_demand(task, pick(0, resources), category, useful, charged);
  }
  return task;
}

inline Block any_block(int index, int resources, int labels, std::int64_t most_repeat) {
  Block block;
  block.name = "block" + std::to_string(index);
  block.repeat = pick<std::int64_t>(1, most_repeat + 1);
  for (int before = 0; before < index; ++before) {
    if (pick(0, 5) == 0) {
      block.after.push_back(before);
    }
  }
  const int tasks = pick(0, 7);
  for (int t = 0; t < tasks; ++t) {
    block.tasks.push_back(any_task(t, resources, labels));
  }
  return block;
}

inline Program any_program(std::int64_t most_repeat = 40) {
  Program program;
  const int resources = pick(0, 5);
  const int blocks = pick(0, 5);
  program.labels = {"qkv", "attention", "ffn"};
  program.replicas = *rc::gen::element(1.0, 8.0);
  program.static_power = Watts(*rc::gen::element(0.0, 300.0));
  for (int r = 0; r < resources; ++r) {
    program.resources.push_back(any_resource(r));
  }
  for (int b = 0; b < blocks; ++b) {
    program.blocks.push_back(any_block(b, resources, 3, most_repeat));
  }
  return program;
}

}  // namespace memwall
