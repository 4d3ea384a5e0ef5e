// timeline.h - an executed Program as a file for a trace viewer (ui.perfetto.dev, chrome://tracing).
//
// The system is the process, each resource a track with one slice per task that it served, named after the
// task's operator. A slice says block, repetition, useful and charged amount, and how long the task had
// waited for its resources. A delay is no queue: tasks may spend it at the same time, and then get tracks
// "launch", "launch 2", ... Slices on a track never overlap. Equal input gives equal bytes.
//
// Of a block that repeats itself more than kMostRepetitions times only the first and the last
// kKeptRepetitions are shown: the ones between are alike, and no viewer opens a file of all of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "memwall/program/clock.h"
#include "memwall/program/program.h"

namespace memwall {

inline constexpr std::int64_t kMostRepetitions = 1000, kKeptRepetitions = 100;

struct TimelineSlice {
  std::int32_t track = 0;   // index into Timeline::tracks
  std::int32_t span = 0;    // index into the spans
  std::int32_t demand = 0;  // of the span's task
  SimTime begin, end;
};
struct Timeline {
  std::vector<std::string> tracks;
  std::vector<TimelineSlice> slices;  // by begin, then track; those of one track in order
  std::string left_out;               // "32,567 repetitions of pace", or empty
};

// How a timeline names its system: with what is left out.
std::string process_name(const std::string& system, const Timeline& timeline);

// `spans` are those of ScheduleClock::execute.
Timeline make_timeline(const Program& program, const std::vector<TaskSpan>& spans);

// Perfetto's protobuf, a Trace of TrackDescriptors and TrackEvents. Its clock counts nanoseconds: times are
// rounded down, so that slices still do not overlap.
std::string perfetto_text(const std::string& system, const Program& program,
                          const std::vector<TaskSpan>& spans);
// Chrome's trace event format; timestamps in microseconds with six decimals, picoseconds.
std::string chrome_text(const std::string& system, const Program& program,
                        const std::vector<TaskSpan>& spans);

// Chrome JSON if the name ends in .json, Perfetto otherwise. The file appears whole or not at all; throws
// ConfigError when it cannot be written.
void write_timeline(const std::filesystem::path& path, const std::string& system, const Program& program,
                    const std::vector<TaskSpan>& spans);

}  // namespace memwall
