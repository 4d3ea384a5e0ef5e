#include "memwall/report/timeline.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>
#include <unistd.h>

#include "memwall/core/config_reader.h"
#include "memwall/core/error.h"

namespace memwall {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Two GEMMs that launch side by side (1 us each) and queue for the memory (2 us and 3 us), twice.
Program two_gemms() {
  Program program;
  program.resources = {{"hbm", Amount::bytes, false, 1e12, 1e12, {}, Category::weights},
                       {"launch", Amount::messages, true, 1e6, 1e6, {}, Category::overhead},
                       {"unused", Amount::ops, false, 1e12, 1e12, {}, Category::arithmetic}};
  program.labels = {"qkv \"bf16\"", "gate"};
  Task qkv;
  add_demand(qkv, 1, Category::overhead, 0, 1);
  add_demand(qkv, 0, Category::weights, 1.5e6, 2e6);
  Task gate;
  gate.label = 1;
  add_demand(gate, 1, Category::overhead, 0, 1);
  add_demand(gate, 0, Category::weights, 2e6, 2e6);
  add_demand(gate, 0, Category::kv, 1e6, 1e6);
  program.blocks = {{"layer", 2, {qkv, gate}, {}}};
  return program;
}

std::vector<TaskSpan> spans_of(const Program& program) {
  std::vector<TaskSpan> spans;
  ScheduleClock().execute(program, &spans);
  return spans;
}

TEST(Timeline, HasATrackPerResourceAndOneMoreForEachOverlappingDelay) {
  const Program program = two_gemms();
  const Timeline timeline = make_timeline(program, spans_of(program));
  EXPECT_THAT(timeline.tracks, ElementsAre("hbm", "launch", "launch 2"));
  std::vector<std::string> first_repetition;
  for (const TimelineSlice& slice : timeline.slices) {
    if (first_repetition.size() < 5) {
      first_repetition.push_back(timeline.tracks[slice.track] + " " + std::to_string(slice.begin.ps / 1000) +
                                 "-" + std::to_string(slice.end.ps / 1000));
    }
  }
  EXPECT_THAT(first_repetition, ElementsAre("launch 0-1000", "launch 2 0-1000", "hbm 1000-3000",
                                            "hbm 3000-5000", "hbm 5000-6000"));
  EXPECT_EQ(timeline.slices.size(), 10u);
}

TEST(Timeline, SlicesOnATrackDoNotOverlap) {
  const Program program = two_gemms();
  std::map<std::int32_t, SimTime> free;
  for (const TimelineSlice& slice : make_timeline(program, spans_of(program)).slices) {
    EXPECT_LE(free[slice.track], slice.begin);
    EXPECT_LT(slice.begin, slice.end);
    free[slice.track] = slice.end;
  }
}

TEST(Timeline, LeavesOutTheMiddleOfALongBlock) {
  Program program = two_gemms();
  program.blocks[0].repeat = kMostRepetitions;
  EXPECT_EQ(make_timeline(program, spans_of(program)).slices.size(), 5u * kMostRepetitions);
  program.blocks[0].repeat = 5000;
  const std::vector<TaskSpan> spans = spans_of(program);
  const Timeline timeline = make_timeline(program, spans);
  EXPECT_EQ(timeline.slices.size(), 5u * 2 * kKeptRepetitions);
  EXPECT_EQ(spans[timeline.slices.back().span].repetition, 4999);
  EXPECT_THAT(chrome_text("8xtoy", program, spans),
              HasSubstr("8xtoy (not shown: 4,800 repetitions of layer)"));
  EXPECT_THAT(perfetto_text("8xtoy", program, spans), HasSubstr("not shown: 4,800 repetitions of layer"));
}

TEST(Timeline, ChromeJsonCarriesNamesTimesAndAmounts) {
  const Program program = two_gemms();
  const auto trace = nlohmann::json::parse(chrome_text("8xh100", program, spans_of(program)));
  const auto& events = trace["traceEvents"];
  ASSERT_EQ(events.size(), 1u + 3 + 10);
  EXPECT_EQ(events[0]["args"]["name"], "8xh100");
  EXPECT_EQ(events[3]["args"]["name"], "launch 2");
  const auto& gemm = events[6];  // after two launches
  EXPECT_EQ(gemm["ph"], "X");
  EXPECT_EQ(gemm["name"], "qkv \"bf16\"");
  EXPECT_EQ(gemm["cat"], "weights");
  EXPECT_EQ(gemm["tid"], 1);
  EXPECT_EQ(gemm["ts"], 1.0);
  EXPECT_EQ(gemm["dur"], 2.0);
  EXPECT_EQ(gemm["args"]["useful_bytes"], 1.5e6);
  EXPECT_EQ(gemm["args"]["charged_bytes"], 2e6);
  EXPECT_EQ(events[7]["args"]["waited_us"], 2.0);
  EXPECT_EQ(events[7]["args"]["block"], "layer");
}

TEST(Timeline, ChromeJsonOfNothingIsStillJson) {
  const auto trace = nlohmann::json::parse(chrome_text("h100", Program{}, {}));
  EXPECT_EQ(trace["traceEvents"].size(), 1u);
}

// What a viewer does with the protobuf: names by interning, a stack of open slices per track.
struct Decoded {
  std::map<std::uint64_t, std::string> names, categories, arguments, tracks;
  std::vector<std::string> slices;  // "track: name [category] begin-end argument=value ..."
  std::map<std::uint64_t, std::vector<std::string>> open;
  std::uint64_t last_time = 0;
};

std::map<std::uint64_t, std::string>* table(Decoded& decoded, std::uint32_t tag) {
  return tag == 1 ? &decoded.categories : tag == 2 ? &decoded.names : tag == 3 ? &decoded.arguments : nullptr;
}

void decode_interned(protozero::pbf_reader data, Decoded& decoded) {
  while (data.next()) {
    auto* names = table(decoded, data.tag());
    ASSERT_NE(names, nullptr);
    protozero::pbf_reader entry = data.get_message();
    std::uint64_t iid = 0;
    while (entry.next()) {
      if (entry.tag() == 1) {
        iid = entry.get_uint64();
      } else {
        (*names)[iid] = entry.get_string();
      }
    }
  }
}

void decode_track(protozero::pbf_reader track, Decoded& decoded) {
  std::uint64_t uuid = 0;
  while (track.next()) {
    if (track.tag() == 1) {
      uuid = track.get_uint64();
    } else if (track.tag() == 2) {
      decoded.tracks[uuid] = track.get_string();
    } else if (track.tag() == 3) {
      protozero::pbf_reader process = track.get_message();
      ASSERT_TRUE(process.next(6));
      decoded.tracks[uuid] = process.get_string();
    } else {
      ASSERT_EQ(track.tag(), 5u);
      EXPECT_EQ(track.get_uint64(), 1u);
    }
  }
}

std::string decode_annotation(protozero::pbf_reader annotation, const Decoded& decoded) {
  std::string text;
  while (annotation.next()) {
    switch (annotation.tag()) {
      case 1:
        text += " " + decoded.arguments.at(annotation.get_uint64()) + "=";
        break;
      case 3:
        text += std::to_string(annotation.get_uint64());
        break;
      case 5:
        text += std::to_string(std::llround(annotation.get_double()));
        break;
      default:
        text += annotation.get_string();
    }
  }
  return text;
}

void decode_event(protozero::pbf_reader event, std::uint64_t time, Decoded& decoded) {
  std::int32_t type = 0;
  std::uint64_t track = 0;
  std::string name, category, arguments;
  while (event.next()) {
    switch (event.tag()) {
      case 3:
        category = decoded.categories.at(event.get_uint64());
        break;
      case 4:
        arguments += decode_annotation(event.get_message(), decoded);
        break;
      case 9:
        type = event.get_enum();
        break;
      case 10:
        name = decoded.names.at(event.get_uint64());
        break;
      case 11:
        track = event.get_uint64();
        break;
      default:
        FAIL() << "unknown field " << event.tag();
    }
  }
  std::vector<std::string>& stack = decoded.open[track];
  if (type == 1) {
    stack.push_back(decoded.tracks.at(track) + ": " + name + " [" + category + "]" + arguments + " " +
                    std::to_string(time));
  } else {
    ASSERT_FALSE(stack.empty());
    decoded.slices.push_back(stack.back() + "-" + std::to_string(time));
    stack.pop_back();
  }
  EXPECT_LE(stack.size(), 1u) << "slices of a resource follow one another";
}

Decoded decode(const std::string& text) {
  Decoded decoded;
  protozero::pbf_reader trace(text);
  while (trace.next(1)) {
    protozero::pbf_reader packet = trace.get_message();
    std::uint64_t time = 0;
    while (packet.next()) {
      switch (packet.tag()) {
        case 8:
          time = packet.get_uint64();
          EXPECT_LE(decoded.last_time, time);
          decoded.last_time = time;
          break;
        case 11:
          decode_event(packet.get_message(), time, decoded);
          break;
        case 12:
          decode_interned(packet.get_message(), decoded);
          break;
        case 60:
          decode_track(packet.get_message(), decoded);
          break;
        default:
          packet.skip();
      }
    }
  }
  return decoded;
}

TEST(Timeline, PerfettoDecodesToTheSameSlices) {
  const Program program = two_gemms();
  const Decoded decoded = decode(perfetto_text("8xh100", program, spans_of(program)));
  EXPECT_EQ(decoded.tracks.at(1), "8xh100");
  ASSERT_EQ(decoded.slices.size(), 10u);
  EXPECT_EQ(decoded.slices[2],
            "hbm: qkv \"bf16\" [weights] block=layer repetition=0 useful_bytes=1500000 charged_bytes=2000000 "
            "waited_ns=0 "
            "1000-3000");
  EXPECT_EQ(decoded.slices[9],
            "hbm: gate [kv] block=layer repetition=1 useful_bytes=1000000 charged_bytes=1000000 "
            "waited_ns=2000 11000-12000");
  for (const auto& [track, stack] : decoded.open) {
    EXPECT_TRUE(stack.empty());
  }
}

TEST(Timeline, EqualInputGivesEqualBytes) {
  const Program program = two_gemms();
  EXPECT_EQ(perfetto_text("s", program, spans_of(program)), perfetto_text("s", program, spans_of(program)));
}

class TimelineFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("memwall_timeline_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(TimelineFile, TheExtensionDecidesTheFormat) {
  const Program program = two_gemms();
  const std::vector<TaskSpan> spans = spans_of(program);
  write_timeline(folder_ / "step.json", "s", program, spans);
  write_timeline(folder_ / "step.perfetto-trace", "s", program, spans);
  EXPECT_EQ(read_text_file(folder_ / "step.json"), chrome_text("s", program, spans));
  EXPECT_EQ(read_text_file(folder_ / "step.perfetto-trace"), perfetto_text("s", program, spans));
  EXPECT_THROW(write_timeline(folder_ / "nowhere" / "step.json", "s", program, spans), ConfigError);
}

TEST_F(TimelineFile, ProtocDecodesThePerfettoFile) {
  if (std::system("protoc --version > /dev/null 2>&1") != 0) {
    ASSERT_EQ(std::getenv("CI"), nullptr) << "CI needs protoc (protobuf-compiler)";
    GTEST_SKIP() << "protoc (protobuf-compiler) is not installed";
  }
  const Program program = two_gemms();
  const std::filesystem::path trace = folder_ / "step.perfetto-trace", decoded = folder_ / "decoded.txt";
  write_timeline(trace, "8xh100", program, spans_of(program));
  const std::string command = "protoc --decode_raw < '" + trace.string() + "' > '" + decoded.string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string text = read_text_file(decoded);
  EXPECT_THAT(text, HasSubstr("60 {\n    1: 2\n    5: 1\n    2: \"hbm\"\n"));
  EXPECT_THAT(text, HasSubstr("2: \"launch 2\""));
}

}  // namespace
}  // namespace memwall
