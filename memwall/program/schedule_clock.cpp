#include <algorithm>

#include "memwall/program/schedule_engine.h"

namespace memwall {

void ScheduleEngine::push(std::int32_t task, std::int64_t ready_ps) {
  heap.push_back({ready_ps, task});
  std::push_heap(heap.begin(), heap.end(), later);
}

void ScheduleEngine::run_task(std::int32_t task, std::int64_t ready_ps, std::vector<TaskSpan>* spans) {
  const Node& node = nodes[task];
  TaskState& state = tasks[task];
  std::int64_t begin_ps = ready_ps;
  for (std::int32_t u = node.use_begin; u < node.use_end; ++u) {
    const ResourceState& resource = resources[uses[u].resource];
    if (resource.free_ps > begin_ps) {
      begin_ps = resource.free_ps;
      state.blocker = resource.holder;
    }
  }
  for (std::int32_t u = node.use_begin; u < node.use_end; ++u) {
    resources[uses[u].resource] = {begin_ps + uses[u].ps, uses[u].category};
  }
  const std::int64_t finish_ps = begin_ps + node.work_ps;
  state.waiting_ps = begin_ps - ready_ps;
  sums[task].waiting_ps += state.waiting_ps;
  state.pending = node.predecessors;
  state.start_ps = -1;
  state.ran = blocks[node.block].started;

  for (std::int32_t s = node.successor_begin; s < node.successor_end; ++s) {
    const std::int32_t next = successors[s];
    TaskState& successor = tasks[next];
    if (finish_ps > successor.start_ps) {
      successor.start_ps = finish_ps;
      successor.critical = task;
    }
    if (--successor.pending == 0) {
      push(next, successor.start_ps + nodes[next].delay_ps);
    }
  }

  BlockState& block = blocks[node.block];
  if (finish_ps > block.finish_ps || block.last < 0) {
    block.finish_ps = finish_ps;
    block.last = task;
  }
  if (spans != nullptr) {
    spans->push_back({node.block, task - block_nodes[node.block].first, block.started - 1, SimTime{ready_ps},
                      SimTime{begin_ps}, SimTime{finish_ps}});
  }
  --block.unfinished;
  ++runs_since_snapshot;
}

void ScheduleEngine::start_repetition(std::int32_t block_index) {
  const BlockNode& node = block_nodes[block_index];
  BlockState& block = blocks[block_index];
  ++block.started;
  block.unfinished = node.end - node.first;
  block.last = -1;
  block.finish_ps = block.start_ps;
  for (std::int32_t s = node.source_begin; s < node.source_end; ++s) {
    tasks[sources[s]].critical = -1;
    push(sources[s], block.start_ps + nodes[sources[s]].delay_ps);
  }
}

// Back from the task that finished last, before the next repetition overwrites the states.
void ScheduleEngine::walk_critical_path(BlockState& block) {
  for (std::int32_t task = block.last; task >= 0; task = tasks[task].critical) {
    const TaskState& state = tasks[task];
    ++sums[task].critical_count;
    sums[task].critical_waiting_ps += state.waiting_ps;
    block.waiting_on_path[static_cast<std::size_t>(state.blocker)] += state.waiting_ps;
  }
}

// Starts every block that waits for nothing any more; a block without tasks ends at once.
void ScheduleEngine::start_blocks() {
  while (!startable.empty()) {
    const std::int32_t block_index = startable.back();
    startable.pop_back();
    active.push_back(block_index);
    snapshots = 0;
    if (block_nodes[block_index].first < block_nodes[block_index].end) {
      start_repetition(block_index);
    } else {
      end_block(block_index);
    }
  }
}

void ScheduleEngine::end_block(std::int32_t block_index) {
  std::erase(active, block_index);
  snapshots = 0;
  const BlockNode& node = block_nodes[block_index];
  for (std::int32_t s = node.successor_begin; s < node.successor_end; ++s) {
    BlockState& successor = blocks[block_successors[s]];
    if (blocks[block_index].start_ps > successor.start_ps || successor.critical < 0) {
      successor.start_ps = blocks[block_index].start_ps;
      successor.critical = block_index;
    }
    if (--successor.pending == 0) {
      startable.push_back(block_successors[s]);
    }
  }
}

void ScheduleEngine::reset(const Program& program) {
  heap.clear();
  startable.clear();
  active.clear();
  tasks.assign(nodes.size(), TaskState{});
  sums.assign(nodes.size(), TaskSums{});
  resources.assign(program.resources.size(), ResourceState{});
  blocks.assign(block_nodes.size(), BlockState{});
  for (std::size_t t = 0; t < nodes.size(); ++t) {
    tasks[t].pending = nodes[t].predecessors;
  }
  for (std::size_t b = blocks.size(); b-- > 0;) {
    blocks[b].pending = static_cast<std::int32_t>(program.blocks[b].after.size());
    if (blocks[b].pending == 0) {
      startable.push_back(static_cast<std::int32_t>(b));
    }
  }
}

Timing ScheduleEngine::run(const Program& program, bool fast_forward, std::vector<TaskSpan>* spans) {
  compile(program);
  reset(program);
  start_blocks();
  while (!heap.empty()) {
    const Waiting next = heap.front();
    std::pop_heap(heap.begin(), heap.end(), later);
    heap.pop_back();
    run_task(next.task, next.ready_ps, spans);
    const std::int32_t block_index = nodes[next.task].block;
    BlockState& block = blocks[block_index];
    if (block.unfinished == 0) {
      walk_critical_path(block);
      block.start_ps = block.finish_ps;
      if (block.started < block_nodes[block_index].repeat) {
        if (fast_forward) {
          skip_repetitions(block_index);
        }
        start_repetition(block_index);
      } else {
        end_block(block_index);
        start_blocks();
      }
    }
  }
  return account(program);
}

Timing ScheduleEngine::account(const Program& program) {
  totals.assign(nodes.size(), TaskTotals{});
  for (std::size_t t = 0; t < nodes.size(); ++t) {
    const std::int64_t repeat = block_nodes[nodes[t].block].repeat;
    totals[t].busy.ps = repeat * (nodes[t].delay_ps + nodes[t].work_ps);
    totals[t].waiting.ps = sums[t].waiting_ps;
  }
  std::int32_t last = -1;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (last < 0 || blocks[b].start_ps > blocks[last].start_ps) {
      last = static_cast<std::int32_t>(b);
    }
  }
  CategoryTimes on_path{};
  for (std::int32_t b = last; b >= 0; b = blocks[b].critical) {
    for (std::size_t c = 0; c < on_path.size(); ++c) {
      on_path[c] += blocks[b].waiting_on_path[c];
    }
    for (std::int32_t t = block_nodes[b].first; t < block_nodes[b].end; ++t) {
      const std::int64_t count = sums[t].critical_count;
      if (count > 0) {
        const Task& task = program.blocks[b].tasks[t - block_nodes[b].first];
        add_to_categories(program, task, task_time(program, task, charged_ps), count, charged_ps, on_path);
        totals[t].on_path.ps = count * (nodes[t].delay_ps + nodes[t].work_ps) + sums[t].critical_waiting_ps;
      }
    }
  }
  return to_timing(last < 0 ? 0 : blocks[last].start_ps, on_path);
}

ScheduleClock::ScheduleClock() : engine_(std::make_unique<ScheduleEngine>()) {}
ScheduleClock::~ScheduleClock() = default;
ScheduleClock::ScheduleClock(ScheduleClock&&) noexcept = default;
ScheduleClock& ScheduleClock::operator=(ScheduleClock&&) noexcept = default;

Timing ScheduleClock::run(const Program& program) { return engine_->run(program, true, nullptr); }

Timing ScheduleClock::execute(const Program& program, std::vector<TaskSpan>* spans) {
  return engine_->run(program, false, spans);
}

const std::vector<TaskTotals>& ScheduleClock::totals() const { return engine_->totals; }

SimTime service_time(const Resource& resource, const Demand& demand) {
  return SimTime{charged_ps(resource, demand)};
}

}  // namespace memwall
