#include <array>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <vector>

#include "memwall/program/task_time.h"

namespace memwall {
namespace {

// Finish times from the start of the block, or of the program for blocks.
struct Paths {
  std::pmr::vector<std::int64_t> task_finish;   // one repetition
  std::pmr::vector<std::int64_t> block_finish;  // all repetitions
  std::pmr::vector<std::int64_t> resource_busy;
};

std::int64_t start_of(const Task& task, std::span<const std::int64_t> finish) {
  std::int64_t start = 0;
  for (std::int32_t i = 0; i < task.predecessor_count; ++i) {
    start = std::max(start, finish[task.predecessors[i]]);
  }
  return start;
}

// The longest path through one repetition of a block, walked backwards, `repeat` times.
void add_block_path(const Program& program, const Block& block, std::span<const std::int64_t> finish,
                    CategoryTimes& on_path) {
  std::int32_t task_index = static_cast<std::int32_t>(std::ranges::max_element(finish) - finish.begin());
  while (task_index >= 0) {
    const Task& task = block.tasks[task_index];
    add_to_categories(program, task, task_time(program, task, bound_ps), block.repeat, bound_ps, on_path);
    std::int32_t critical = -1;
    for (std::int32_t i = 0; i < task.predecessor_count; ++i) {
      const std::int32_t predecessor = task.predecessors[i];
      if (critical < 0 || finish[predecessor] > finish[critical]) {
        critical = predecessor;
      }
    }
    task_index = critical;
  }
}

CategoryTimes path_categories(const Program& program, const Paths& paths) {
  CategoryTimes on_path{};
  std::size_t end = paths.task_finish.size();
  std::pmr::vector<std::size_t> first(program.blocks.size(), paths.task_finish.get_allocator());
  for (std::size_t b = program.blocks.size(); b-- > 0;) {
    end -= program.blocks[b].tasks.size();
    first[b] = end;
  }
  std::ptrdiff_t b = std::ranges::max_element(paths.block_finish) - paths.block_finish.begin();
  while (b >= 0) {
    const Block& block = program.blocks[b];
    if (!block.tasks.empty()) {
      add_block_path(program, block, std::span(paths.task_finish).subspan(first[b], block.tasks.size()),
                     on_path);
    }
    std::ptrdiff_t critical = -1;
    for (std::int32_t after : block.after) {
      if (critical < 0 || paths.block_finish[after] > paths.block_finish[critical]) {
        critical = after;
      }
    }
    b = critical;
  }
  return on_path;
}

CategoryTimes resource_categories(const Program& program, std::int32_t resource) {
  CategoryTimes on_path{};
  for (const Block& block : program.blocks) {
    for (const Task& task : block.tasks) {
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        if (task.demands[i].resource == resource) {
          on_path[static_cast<std::size_t>(task.demands[i].category)] +=
              block.repeat * bound_ps(program.resources[resource], task.demands[i]);
        }
      }
    }
  }
  return on_path;
}

}  // namespace

Timing bound_time(const Program& program) {
  std::array<std::byte, std::size_t{24} * 1024> stack;
  std::pmr::monotonic_buffer_resource memory(stack.data(), stack.size());
  Paths paths{std::pmr::vector<std::int64_t>(&memory), std::pmr::vector<std::int64_t>(&memory),
              std::pmr::vector<std::int64_t>(program.resources.size(), &memory)};
  std::size_t tasks = 0;
  for (const Block& block : program.blocks) {
    tasks += block.tasks.size();
  }
  paths.task_finish.reserve(tasks);
  paths.block_finish.reserve(program.blocks.size());

  double serial_ps = 0;
  for (const Block& block : program.blocks) {
    std::int64_t start = 0, length = 0;
    for (std::int32_t after : block.after) {
      start = std::max(start, paths.block_finish[after]);
    }
    const std::size_t first = paths.task_finish.size();
    double block_ps = 0;
    for (const Task& task : block.tasks) {
      const TaskTime time = task_time(program, task, bound_ps);
      block_ps += static_cast<double>(time.delay_ps) + static_cast<double>(time.work_ps);
      check_length(block_ps * static_cast<double>(block.repeat));
      const std::span<const std::int64_t> finish = std::span(paths.task_finish).subspan(first);
      paths.task_finish.push_back(start_of(task, finish) + time.delay_ps + time.work_ps);
      length = std::max(length, paths.task_finish.back());
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        const std::int32_t resource = task.demands[i].resource;
        if (!program.resources[resource].is_delay) {
          paths.resource_busy[resource] +=
              block.repeat * bound_ps(program.resources[resource], task.demands[i]);
        }
      }
    }
    serial_ps += block_ps * static_cast<double>(block.repeat);
    check_length(serial_ps);
    paths.block_finish.push_back(start + length * block.repeat);
  }

  const auto path = std::ranges::max_element(paths.block_finish);
  const auto busiest = std::ranges::max_element(paths.resource_busy);
  const std::int64_t path_ps = path == paths.block_finish.end() ? 0 : *path;
  const std::int64_t busiest_ps = busiest == paths.resource_busy.end() ? 0 : *busiest;
  if (busiest_ps > path_ps) {
    const auto resource = static_cast<std::int32_t>(busiest - paths.resource_busy.begin());
    return to_timing(busiest_ps, resource_categories(program, resource));
  }
  return to_timing(path_ps, path_ps == 0 ? CategoryTimes{} : path_categories(program, paths));
}

}  // namespace memwall
