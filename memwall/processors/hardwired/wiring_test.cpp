#include "memwall/processors/hardwired/wiring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/hardwired/test_support.h"

namespace memwall {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Wiring, OfGptOss120b) {
  const WiredNetwork network = wiring_of(read_model("gpt-oss-120b"));
  EXPECT_EQ(network.layers, 36);
  EXPECT_EQ(network.hidden, 2880);
  EXPECT_EQ(network.vocab, 201088);
  ASSERT_EQ(network.groups.size(), 1u);
  ASSERT_EQ(network.groups[0].layers.size(), 2u);
  WiredLayer layer;
  layer.heads = 64;
  layer.kv_heads = 8;
  layer.qk_dim = layer.v_dim = 64;
  layer.window = 128;
  layer.has_rope = true;
  layer.router_outputs = layer.num_experts = 128;
  layer.experts_per_token = 4;
  layer.up_outputs = 2 * 2880;
  layer.intermediate = 2880;
  EXPECT_EQ(network.groups[0].layers[0], layer);
  layer.window = 0;
  EXPECT_EQ(network.groups[0].layers[1], layer);
  EXPECT_EQ(layer.kv_values_per_token(), 1024);
}

TEST(Wiring, OfADenseModel) {
  const WiredNetwork network = wiring_of(read_model("llama-3.1-8b"));
  EXPECT_EQ(network.layers, 32);
  ASSERT_EQ(network.groups.size(), 1u);
  const WiredLayer& layer = network.groups[0].layers.front();
  EXPECT_EQ(layer.num_experts, 0);
  EXPECT_EQ(layer.router_outputs, 0);
  EXPECT_EQ(layer.up_outputs, 2 * 14336);
  EXPECT_EQ(layer.intermediate, 14336);
}

TEST(Wiring, RefusesLatentAttention) {
  try {
    wiring_of(read_model("deepseek-v3"));
    ADD_FAILURE() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("wired.model: found deepseek-v3 with latent attention"));
  }
}

TEST(ShapeDifference, IgnoresFormatsAndNames) {
  const Model wired = read_model("llama-3.1-8b");
  ModelOptions options;
  options.kv_format = Format::fp8;
  options.weight_format = Format::int4;
  Model other = read_model("llama-3.1-8b", options);
  other.name = "a-fine-tune";
  EXPECT_THAT(shape_difference(other, wired), IsEmpty());
}

TEST(ShapeDifference, NamesTheFirstOne) {
  const Model wired = read_model("gpt-oss-120b");
  EXPECT_EQ(shape_difference(read_model("llama-3.1-8b"), wired), "hidden size 4096, not 2880");
  EXPECT_EQ(shape_difference(read_model("gpt-oss-20b"), wired), "layers 24, not 36");
  Model fewer_experts = wired;
  for (Operator& op : fewer_experts.groups[0].operators) {
    if (auto* experts = std::get_if<Experts>(&op.shape)) {
      experts->experts_per_token = 2;
    }
  }
  EXPECT_EQ(shape_difference(fewer_experts, wired), "another experts.0");
}

}  // namespace
}  // namespace memwall
