#include "memwall/processors/lpu/listing.h"

#include <set>

#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/model/read_model.h"
#include "memwall/processors/lpu/lpu.h"
#include "memwall/processors/lpu/test_support.h"

namespace memwall {
namespace {

Step decode(std::int64_t sequences, std::int64_t context) { return {{{sequences, 1, context}}, {}}; }

TEST(ScheduleListing, IsTheCompiledSchedule) {
  const System system = read_system("groqrack");
  const ScheduleListing listing =
      make_lpu()->list_schedule(read_model("smollm2-135m"), system, parse_plan("tp3"), decode(1, 20));
  EXPECT_EQ(listing.title.find("one layer of smollm2-135m over 3 chips of groqrack: "), 0u) << listing.title;
  verify(listing.program);
  ASSERT_EQ(listing.spans.size(), listing.program.blocks.front().tasks.size());
  std::set<std::string> queues;
  for (const ScheduleListing::Line& line : listing.lines) {
    queues.insert(line.queue);
  }
  for (const char* queue : {"MEM_E1", "VXM 0", "MXM_W0 load", "SXM_E0", "C2C_W0"}) {
    EXPECT_EQ(queues.count(queue), 1u) << queue;
  }
  // Cycles of all tasks are cycles in which a queue dispatched: a word of a slice may hold two instructions.
  double cycles = 0;
  for (const Task& task : listing.program.blocks.front().tasks) {
    cycles += task.demands.front().charged;
  }
  EXPECT_LE(cycles, static_cast<double>(listing.lines.size()));
  EXPECT_GT(cycles, 0.8 * static_cast<double>(listing.lines.size()));
}

// A gap is a NOP, so that a queue's cycles add up.
TEST(ScheduleListing, TextShowsGapsAsNops) {
  ScheduleListing listing;
  listing.title = "two instructions";
  listing.lines = {{3, 0, "VXM 0", "copy W0:int8", "norm"}, {6, 0, "VXM 0", "copy W1:int8", "norm"}};
  EXPECT_EQ(to_text(listing),
            "two instructions\n"
            "chip 0 VXM 0\n"
            "       0  nop 3\n"
            "       3  copy W0:int8                                  norm\n"
            "       4  nop 2\n"
            "       6  copy W1:int8                                  norm\n");
}

TEST(ScheduleListing, RefusesWhatTheCompilerDoesNotKnow) {
  const auto refusal = [](const char* model, const Step& step) {
    try {
      make_lpu()->list_schedule(read_model(model), read_system("groqrack"), parse_plan("tp1"), step);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("listed");
  };
  const std::string layer =
      ", expected a layer of norm, grouped attention with rotary positions and a gated feed-forward";
  EXPECT_EQ(refusal("gpt-oss-20b", decode(1, 10)),
            "explain schedule: found another attention in gpt-oss-20b" + layer);
  EXPECT_EQ(refusal("gpt2", decode(1, 10)),
            "explain schedule: found a feed-forward without a gate in gpt2" + layer);
  EXPECT_EQ(refusal("mixtral-8x7b", decode(1, 10)),
            "explain schedule: found experts in mixtral-8x7b" + layer);
  EXPECT_EQ(
      refusal("smollm2-135m", {{{1, 5, 0}}, {}}),
      "explain schedule: found a step that is not one slice of decode, expected --decode such as 1@128");
  EXPECT_EQ(
      refusal("llama-3.1-8b", decode(1, 10)),
      "explain schedule: found 218 million values in a layer, expected at most 64 million: a smaller model");
}

}  // namespace
}  // namespace memwall
