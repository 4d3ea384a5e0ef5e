#include "memwall/processors/hardwired/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/hardwired/test_support.h"
#include "tests/support/edited_card.h"

namespace memwall {
namespace {

using hardwired_test::card_named;
using testing::HasSubstr;

Placement placed(const std::string& system_name, const std::string& model_name, const Need& need) {
  const System system = read_system(system_name);
  const auto processor = make_hardwired();
  processor->check(system);
  const Model model = read_model(model_name);
  return processor->place(model, system, processor->candidate_plans(model, system).front(), need);
}

// 1,024 values per token and layer, 36 layers, 4 bits, over 16 chips: 302 MB per chip at 256K.
TEST(KvCache, OneSequenceOf256KFillsTheBuffer) {
  const WiredNetwork network = wiring_of(read_model("gpt-oss-120b"));
  const HardwiredCard card = card_named("hnlpu");
  EXPECT_DOUBLE_EQ(kv_bytes_per_chip(network, card, 262144).value, 1024.0 * 36 * 262144 / 2 / 16);
  EXPECT_NEAR(kv_bytes_per_chip(network, card, 262144).value / 1e6, 302, 0.1);
  EXPECT_LT(kv_bytes_per_chip(network, card, 262144), card.kv_capacity);
  EXPECT_GT(kv_bytes_per_chip(network, card, 524288), card.kv_capacity);
}

// The other reading of the paper: 8 bits with the windows honoured is the same, but for the windows' 128
// keys.
TEST(KvCache, BothReadingsOfTheFormatAgreeAt256K) {
  const WiredNetwork network = wiring_of(read_model("gpt-oss-120b"));
  HardwiredCard windowed = card_named("hnlpu");
  windowed.kv_bits = 8;
  windowed.windows_honoured = true;
  EXPECT_DOUBLE_EQ(kv_bytes_per_chip(network, windowed, 262144).value, 1024.0 * 18 * (262144 + 128) / 16);
}

TEST(HardwiredPlacement, CacheSpillsWhenTheBufferIsFull) {
  // 320 MB hold 135 sequences of 2K (2.36 MB each); the 216 of the headline need 510 MB.
  const Placement resident = placed("hnlpu-16", "gpt-oss-120b", {135, 2048, 1});
  ASSERT_EQ(resident.memory.size(), 2u);
  EXPECT_EQ(resident.memory[0].level, "kv_buffer");
  EXPECT_EQ(resident.memory[1].kv, Bytes(0));
  const Placement spilled = placed("hnlpu-16", "gpt-oss-120b", {216, 2048, 1});
  EXPECT_TRUE(spilled.fits);
  EXPECT_EQ(spilled.memory[0].kv, spilled.memory[0].capacity);
  EXPECT_NEAR((spilled.memory[0].kv + spilled.memory[1].kv).value / 1e6, 509.6, 0.1);
  EXPECT_EQ(spilled.memory[0].weights, Bytes(0));                             // wires
  EXPECT_NEAR(spilled.memory[1].weights.value, 201088.0 * 2880 * 2 / 16, 1);  // embedding table
}

TEST(HardwiredPlacement, RefusesOtherModelsByShape) {
  const Placement other = placed("hnlpu-16", "llama-3.1-70b", {});
  EXPECT_FALSE(other.fits);
  EXPECT_EQ(other.refusal, "wired for gpt-oss-120b (hidden size 8192, not 2880)");
  EXPECT_EQ(other.smallest_chips, 0);
  EXPECT_EQ(placed("taalas-hc1", "gpt-oss-120b", {}).refusal,
            "wired for llama-3.1-8b (hidden size 2880, not 4096)");
}

TEST(HardwiredPlacement, NeedsAllChipsOfACopy) {
  const Placement half = placed("8xhnlpu", "gpt-oss-120b", {1, 2048, 1});
  EXPECT_FALSE(half.fits);
  EXPECT_EQ(half.refusal, "wired over 16 chips, the system has 8");
  EXPECT_EQ(half.smallest_chips, 16);
}

// 65,536 values of one byte per token: 288 MB hold 4,394 tokens.
TEST(HardwiredPlacement, SayWhatIsMissing) {
  const Placement longer = placed("taalas-hc1", "llama-3.1-8b", {1, 8192, 1});
  EXPECT_FALSE(longer.fits);
  EXPECT_EQ(longer.refusal, "kv_buffer short by 249 MB per chip");
  EXPECT_EQ(longer.smallest_chips, 0);  // more cards hold more users, not longer ones
  EXPECT_EQ(longer.kv_capacity_tokens, 4394);
  const Placement more = placed("taalas-hc1", "llama-3.1-8b", {4, 2048, 1});
  EXPECT_FALSE(more.fits);
  EXPECT_EQ(more.smallest_chips, 2);
  EXPECT_TRUE(placed("2xhc1", "llama-3.1-8b", {4, 2048, 1}).fits);
}

TEST(HardwiredPlacement, RefusesPlansThatTheWiresDoNotHave) {
  const System system = read_system("hnlpu-16");
  const auto processor = make_hardwired();
  Plan plan;
  plan.tp = 8;
  try {
    processor->place(read_model("gpt-oss-120b"), system, plan, {});
    ADD_FAILURE() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("plan: found tp8, expected tp16"));
  }
}

TEST(HardwiredCheck, RefusesAPoolForPartOfTheModel) {
  System system = read_system("hnlpu-16");
  system.pools.front().role = PoolRole::attention;
  EXPECT_THROW(make_hardwired()->check(system), ConfigError);
}

TEST(HardwiredCheck, MeetsAnUnknownWiredModelAtTheDoor) {
  System system = read_system("hnlpu-16");
  system.pools.front().chip = edited_chip("hnlpu", "{word: gpt-oss-120b", "{word: gpt-oss-1200b");
  EXPECT_THROW(make_hardwired()->check(system), ConfigError);
}

}  // namespace
}  // namespace memwall
