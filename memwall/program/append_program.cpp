#include "memwall/program/append_program.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace memwall {
namespace {

// Appends to `all` what it does not have yet.
void add_missing(Frontier& all, const Frontier& more) {
  for (const std::int32_t task : more) {
    if (std::find(all.begin(), all.end(), task) == all.end()) {
      all.push_back(task);
    }
  }
}

}  // namespace

ProgramBuilder::ProgramBuilder(Program& program) : program_(program) {
  program_.resources.clear();
  program_.labels.clear();
  program_.blocks.clear();
  program_.replicas = 1;
  program_.static_power = Watts(0);
  program_.power = {};
}

std::int32_t ProgramBuilder::open_block(std::string name, std::int64_t repeat,
                                        std::vector<std::int32_t> after) {
  program_.blocks.push_back({std::move(name), repeat, {}, std::move(after)});
  return static_cast<std::int32_t>(program_.blocks.size()) - 1;
}

std::int32_t ProgramBuilder::add_resource(Resource resource) {
  const auto found = std::find_if(program_.resources.begin(), program_.resources.end(),
                                  [&](const Resource& each) { return each.name == resource.name; });
  if (found != program_.resources.end()) {
    return static_cast<std::int32_t>(found - program_.resources.begin());
  }
  program_.resources.push_back(std::move(resource));
  return static_cast<std::int32_t>(program_.resources.size()) - 1;
}

std::int32_t ProgramBuilder::label(const std::string& text) {
  const auto found = std::find(program_.labels.begin(), program_.labels.end(), text);
  if (found != program_.labels.end()) {
    return static_cast<std::int32_t>(found - program_.labels.begin());
  }
  program_.labels.push_back(text);
  return static_cast<std::int32_t>(program_.labels.size()) - 1;
}

// More tasks than a task can wait for are joined by tasks that do nothing.
std::int32_t ProgramBuilder::add_task(Task task, const Frontier& frontier) {
  Frontier waits = frontier;
  while (waits.size() > Task::kMaxPredecessors) {
    Task join;
    join.label = task.label;
    for (int i = 0; i < Task::kMaxPredecessors; ++i) {
      add_predecessor(join, waits[static_cast<std::size_t>(i)]);
    }
    waits.erase(waits.begin(), waits.begin() + Task::kMaxPredecessors);
    block().tasks.push_back(join);
    waits.push_back(static_cast<std::int32_t>(block().tasks.size()) - 1);
  }
  for (const std::int32_t predecessor : waits) {
    add_predecessor(task, predecessor);
  }
  block().tasks.push_back(task);
  return static_cast<std::int32_t>(block().tasks.size()) - 1;
}

Frontier ProgramBuilder::append(Task task, const std::string& label_text, const Frontier& frontier) {
  task.label = label(label_text);
  return {add_task(task, frontier)};
}

Frontier ProgramBuilder::append(const Program& part, const std::string& prefix, const Frontier& frontier) {
  std::vector<std::int32_t> resources, labels;
  for (Resource resource : part.resources) {
    resource.name = prefix + "." + resource.name;
    resource.peak_rate *= part.replicas;
    resource.sustained_rate *= part.replicas;
    resources.push_back(add_resource(std::move(resource)));
  }
  for (const std::string& text : part.labels) {
    labels.push_back(label(prefix + "." + text));
  }
  std::vector<Frontier> ends;                           // of the part's blocks
  std::vector<bool> is_last(part.blocks.size(), true);  // nothing is after it
  for (const Block& from : part.blocks) {
    Frontier begin = from.after.empty() ? frontier : Frontier();
    for (const std::int32_t earlier : from.after) {
      add_missing(begin, ends[static_cast<std::size_t>(earlier)]);
      is_last[static_cast<std::size_t>(earlier)] = false;
    }
    for (std::int64_t run = 0; run < from.repeat; ++run) {
      std::vector<std::int32_t> placed;
      std::vector<bool> is_sink(from.tasks.size(), true);
      for (const Task& original : from.tasks) {
        Task task = original;
        task.label = labels[static_cast<std::size_t>(original.label)];
        for (std::int32_t i = 0; i < task.demand_count; ++i) {
          Demand& demand = task.demands[static_cast<std::size_t>(i)];
          demand.resource = resources[static_cast<std::size_t>(demand.resource)];
          demand.useful *= part.replicas;
          demand.charged *= part.replicas;
          demand.switched *= part.replicas;
        }
        Frontier waits;
        for (std::int32_t i = 0; i < original.predecessor_count; ++i) {
          const auto earlier = static_cast<std::size_t>(original.predecessors[static_cast<std::size_t>(i)]);
          waits.push_back(placed[earlier]);
          is_sink[earlier] = false;
        }
        task.predecessor_count = 0;
        placed.push_back(add_task(task, original.predecessor_count > 0 ? waits : begin));
      }
      Frontier end;
      for (std::size_t i = 0; i < placed.size(); ++i) {
        if (is_sink[i]) {
          end.push_back(placed[i]);
        }
      }
      begin = placed.empty() ? begin : end;
    }
    ends.push_back(begin);
  }
  Frontier end;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (is_last[i]) {
      add_missing(end, ends[i]);
    }
  }
  return part.blocks.empty() ? frontier : end;
}

}  // namespace memwall
