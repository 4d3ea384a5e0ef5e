// Chrome's trace event format: an object with `traceEvents`, "M" events that name process and threads, and
// one "X" event (complete: begin and duration) per slice.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "memwall/report/timeline.h"

namespace memwall {
namespace {

std::string quoted_json(const std::string& text) { return nlohmann::json(text).dump(); }

// Microseconds with all picoseconds; JSON numbers of the library would round to a double.
std::string microseconds(SimTime time) {
  return fmt::format("{}.{:06}", time.ps / 1'000'000, time.ps % 1'000'000);
}

std::string metadata(const char* kind, std::size_t thread, const std::string& name) {
  return fmt::format(R"({{"ph":"M","name":"{}","pid":1,"tid":{},"args":{{"name":{}}}}},)"
                     "\n",
                     kind, thread, quoted_json(name));
}

}  // namespace

std::string chrome_text(const std::string& system, const Program& program,
                        const std::vector<TaskSpan>& spans) {
  const Timeline timeline = make_timeline(program, spans);
  std::string text = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
  text += metadata("process_name", 0, process_name(system, timeline));
  for (std::size_t t = 0; t < timeline.tracks.size(); ++t) {
    text += metadata("thread_name", t + 1, timeline.tracks[t]);
  }
  for (const TimelineSlice& slice : timeline.slices) {
    const TaskSpan& span = spans[slice.span];
    const Block& block = program.blocks[span.block];
    const Task& task = block.tasks[span.task];
    const Demand& demand = task.demands[slice.demand];
    const std::string_view amount = unit(program.resources[demand.resource].amount);
    text += fmt::format(R"({{"ph":"X","pid":1,"tid":{},"ts":{},"dur":{},"name":{},"cat":"{}",)",
                        slice.track + 1, microseconds(slice.begin), microseconds(slice.end - slice.begin),
                        quoted_json(program.labels[task.label]), name(demand.category));
    text += fmt::format(
        R"("args":{{"block":{},"repetition":{},"useful_{}":{},"charged_{}":{},"waited_us":{}}}}},)"
        "\n",
        quoted_json(block.name), span.repetition, amount, demand.useful, amount, demand.charged,
        microseconds(span.begin - span.ready));
  }
  text.resize(text.size() - 2);  // the last comma; the process name is always there
  return text + "\n]}\n";
}

}  // namespace memwall
