// Fast-forwarding: when a block is about to repeat and everything that decides the future is as it was at an
// earlier such moment, only shifted in time, then the whole period in between will repeat itself as well, as
// long as no block runs out of repetitions. Then periods are added up instead of executed.
#include <bit>
#include <limits>

#include "memwall/program/schedule_engine.h"

namespace memwall {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();

}  // namespace

// Called between two repetitions of a block, at blocks[block_index].start_ps.
void ScheduleEngine::skip_repetitions(std::int32_t block_index) {
  // Encoding costs about as much as running the tasks that it looks at. What it looks at is decided by the
  // state at the last snapshot, so sampling does not hide a period for ever.
  std::int64_t cost = std::ssize(resources);
  for (std::int32_t other : active) {
    cost += other == block_index ? 0 : block_nodes[other].end - block_nodes[other].first;
  }
  if (snapshots >= 2 && runs_since_snapshot < cost) {
    return;
  }
  encode_state(block_index);
  runs_since_snapshot = 0;
  if (snapshots > 0 && encoded == saved.encoded) {
    const std::int64_t periods = periods_left(block_index);
    if (periods > 0) {
      skip_periods(block_index, periods);
    }
    return;
  }
  // Brent's method: keeping only the states at powers of two finds a period of any length.
  if (std::has_single_bit(static_cast<std::uint64_t>(++snapshots))) {
    save_state(blocks[block_index].start_ps);
  }
}

void ScheduleEngine::encode_state(std::int32_t block_index) {
  const std::int64_t now = blocks[block_index].start_ps;
  // No task will be ready before this, so a resource that is free by then is simply free.
  const std::int64_t earliest = heap.empty() ? now : std::min(now, heap.front().ready_ps);
  encoded.clear();
  encoded.push_back(block_index);
  for (const ResourceState& resource : resources) {
    const bool taken = resource.free_ps > earliest;
    encoded.push_back(taken ? resource.free_ps - now : kNone);
    encoded.push_back(taken ? static_cast<std::int64_t>(resource.holder) : 0);
  }
  for (std::int32_t other : active) {
    if (other == block_index) {
      continue;  // all its tasks have run and will be started afresh
    }
    const BlockState& block = blocks[other];
    encoded.insert(encoded.end(), {other, block.start_ps - now, block.finish_ps - now, block.last});
    for (std::int32_t t = block_nodes[other].first; t < block_nodes[other].end; ++t) {
      const TaskState& task = tasks[t];
      if (task.ran == block.started) {
        const bool waited = task.waiting_ps > 0;
        encoded.insert(encoded.end(), {-1, task.critical, task.waiting_ps,
                                       waited ? static_cast<std::int64_t>(task.blocker) : 0});
      } else if (task.start_ps >= 0) {
        encoded.insert(encoded.end(), {-2, task.pending, task.critical, task.start_ps - now});
      } else {
        encoded.push_back(task.pending);
      }
    }
  }
}

void ScheduleEngine::save_state(std::int64_t time_ps) {
  saved.encoded = encoded;
  saved.time_ps = time_ps;
  saved.started.clear();
  saved.waiting_on_path.clear();
  saved.sums.clear();
  for (std::int32_t b : active) {
    saved.started.push_back(blocks[b].started);
    saved.waiting_on_path.push_back(blocks[b].waiting_on_path);
    saved.sums.insert(saved.sums.end(), sums.begin() + block_nodes[b].first,
                      sums.begin() + block_nodes[b].end);
  }
}

// How many more whole periods pass before a block would start a repetition that it does not have.
std::int64_t ScheduleEngine::periods_left(std::int32_t block_index) const {
  std::int64_t periods = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < active.size(); ++i) {
    const std::int32_t b = active[i];
    const std::int64_t per_period = blocks[b].started - saved.started[i];
    // The block at hand has a repetition to start after the skip.
    const std::int64_t left = block_nodes[b].repeat - blocks[b].started - (b == block_index ? 1 : 0);
    if (per_period > 0) {
      periods = std::min(periods, left / per_period);
    }
  }
  return periods;
}

void ScheduleEngine::skip_periods(std::int32_t block_index, std::int64_t periods) {
  const std::int64_t shift_ps = periods * (blocks[block_index].start_ps - saved.time_ps);
  for (ResourceState& resource : resources) {
    resource.free_ps += shift_ps;
  }
  for (Waiting& waiting : heap) {
    waiting.ready_ps += shift_ps;
  }
  const TaskSums* before = saved.sums.data();
  for (std::size_t i = 0; i < active.size(); ++i) {
    BlockState& block = blocks[active[i]];
    const std::int64_t repetitions = periods * (block.started - saved.started[i]);
    block.started += repetitions;
    block.start_ps += shift_ps;
    block.finish_ps += shift_ps;
    for (std::size_t c = 0; c < block.waiting_on_path.size(); ++c) {
      block.waiting_on_path[c] += periods * (block.waiting_on_path[c] - saved.waiting_on_path[i][c]);
    }
    for (std::int32_t t = block_nodes[active[i]].first; t < block_nodes[active[i]].end; ++t, ++before) {
      tasks[t].ran += repetitions;
      tasks[t].start_ps += tasks[t].start_ps >= 0 ? shift_ps : 0;
      sums[t].waiting_ps += periods * (sums[t].waiting_ps - before->waiting_ps);
      sums[t].critical_count += periods * (sums[t].critical_count - before->critical_count);
      sums[t].critical_waiting_ps += periods * (sums[t].critical_waiting_ps - before->critical_waiting_ps);
    }
  }
}

}  // namespace memwall
