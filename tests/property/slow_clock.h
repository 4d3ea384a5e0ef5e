// slow_clock.h - the schedule clock's reference twin for tests: the contract of program.h word for word,
// repetition by repetition, looking at every task again for every task that runs. Quadratic on purpose.
#pragma once

#include <algorithm>
#include <vector>

#include "memwall/program/clock.h"

namespace memwall {

class SlowClock {
 public:
  explicit SlowClock(const Program& program)
      : program_(program), free_ps_(program.resources.size()), runs_(program.blocks.size()) {}

  // Spans in order of service.
  std::vector<TaskSpan> run() {
    std::vector<TaskSpan> spans;
    start_repetitions();
    TaskSpan next;
    while (find_next(next)) {
      serve(next);
      spans.push_back(next);
      start_repetitions();
    }
    return spans;
  }

  std::int64_t time_ps() const {
    std::int64_t time = 0;
    for (const BlockRun& run : runs_) {
      time = std::max(time, run.start_ps);
    }
    return time;
  }

 private:
  struct BlockRun {
    std::int64_t repetition = -1;
    std::int64_t start_ps = 0;  // of the repetition; the block's finish once it has ended
    bool ended = false;
    std::vector<std::int64_t> finish_ps;  // by task, -1 before it has run
  };

  void start_repetitions() {
    for (std::size_t b = 0; b < runs_.size(); ++b) {  // in order: a block only waits for earlier ones
      const Block& block = program_.blocks[b];
      BlockRun& run = runs_[b];
      const bool waits = std::ranges::any_of(block.after, [&](int before) { return !runs_[before].ended; });
      if (run.ended || waits || std::ranges::count(run.finish_ps, -1) > 0) {
        continue;
      }
      for (std::int32_t before : block.after) {
        run.start_ps = std::max(run.start_ps, runs_[before].start_ps);
      }
      for (std::int64_t finish : run.finish_ps) {
        run.start_ps = std::max(run.start_ps, finish);
      }
      run.ended = ++run.repetition == block.repeat || block.tasks.empty();
      run.finish_ps.assign(run.ended ? 0 : block.tasks.size(), -1);
    }
  }

  // The task that can run with the least (ready, block, task).
  bool find_next(TaskSpan& next) const {
    bool found = false;
    for (std::int32_t b = 0; b < std::ssize(runs_); ++b) {
      for (std::int32_t t = 0; t < std::ssize(runs_[b].finish_ps); ++t) {
        const std::int64_t ready = ready_ps(b, t);
        if (runs_[b].finish_ps[t] < 0 && ready >= 0 && (!found || ready < next.ready.ps)) {
          next = {b, t, runs_[b].repetition, SimTime{ready}, {}, {}};
          found = true;
        }
      }
    }
    return found;
  }

  // -1 while a predecessor has not run.
  std::int64_t ready_ps(std::int32_t b, std::int32_t t) const {
    const Task& task = program_.blocks[b].tasks[t];
    std::int64_t ready = runs_[b].start_ps;
    for (std::int32_t i = 0; i < task.predecessor_count; ++i) {
      const std::int64_t finish = runs_[b].finish_ps[task.predecessors[i]];
      if (finish < 0) {
        return -1;
      }
      ready = std::max(ready, finish);
    }
    for (std::int32_t i = 0; i < task.demand_count; ++i) {
      const Resource& resource = program_.resources[task.demands[i].resource];
      ready += resource.is_delay ? service_time(resource, task.demands[i]).ps : 0;
    }
    return ready;
  }

  void serve(TaskSpan& span) {
    const Task& task = program_.blocks[span.block].tasks[span.task];
    std::vector<std::int64_t> work_ps(free_ps_.size(), 0);
    for (std::int32_t i = 0; i < task.demand_count; ++i) {
      const Resource& resource = program_.resources[task.demands[i].resource];
      if (!resource.is_delay) {
        work_ps[task.demands[i].resource] += service_time(resource, task.demands[i]).ps;
      }
    }
    span.begin = span.ready;
    for (std::size_t r = 0; r < work_ps.size(); ++r) {
      span.begin.ps = std::max(span.begin.ps, work_ps[r] > 0 ? free_ps_[r] : 0);
    }
    span.end = span.begin;
    for (std::size_t r = 0; r < work_ps.size(); ++r) {
      if (work_ps[r] > 0) {
        free_ps_[r] = span.begin.ps + work_ps[r];
        span.end.ps = std::max(span.end.ps, free_ps_[r]);
      }
    }
    runs_[span.block].finish_ps[span.task] = span.end.ps;
  }

  const Program& program_;
  std::vector<std::int64_t> free_ps_;
  std::vector<BlockRun> runs_;
};

}  // namespace memwall
