#include "memwall/processors/hardwired/stages.h"

#include <gtest/gtest.h>

#include "memwall/processors/hardwired/test_support.h"

namespace memwall {
namespace {

using hardwired_test::card_named;

struct Hnlpu {
  HardwiredCard card = card_named("hnlpu");
  WiredNetwork network = wiring_of(read_model("gpt-oss-120b"));
  std::vector<Stage> stages = layer_stages(network.groups[0].layers[0], network, card);
};

// The paper's mapping table: slices (720, 1024) for queries with (720, 128) each for keys and values,
// (1024, 720) for the output, (2880, 128) for the router, 8 experts of (2880, 5760) and (2880, 2880).
TEST(Stages, SlicesOfOneChip) {
  const Hnlpu hnlpu;
  ASSERT_EQ(hnlpu.stages.size(), static_cast<std::size_t>(kLayerStages));
  const auto expect_slice = [](const Stage& stage, StageKind kind, double inputs, double outputs) {
    EXPECT_EQ(stage.kind, kind);
    EXPECT_DOUBLE_EQ(stage.inputs, inputs) << name(kind);
    EXPECT_DOUBLE_EQ(stage.array_width, outputs) << name(kind);
  };
  expect_slice(hnlpu.stages[0], StageKind::qkv, 720, 1024 + 2 * 128);
  expect_slice(hnlpu.stages[1], StageKind::attention, 0, 0);
  expect_slice(hnlpu.stages[2], StageKind::o, 1024, 720);
  expect_slice(hnlpu.stages[3], StageKind::router, 2880, 128);
  expect_slice(hnlpu.stages[4], StageKind::up, 2880, 8 * 5760);
  expect_slice(hnlpu.stages[5], StageKind::down, 2880, 8 * 2880);
  expect_slice(head_stage(hnlpu.network, hnlpu.card), StageKind::head, 2880, 12568);
}

// An all-reduce is two exchanges, a gather one: q (with k and v in its reduce), statistics and outputs of
// attention, row all-reduce and column gather of o, and the all-reduce of down over row and column.
TEST(Stages, ExchangesAtTheSeams) {
  const Hnlpu hnlpu;
  const std::vector<int> rounds = {2, 3, 3, 0, 0, 4};
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    EXPECT_EQ(hnlpu.stages[i].rounds, rounds[i]) << name(hnlpu.stages[i].kind);
  }
  // 4 B partial sums and 2 B results: reduces of 1280 and broadcast of 1024 values.
  EXPECT_DOUBLE_EQ(hnlpu.stages[0].wire.value, 1280 * 4 + 1024 * 2);
  EXPECT_DOUBLE_EQ(hnlpu.stages[5].wire.value, 2 * 2880 * (4 + 2));
  // 3 of 4 chips send a partial sum, and the root sends 3 results: 3/4 of a vector per chip each way.
  EXPECT_DOUBLE_EQ(hnlpu.stages[0].column_sent.value, 0.75 * (1280 * 4 + 1024 * 2));
  EXPECT_DOUBLE_EQ(hnlpu.stages[5].row_sent.value, 0.75 * 2880 * (4 + 2));
}

// Useful multiply-accumulates over all chips are the model's active parameters less the embedding's lookup.
TEST(Stages, ArithmeticIsThatOfTheActiveParameters) {
  for (const char* name : {"hnlpu", "hc1"}) {
    const HardwiredCard card = card_named(name);
    const Model model = read_model(card.wired_model);
    const WiredNetwork network = wiring_of(model);
    double macs = head_stage(network, card).macs;
    for (const WiredGroup& group : network.groups) {
      for (const WiredLayer& layer : group.layers) {
        for (const Stage& stage : layer_stages(layer, network, card)) {
          macs += static_cast<double>(group.repeat) * stage.macs;
        }
      }
    }
    Step step = hardwired_test::decode(1, 0);
    double expected = 0;
    for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
      if (!std::holds_alternative<Attention>(op.shape)) {
        expected += static_cast<double>(repeat) * work(op, step).macs;
      }
    });
    EXPECT_NEAR(macs * card.chips / expected, 1, 1e-12) << name;
  }
}

// 2 KV heads on a chip and every fourth token: 64K of context is 1,024 cycles per pass at 32 heads a cycle.
TEST(Stages, AttentionReadsEveryFourthTokenOfTwoHeads) {
  const Hnlpu hnlpu;
  const Stage& attention = hnlpu.stages[1];
  EXPECT_DOUBLE_EQ(65536 * attention.heads_per_key / hnlpu.card.kv_heads_per_cycle, 1024);
  EXPECT_DOUBLE_EQ(attention.values_per_key, 1024.0 / 16);
}

TEST(Stages, OneChipHasNoExchanges) {
  const HardwiredCard card = card_named("hc1");
  const WiredNetwork network = wiring_of(read_model("llama-3.1-8b"));
  for (const Stage& stage : layer_stages(network.groups[0].layers[0], network, card)) {
    EXPECT_EQ(stage.rounds, 0);
  }
  EXPECT_EQ(head_stage(network, card).rounds, 0);
}

}  // namespace
}  // namespace memwall
