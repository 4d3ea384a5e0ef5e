#include "memwall/model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

using ::testing::HasSubstr;

Operator op(std::string name, OpShape shape) {
  return {std::move(name), OpRole::ffn, TensorSplit::replicated, std::move(shape)};
}

Attention attention(std::int64_t heads, std::int64_t kv_heads, std::int64_t dim, std::int64_t window = 0) {
  Attention shape;
  shape.heads = heads;
  shape.kv_heads = kv_heads;
  shape.qk_dim = shape.v_dim = dim;
  shape.window = window;
  return shape;
}

// Two layers of which one has a window of 8, and a routed layer.
Model small_model() {
  Model model;
  model.name = "small";
  model.source = "small.json";
  model.hidden_size = 16;
  model.num_hidden_layers = 6;
  model.vocab_size = 100;
  model.prologue = {op("embed", Embedding{100, 16, 0, Format::bf16})};
  model.groups.push_back({"window_full",
                          3,
                          2,
                          {op("attention.0", attention(4, 2, 8, 8)), op("attention.1", attention(4, 2, 8)),
                           op("up", Linear{32, 16, Format::bf16, Format::bf16, true, false})}});
  model.epilogue = {op("head", Linear{100, 16, Format::bf16, Format::bf16, false, false})};
  return model;
}

std::string refusal(const Model& model) {
  try {
    verify(model);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Parameters, OfEachOperator) {
  EXPECT_EQ(parameters(op("", Embedding{100, 16, 20, Format::bf16})).total, 120 * 16);
  EXPECT_EQ(parameters(op("", Norm{16, 4, false})).total, 16);  // one vector serves all groups
  EXPECT_EQ(parameters(op("", Norm{16, 1, true})).total, 32);   // mean and variance: scale and bias
  EXPECT_EQ(parameters(op("", Linear{3, 5, Format::int4, Format::bf16, true, false})).total, 18);
  EXPECT_EQ(parameters(op("", Linear{3, 5, Format::bf16, Format::bf16, false, true})).total, 0);
  Attention sinks = attention(4, 2, 8);
  sinks.sinks = true;
  EXPECT_EQ(parameters(op("", sinks)).total, 4);
  EXPECT_EQ(parameters(op("", Activation{16, true})).total, 0);
}

TEST(Parameters, OnlyTopKExpertsAreActive) {
  Experts experts{8, 2, 16, 32, true, true, Format::bf16, Format::bf16};
  const std::int64_t per_expert = 3 * 16 * 32 + (2 * 32 + 16);
  EXPECT_EQ(parameters(op("", experts)).total, 8 * per_expert);
  EXPECT_EQ(parameters(op("", experts)).active, 2 * per_expert);
}

TEST(Parameters, EmbeddingIsActiveAsTheMakerCountsIt) {
  Model model = small_model();
  const std::int64_t total = 100 * 16 + 3 * (32 * 16 + 32) + 100 * 16;
  EXPECT_EQ(parameters(model).total, total);
  EXPECT_EQ(parameters(model).active, total);
  model.embedding_is_active = false;
  EXPECT_EQ(parameters(model).active, total - 1600);
  std::get<Linear>(model.epilogue[0].shape).tied = true;  // now the table is the head's matrix
  EXPECT_EQ(parameters(model).active, total - 1600);
}

TEST(WeightBytes, HoldScalesOfMatricesAndWideSmallTensors) {
  // 256 x 128 values of mxfp4: 4 bits and an 8-bit scale per 32; 256 biases at 16 bits.
  const Operator linear = op("", Linear{256, 128, Format::mxfp4, Format::bf16, true, false});
  EXPECT_DOUBLE_EQ(weight_bytes(linear).value, 256 * 128 * (4.25 / 8) + 256 * 2);
}

TEST(KvBytes, WindowsStopGrowing) {
  const Model model = small_model();
  const double per_layer = 2 * (8 + 8) * 2;  // kv heads x (key + value) x bf16
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(model).value, 6 * per_layer);
  EXPECT_DOUBLE_EQ(kv_bytes(model, 5).value, 5 * 6 * per_layer);
  EXPECT_DOUBLE_EQ(kv_bytes(model, 100).value, (3 * 8 + 3 * 100) * per_layer);
}

TEST(KvBytes, LatentCacheIsSharedByAllHeads) {
  Attention latent = attention(128, 128, 192);
  latent.v_dim = 128;
  latent.latent = 512;
  latent.rope_dim = 64;
  EXPECT_EQ(latent.kv_values_per_token(), 576);
}

TEST(Verify, AcceptsASoundModel) { EXPECT_EQ(refusal(small_model()), "accepted"); }

TEST(Verify, NamesFileOperatorAndSize) {
  Model model = small_model();
  std::get<Linear>(model.groups[0].operators[2].shape).n = 0;
  EXPECT_EQ(refusal(model), "small.json: window_full.up.n: found 0, expected a size from 1 to 2^40");
  model = small_model();
  model.hidden_size = (std::int64_t{1} << 40) + 1;
  EXPECT_EQ(refusal(model), "small.json: hidden_size: found 1099511627777, expected a size from 1 to 2^40");
}

TEST(Verify, KvHeadsDivideHeads) {
  Model model = small_model();
  model.groups[0].operators[0].shape = attention(4, 3, 8);
  EXPECT_EQ(refusal(model),
            "small.json: window_full.attention.0.heads: found 4, expected a multiple of "
            "kv_heads, 3");
}

TEST(Verify, TopKWithinExperts) {
  Model model = small_model();
  model.groups[0].operators.push_back(op("experts", Experts{4, 5, 16, 32}));
  EXPECT_EQ(refusal(model),
            "small.json: window_full.experts.experts_per_token: found 5, expected at most "
            "num_experts, 4");
}

TEST(Verify, NamesAreUniqueWithinAGroup) {
  Model model = small_model();
  model.groups[0].operators.push_back(model.groups[0].operators[0]);
  EXPECT_THAT(refusal(model), HasSubstr("two operators named 'attention.0'"));
}

TEST(Verify, LayersAddUp) {
  Model model = small_model();
  model.num_hidden_layers = 7;
  EXPECT_EQ(refusal(model), "small.json: num_hidden_layers: found 7, expected the 6 layers of its groups");
}

TEST(Verify, ParameterCountFitsIn64Bits) {
  Model model = small_model();
  std::get<Linear>(model.groups[0].operators[2].shape) = Linear{std::int64_t{1} << 40, std::int64_t{1} << 40};
  EXPECT_THAT(refusal(model), HasSubstr("more than 2^60 parameters"));
}

TEST(ModelText, ShowsEveryOperatorOnce) {
  EXPECT_EQ(to_text(small_model()),
            "small (), 6 layers, hidden 16, vocabulary 100\n"
            "parameters 4832, active 4832\n"
            "weights 9.66 kB, kv cache 384 B per token\n"
            "prologue\n"
            "  embed                replicated embedding 100 x 16, bf16\n"
            "window_full x3 (2 layers each)\n"
            "  attention.0          replicated attention 4 heads, 2 kv, qk 8, v 8, cache bf16, window 8\n"
            "  attention.1          replicated attention 4 heads, 2 kv, qk 8, v 8, cache bf16\n"
            "  up                   replicated linear k 16 -> n 32, bf16 x bf16, bias\n"
            "epilogue\n"
            "  head                 replicated linear k 16 -> n 100, bf16 x bf16\n");
}

}  // namespace
}  // namespace memwall
