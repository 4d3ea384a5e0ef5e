// clock.h - turns a Program into times. One result type for all clocks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "memwall/core/sim_time.h"
#include "memwall/program/program.h"

namespace memwall {

// When a task ran, for timelines. It started at ready - its delays; begin - ready is waiting for resources.
struct TaskSpan {
  std::int32_t block = 0, task = 0;
  std::int64_t repetition = 0;
  SimTime ready, begin, end;
  bool operator==(const TaskSpan&) const = default;
};

struct Timing {
  Seconds time;                                   // of the whole program
  std::array<Seconds, kCategoryCount> on_path{};  // time on the critical path by category, sums to `time`
};

// What the repetitions of one task add up to.
struct TaskTotals {
  SimTime busy;     // delays and work
  SimTime waiting;  // ready, but a resource was taken
  SimTime on_path;  // share of the critical path, waiting included
  bool operator==(const TaskTotals&) const = default;
};

// The longest time that a program may take, tasks one after another: 11.6 days, so that no sum of picoseconds
// can overflow. Both clocks throw ConfigError beyond.
inline constexpr Seconds kLongestProgram{1e6};

// How long a demand occupies its resource: charged at the sustained rate, rounded up to a picosecond.
SimTime service_time(const Resource& resource, const Demand& demand);

// Closed form, no queues: the longer of the critical path (each task as long as its useful delays and its
// slowest demand at peak rate, useful amounts only) and the busiest resource (its total useful amount at peak
// rate). Each demand is rounded down to a picosecond, so that the bound is never above the schedule, not even
// by rounding. on_path follows the longer of the two. Does not allocate for programs of up to 2000 tasks
// (repetitions not counted).
Timing bound_time(const Program& program);

struct ScheduleEngine;

// Discrete-event execution with queues for resources: charged amounts at sustained rates, integer
// picoseconds. Repetitions are fast-forwarded once a block repeats itself exactly, that is once everything
// that can influence the future is as it was an earlier time, shifted; `execute` is the plain twin that runs
// every repetition and can record every span (in order of readiness). Both give the same times to the
// picosecond.
//
// The critical path runs from the task that finishes last back through the predecessor (or block) that
// finished last. A task on it adds its delays to their categories, its waiting to the category of the demand
// that held the resource, and its work to the category of its slowest demand.
class ScheduleClock {
 public:
  ScheduleClock();
  ~ScheduleClock();
  ScheduleClock(ScheduleClock&&) noexcept;
  ScheduleClock& operator=(ScheduleClock&&) noexcept;

  Timing run(const Program& program);  // reuses its buffers between runs
  Timing execute(const Program& program, std::vector<TaskSpan>* spans = nullptr);

  // Of the last run, a line per task in order of blocks; valid until the next.
  const std::vector<TaskTotals>& totals() const;

 private:
  std::unique_ptr<ScheduleEngine> engine_;
};

}  // namespace memwall
