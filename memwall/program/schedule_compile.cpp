#include "memwall/program/schedule_engine.h"

namespace memwall {

void ScheduleEngine::compile(const Program& program) {
  nodes.clear();
  uses.clear();
  sources.clear();
  block_nodes.clear();
  double serial_ps = 0;
  for (const Block& block : program.blocks) {
    const auto index = static_cast<std::int32_t>(block_nodes.size());
    BlockNode& block_node = block_nodes.emplace_back();
    block_node.first = static_cast<std::int32_t>(nodes.size());
    block_node.source_begin = static_cast<std::int32_t>(sources.size());
    block_node.repeat = block.repeat;
    double block_ps = 0;
    for (const Task& task : block.tasks) {
      if (task.predecessor_count == 0) {
        sources.push_back(static_cast<std::int32_t>(nodes.size()));
      }
      compile_task(program, task, index);
      block_ps += static_cast<double>(nodes.back().delay_ps) + static_cast<double>(nodes.back().work_ps);
    }
    serial_ps += block_ps * static_cast<double>(block.repeat);
    block_node.end = static_cast<std::int32_t>(nodes.size());
    block_node.source_end = static_cast<std::int32_t>(sources.size());
  }
  check_length(serial_ps);
  compile_successors(program);
  compile_block_successors(program);
}

void ScheduleEngine::compile_task(const Program& program, const Task& task, std::int32_t block) {
  Node node;
  node.block = block;
  node.predecessors = task.predecessor_count;
  node.use_begin = static_cast<std::int32_t>(uses.size());
  std::array<std::int64_t, Task::kMaxDemands> longest{};  // demand of each use
  for (std::int32_t i = 0; i < task.demand_count; ++i) {
    const Demand& demand = task.demands[i];
    const Resource& resource = program.resources[demand.resource];
    const std::int64_t ps = charged_ps(resource, demand);
    if (resource.is_delay) {
      node.delay_ps += ps;
      continue;
    }
    if (ps == 0) {
      continue;
    }
    std::size_t use = node.use_begin;
    while (use < uses.size() && uses[use].resource != demand.resource) {
      ++use;
    }
    if (use == uses.size()) {
      uses.push_back({0, demand.resource, demand.category});
    }
    uses[use].ps += ps;
    if (ps > longest[use - node.use_begin]) {
      longest[use - node.use_begin] = ps;
      uses[use].category = demand.category;
    }
    node.work_ps = std::max(node.work_ps, uses[use].ps);
  }
  node.use_end = static_cast<std::int32_t>(uses.size());
  nodes.push_back(node);
}

// Counting sort of the edges by predecessor: successors of a task are in ascending order.
void ScheduleEngine::compile_successors(const Program& program) {
  std::size_t task_index = 0, edges = 0;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    for (const Task& task : program.blocks[b].tasks) {
      edges += static_cast<std::size_t>(task.predecessor_count);
      for (std::int32_t i = 0; i < task.predecessor_count; ++i) {
        ++nodes[block_nodes[b].first + task.predecessors[i]].successor_end;
      }
    }
  }
  std::int32_t begin = 0;
  for (Node& node : nodes) {
    const std::int32_t count = node.successor_end;
    node.successor_begin = node.successor_end = begin;
    begin += count;
  }
  successors.resize(edges);
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    for (const Task& task : program.blocks[b].tasks) {
      for (std::int32_t i = 0; i < task.predecessor_count; ++i) {
        Node& predecessor = nodes[block_nodes[b].first + task.predecessors[i]];
        successors[predecessor.successor_end++] = static_cast<std::int32_t>(task_index);
      }
      ++task_index;
    }
  }
}

void ScheduleEngine::compile_block_successors(const Program& program) {
  std::size_t edges = 0;
  for (const Block& block : program.blocks) {
    edges += block.after.size();
    for (std::int32_t after : block.after) {
      ++block_nodes[after].successor_end;
    }
  }
  std::int32_t begin = 0;
  for (BlockNode& block : block_nodes) {
    const std::int32_t count = block.successor_end;
    block.successor_begin = block.successor_end = begin;
    begin += count;
  }
  block_successors.resize(edges);
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    for (std::int32_t after : program.blocks[b].after) {
      block_successors[block_nodes[after].successor_end++] = static_cast<std::int32_t>(b);
    }
  }
}

}  // namespace memwall
