// task_time.h - how long one task takes and which categories the time belongs to; shared by both clocks.
//
// `ps_of(resource, demand)` turns an amount into picoseconds: it is where the clocks differ.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/program/clock.h"

namespace memwall {

using CategoryTimes = std::array<std::int64_t, kCategoryCount>;  // ps

inline constexpr double kPsPerSecond = 1e12;
inline constexpr double kMostPs = kLongestProgram.value * kPsPerSecond;  // ten of them fit an int64

// A demand beyond the longest program is cut there, so that the cast is defined; check_length refuses the
// program afterwards. Both round monotonically, hence bound_ps <= charged_ps for a verified demand. Amount
// times picoseconds first: 1 launch at 1e6 a second is then 1,000,000 ps and not a rounding error more.
inline std::int64_t bound_ps(const Resource& resource, const Demand& demand) {
  return static_cast<std::int64_t>(std::min(demand.useful * kPsPerSecond / resource.peak_rate, kMostPs));
}
inline std::int64_t charged_ps(const Resource& resource, const Demand& demand) {
  const double ps = std::min(demand.charged * kPsPerSecond / resource.sustained_rate, kMostPs);
  const std::int64_t whole = static_cast<std::int64_t>(ps);
  return whole + (static_cast<double>(whole) < ps ? 1 : 0);
}

struct TaskTime {
  std::int64_t delay_ps = 0;  // sum of the delays
  std::int64_t work_ps = 0;   // of the slowest resource, all demands on it
  std::int32_t slowest = -1;  // its index; the first one of equals; -1 without demands
};

template <class PsOf>
TaskTime task_time(const Program& program, const Task& task, PsOf&& ps_of) {
  TaskTime time;
  for (std::int32_t i = 0; i < task.demand_count; ++i) {
    const Demand& demand = task.demands[i];
    const Resource& resource = program.resources[demand.resource];
    std::int64_t ps = ps_of(resource, demand);
    if (resource.is_delay) {
      time.delay_ps += ps;
      continue;
    }
    // A resource is counted whole at its last demand; earlier ones see a part and cannot exceed it.
    for (std::int32_t j = 0; j < i; ++j) {
      if (task.demands[j].resource == demand.resource) {
        ps += ps_of(resource, task.demands[j]);
      }
    }
    if (ps > time.work_ps) {
      time.work_ps = ps;
      time.slowest = demand.resource;
    }
  }
  return time;
}

// Adds delays, and the demands on the slowest resource, `times` times to their categories.
template <class PsOf>
void add_to_categories(const Program& program, const Task& task, const TaskTime& time, std::int64_t times,
                       PsOf&& ps_of, CategoryTimes& categories) {
  for (std::int32_t i = 0; i < task.demand_count; ++i) {
    const Demand& demand = task.demands[i];
    const Resource& resource = program.resources[demand.resource];
    if (resource.is_delay || demand.resource == time.slowest) {
      categories[static_cast<std::size_t>(demand.category)] += times * ps_of(resource, demand);
    }
  }
}

// `serial_ps` is the program's time if no two tasks overlapped: no sum in a clock can be larger.
inline void check_length(double serial_ps) {
  if (serial_ps >= kMostPs) {
    throw ConfigError("simulated time", to_text(Seconds(serial_ps / kPsPerSecond)),
                      "at most " + to_text(kLongestProgram));
  }
}

inline Timing to_timing(std::int64_t time_ps, const CategoryTimes& on_path_ps) {
  Timing timing;
  timing.time = to_seconds(SimTime{time_ps});
  for (std::size_t c = 0; c < on_path_ps.size(); ++c) {
    timing.on_path[c] = to_seconds(SimTime{on_path_ps[c]});
  }
  return timing;
}

}  // namespace memwall
