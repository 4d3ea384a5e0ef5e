// clock.h - turns a Program into times. One result type for all clocks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "memwall/core/sim_time.h"
#include "memwall/program/program.h"

namespace memwall {

// When a task ran, for timelines and ledgers.
struct TaskSpan {
  std::int32_t block = 0, task = 0;
  std::int64_t repetition = 0;
  SimTime ready, begin, end;  // begin - ready is waiting for resources
};

struct Timing {
  Seconds time;                                   // of the whole program
  std::array<Seconds, kCategoryCount> on_path{};  // time on the critical path by category, sums to `time`
};

// Closed form, no queues: the longer of the critical path (each task as long as its slowest demand at peak
// rate, useful amounts only) and the busiest resource (its total useful amount at peak rate). Never above the
// others. Does not allocate.
Timing bound_time(const Program& program);

// Discrete-event execution with queues for resources: charged amounts at sustained rates, integer
// picoseconds. Repetitions are fast-forwarded once a block repeats itself exactly; `execute` is the plain
// twin that runs every repetition and can record every span.
class ScheduleClock {
 public:
  Timing run(const Program& program);  // reuses its buffers between runs
  Timing execute(const Program& program, std::vector<TaskSpan>* spans = nullptr);

 private:
  struct State {
    std::vector<std::int64_t> resource_free_ps;
    std::vector<std::int64_t> finish_ps;
    std::vector<std::int32_t> pending;
  };
  State state_;
};

}  // namespace memwall
