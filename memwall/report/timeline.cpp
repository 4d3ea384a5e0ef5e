#include "memwall/report/timeline.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "memwall/core/output_file.h"
#include "memwall/report/text_table.h"

namespace memwall {
namespace {

std::int32_t resource_of(const Program& program, const std::vector<TaskSpan>& spans,
                         const TimelineSlice& slice) {
  const TaskSpan& span = spans[slice.span];
  return program.blocks[span.block].tasks[span.task].demands[slice.demand].resource;
}

// Delays one after another up to ready; demands on one resource one after another from begin.
void add_slices(const Program& program, const TaskSpan& span, std::int32_t span_index,
                std::vector<TimelineSlice>& slices) {
  const Task& task = program.blocks[span.block].tasks[span.task];
  std::array<SimTime, Task::kMaxDemands> time;
  SimTime delay_begin = span.ready;
  for (std::int32_t i = 0; i < task.demand_count; ++i) {
    const Resource& resource = program.resources[task.demands[i].resource];
    time[i] = service_time(resource, task.demands[i]);
    delay_begin = resource.is_delay ? delay_begin - time[i] : delay_begin;
  }
  for (std::int32_t i = 0; i < task.demand_count; ++i) {
    const std::int32_t resource = task.demands[i].resource;
    SimTime begin = span.begin;
    if (program.resources[resource].is_delay) {
      begin = delay_begin;
      delay_begin += time[i];
    } else {
      for (std::int32_t j = 0; j < i; ++j) {
        begin += task.demands[j].resource == resource ? time[j] : SimTime{};
      }
    }
    if (time[i].ps > 0) {
      slices.push_back({0, span_index, i, begin, begin + time[i]});
    }
  }
}

bool is_shown(const Program& program, const TaskSpan& span) {
  const std::int64_t repeat = program.blocks[span.block].repeat;
  return repeat <= kMostRepetitions || span.repetition < kKeptRepetitions ||
         span.repetition >= repeat - kKeptRepetitions;
}

std::string left_out(const Program& program) {
  std::string text;
  for (const Block& block : program.blocks) {
    if (block.repeat > kMostRepetitions) {
      text += (text.empty() ? "" : ", ") +
              count_text(static_cast<double>(block.repeat - 2 * kKeptRepetitions)) + " repetitions of " +
              block.name;
    }
  }
  return text;
}

// Slices in order of begin take the first lane of their resource that is free by then.
class Lanes {
 public:
  explicit Lanes(std::size_t resources) : free_(resources) {}

  std::size_t take(std::int32_t resource, SimTime begin, SimTime end) {
    std::vector<SimTime>& free = free_[resource];
    std::size_t lane = 0;
    while (lane < free.size() && free[lane] > begin) {
      ++lane;
    }
    if (lane == free.size()) {
      free.push_back(end);
    }
    free[lane] = end;
    return lane;
  }
  std::size_t count(std::size_t resource) const { return free_[resource].size(); }

 private:
  std::vector<std::vector<SimTime>> free_;
};

}  // namespace

std::string process_name(const std::string& system, const Timeline& timeline) {
  return timeline.left_out.empty() ? system : system + " (not shown: " + timeline.left_out + ")";
}

Timeline make_timeline(const Program& program, const std::vector<TaskSpan>& spans) {
  Timeline timeline;
  for (std::size_t s = 0; s < spans.size(); ++s) {
    if (is_shown(program, spans[s])) {
      add_slices(program, spans[s], static_cast<std::int32_t>(s), timeline.slices);
    }
  }
  timeline.left_out = left_out(program);
  const auto order = [&](const TimelineSlice& slice) {
    return std::tuple(slice.begin, resource_of(program, spans, slice), slice.span, slice.demand);
  };
  std::ranges::sort(timeline.slices, {}, order);

  Lanes lanes(program.resources.size());
  for (TimelineSlice& slice : timeline.slices) {
    slice.track =
        static_cast<std::int32_t>(lanes.take(resource_of(program, spans, slice), slice.begin, slice.end));
  }
  std::vector<std::int32_t> first_track;
  for (std::size_t r = 0; r < program.resources.size(); ++r) {
    first_track.push_back(static_cast<std::int32_t>(timeline.tracks.size()));
    for (std::size_t lane = 0; lane < lanes.count(r); ++lane) {
      const std::string& name = program.resources[r].name;
      timeline.tracks.push_back(lane == 0 ? name : name + " " + std::to_string(lane + 1));
    }
  }
  for (TimelineSlice& slice : timeline.slices) {
    slice.track += first_track[resource_of(program, spans, slice)];
  }
  return timeline;
}

void write_timeline(const std::filesystem::path& path, const std::string& system, const Program& program,
                    const std::vector<TaskSpan>& spans) {
  const bool chrome = path.extension() == ".json";
  write_whole_file(path,
                   chrome ? chrome_text(system, program, spans) : perfetto_text(system, program, spans));
}

}  // namespace memwall
