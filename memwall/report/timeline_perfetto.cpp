// Perfetto's trace protobuf. Field numbers from protos/perfetto/trace/ of github.com/google/perfetto:
// trace_packet.proto, interned_data/interned_data.proto and track_event/{track_descriptor,track_event,
// process_descriptor,debug_annotation}.proto.
#include <algorithm>

#include <protozero/pbf_builder.hpp>

#include "memwall/report/timeline.h"

namespace memwall {
namespace {

enum class Trace : protozero::pbf_tag_type { packet = 1 };
enum class Packet : protozero::pbf_tag_type {
  timestamp = 8,
  sequence_id = 10,
  track_event = 11,
  interned_data = 12,
  sequence_flags = 13,
  track_descriptor = 60,
};
enum class Track : protozero::pbf_tag_type { uuid = 1, name = 2, process = 3, parent_uuid = 5 };
enum class Process : protozero::pbf_tag_type { pid = 1, name = 6 };
enum class Event : protozero::pbf_tag_type {
  category_iids = 3,
  debug_annotations = 4,
  type = 9,
  name_iid = 10,
  track_uuid = 11,
};
enum class Annotation : protozero::pbf_tag_type {
  name_iid = 1,
  uint_value = 3,
  double_value = 5,
  string_value = 6,
};
enum class Interned : protozero::pbf_tag_type { categories = 1, event_names = 2, annotation_names = 3 };
enum class InternedName : protozero::pbf_tag_type { iid = 1, name = 2 };

constexpr std::uint32_t kSequence = 1;
constexpr std::uint32_t kStateCleared = 1, kNeedsState = 2;  // SequenceFlags
constexpr std::int32_t kSliceBegin = 1, kSliceEnd = 2;       // TrackEvent.Type
constexpr std::uint64_t kProcessTrack = 1, kFirstTrack = 2;  // uuids; 0 is reserved

// Names of annotations in the order of their interned ids; useful and charged have one per kind of amount.
enum Argument { kBlock, kRepetition, kWaited, kUseful, kCharged = kUseful + kAmountCount };
std::vector<std::string> argument_names() {
  std::vector<std::string> names = {"block", "repetition", "waited_ns"};
  for (const char* what : {"useful_", "charged_"}) {
    for (int amount = 0; amount < kAmountCount; ++amount) {
      names.push_back(what + std::string(unit(static_cast<Amount>(amount))));
    }
  }
  return names;
}

template <class Tag>
using Builder = protozero::pbf_builder<Tag>;

std::uint64_t nanoseconds(SimTime time) { return static_cast<std::uint64_t>(time.ps / 1000); }

void intern(Builder<Interned>& data, Interned kind, std::size_t index, const std::string& text) {
  Builder<InternedName> entry(data, kind);
  entry.add_uint64(InternedName::iid, index + 1);  // 0 means not set
  entry.add_string(InternedName::name, text);
}

// The first packet of the sequence: the process and every string that later packets refer to.
void add_head(Builder<Trace>& trace, const std::string& system, const Program& program) {
  Builder<Packet> packet(trace, Trace::packet);
  packet.add_uint32(Packet::sequence_id, kSequence);
  packet.add_uint32(Packet::sequence_flags, kStateCleared);
  {
    Builder<Interned> data(packet, Packet::interned_data);
    for (int c = 0; c < kCategoryCount; ++c) {
      intern(data, Interned::categories, c, std::string(name(static_cast<Category>(c))));
    }
    for (std::size_t label = 0; label < program.labels.size(); ++label) {
      intern(data, Interned::event_names, label, program.labels[label]);
    }
    const std::vector<std::string> names = argument_names();
    for (std::size_t argument = 0; argument < names.size(); ++argument) {
      intern(data, Interned::annotation_names, argument, names[argument]);
    }
  }
  Builder<Track> track(packet, Packet::track_descriptor);
  track.add_uint64(Track::uuid, kProcessTrack);
  Builder<Process> process(track, Track::process);
  process.add_int32(Process::pid, 1);
  process.add_string(Process::name, system);
}

void add_track(Builder<Trace>& trace, std::size_t index, const std::string& track_name) {
  Builder<Packet> packet(trace, Trace::packet);
  packet.add_uint32(Packet::sequence_id, kSequence);
  Builder<Track> track(packet, Packet::track_descriptor);
  track.add_uint64(Track::uuid, kFirstTrack + index);
  track.add_uint64(Track::parent_uuid, kProcessTrack);
  track.add_string(Track::name, track_name);
}

template <class Add>
void annotate(Builder<Event>& event, int argument, Add&& add_value) {
  Builder<Annotation> annotation(event, Event::debug_annotations);
  annotation.add_uint64(Annotation::name_iid, static_cast<std::uint64_t>(argument) + 1);
  add_value(annotation);
}

void add_begin(Builder<Event>& event, const Program& program, const TaskSpan& span,
               std::int32_t demand_index) {
  const Block& block = program.blocks[span.block];
  const Task& task = block.tasks[span.task];
  const Demand& demand = task.demands[demand_index];
  event.add_uint64(Event::category_iids, static_cast<std::uint64_t>(demand.category) + 1);
  event.add_uint64(Event::name_iid, static_cast<std::uint64_t>(task.label) + 1);
  annotate(event, kBlock, [&](auto& a) { a.add_string(Annotation::string_value, block.name); });
  annotate(event, kRepetition, [&](auto& a) {
    a.add_uint64(Annotation::uint_value, static_cast<std::uint64_t>(span.repetition));
  });
  const int amount = static_cast<int>(program.resources[demand.resource].amount);
  annotate(event, kUseful + amount, [&](auto& a) { a.add_double(Annotation::double_value, demand.useful); });
  annotate(event, kCharged + amount,
           [&](auto& a) { a.add_double(Annotation::double_value, demand.charged); });
  annotate(event, kWaited, [&](auto& a) {
    a.add_double(Annotation::double_value, static_cast<double>((span.begin - span.ready).ps) * 1e-3);
  });
}

struct Edge {
  std::uint64_t time_ns = 0;
  std::size_t slice = 0;
  bool is_begin = false;
};

// Begins and ends in order of time. Sorting is stable and a track's edges go in ordered, so that among equal
// times a slice ends before the next one on its track begins, and after its own begin.
std::vector<Edge> edges(const Timeline& timeline) {
  std::vector<std::size_t> by_track(timeline.slices.size());
  for (std::size_t s = 0; s < by_track.size(); ++s) {
    by_track[s] = s;
  }
  std::ranges::stable_sort(by_track, {}, [&](std::size_t s) { return timeline.slices[s].track; });
  std::vector<Edge> result;
  result.reserve(2 * by_track.size());
  for (std::size_t s : by_track) {
    result.push_back({nanoseconds(timeline.slices[s].begin), s, true});
    result.push_back({nanoseconds(timeline.slices[s].end), s, false});
  }
  std::ranges::stable_sort(result, {}, &Edge::time_ns);
  return result;
}

}  // namespace

std::string perfetto_text(const std::string& system, const Program& program,
                          const std::vector<TaskSpan>& spans) {
  const Timeline timeline = make_timeline(program, spans);
  std::string text;
  Builder<Trace> trace(text);
  add_head(trace, process_name(system, timeline), program);
  for (std::size_t t = 0; t < timeline.tracks.size(); ++t) {
    add_track(trace, t, timeline.tracks[t]);
  }
  for (const Edge& edge : edges(timeline)) {
    const TimelineSlice& slice = timeline.slices[edge.slice];
    Builder<Packet> packet(trace, Trace::packet);
    packet.add_uint64(Packet::timestamp, edge.time_ns);
    packet.add_uint32(Packet::sequence_id, kSequence);
    packet.add_uint32(Packet::sequence_flags, kNeedsState);
    Builder<Event> event(packet, Packet::track_event);
    event.add_enum(Event::type, edge.is_begin ? kSliceBegin : kSliceEnd);
    event.add_uint64(Event::track_uuid, kFirstTrack + static_cast<std::uint64_t>(slice.track));
    if (edge.is_begin) {
      add_begin(event, program, spans[slice.span], slice.demand);
    }
  }
  return text;
}

}  // namespace memwall
