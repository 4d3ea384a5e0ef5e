#include "memwall/model/gguf_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "memwall/tensor/gguf_test_file.h"

namespace memwall {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kF32 = 0, kQ4_0 = 2, kQ4K = 12, kQ6K = 14, kMxfp4 = 39;

// A decoder of two layers: hidden 256, 4 heads of 64, 2 kv heads, vocabulary 512.
class Decoder {
 public:
  explicit Decoder(const std::string& architecture) : architecture_(architecture) {
    file.add("general.architecture", architecture);
    key("embedding_length", 256);
    key("block_count", 2);
    key("attention.head_count", 4);
    key("attention.head_count_kv", 2);
    tensor("token_embd", {256, 512}, kQ6K);
    tensor("output_norm", {256}, kF32);
  }
  void key(const std::string& name, std::uint32_t value) { file.add(architecture_ + "." + name, value); }
  void tensor(const std::string& name, std::vector<std::uint64_t> sizes, std::uint32_t type = kQ4K) {
    file.add_tensor(name + ".weight", sizes, type);
  }
  void attention(int layer, std::uint32_t v_type = kQ4K) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    tensor(blk + "attn_norm", {256}, kF32);
    tensor(blk + "attn_q", {256, 256});
    tensor(blk + "attn_k", {256, 128});
    tensor(blk + "attn_v", {256, 128}, v_type);
    tensor(blk + "attn_output", {256, 256});
    tensor(blk + "ffn_norm", {256}, kF32);
  }
  void mlp(int layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    tensor(blk + "ffn_gate", {256, 512});
    tensor(blk + "ffn_up", {256, 512});
    tensor(blk + "ffn_down", {512, 256});
  }
  Model model(const ModelOptions& options = {}) const {
    const std::string bytes = file.bytes();
    return model_of_gguf(parse_gguf_header(std::as_bytes(std::span(bytes)), "a.gguf", bytes.size()), "a",
                         options);
  }
  std::string refusal() const {
    try {
      model();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  }

  GgufTestFile file;

 private:
  std::string architecture_;
};

Decoder llama() {
  Decoder decoder("llama");
  decoder.key("feed_forward_length", 512);
  decoder.attention(0);
  decoder.mlp(0);
  decoder.attention(1);
  decoder.mlp(1);
  return decoder;
}

const Operator& find(const LayerGroup& group, const std::string& name) {
  for (const Operator& op : group.operators) {
    if (op.name == name) {
      return op;
    }
  }
  throw std::logic_error("no operator " + name);
}

TEST(GgufModel, LlamaHasTheFormatsOfItsTensors) {
  const Model model = llama().model();
  EXPECT_EQ(model.architecture, "llama");
  ASSERT_EQ(model.groups.size(), 1u);
  EXPECT_EQ(model.groups[0].repeat, 2);
  const Linear qkv = std::get<Linear>(find(model.groups[0], "qkv").shape);
  EXPECT_EQ(qkv.weight, Format::q4_k);
  EXPECT_EQ(qkv.activation, Format::fp16);
  EXPECT_EQ(std::get<Embedding>(model.prologue[0].shape).weight, Format::q6_k);
  EXPECT_TRUE(std::get<Linear>(model.epilogue[1].shape).tied);  // no output.weight
}

TEST(GgufModel, BytesAreThoseOfTheTensors) {
  // Q4_K takes 144 bytes per 256 values and Q6_K 210; norms count 16 bits (model.h).
  const double q4k = 2.0 * (256 * 512 + 256 * 256 + 3 * 256 * 512) / 256 * 144;
  EXPECT_DOUBLE_EQ(weight_bytes(llama().model()).value, q4k + 512 * 210 + 5 * 256 * 2);
}

TEST(GgufModel, MixedTypesSplitOperatorsAndLayers) {
  // As in Q4_K_M: the value matrix of some layers is Q6_K.
  Decoder decoder("llama");
  decoder.key("feed_forward_length", 512);
  decoder.attention(0, kQ6K);
  decoder.mlp(0);
  decoder.attention(1);
  decoder.mlp(1);
  const Model model = decoder.model();
  ASSERT_EQ(model.groups.size(), 2u);
  EXPECT_EQ(std::get<Linear>(find(model.groups[0], "v").shape).weight, Format::q6_k);
  EXPECT_EQ(std::get<Linear>(find(model.groups[0], "q").shape).weight, Format::q4_k);
  EXPECT_EQ(std::get<Linear>(find(model.groups[1], "qkv").shape).n, 512);
}

TEST(GgufModel, LlamaWithExpertsIsMixtral) {
  Decoder decoder("llama");
  decoder.key("feed_forward_length", 512);
  decoder.key("expert_count", 4);
  decoder.key("expert_used_count", 2);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    decoder.attention(layer);
    decoder.tensor(blk + "ffn_gate_inp", {256, 4}, kF32);
    decoder.tensor(blk + "ffn_gate_exps", {256, 512, 4});
    decoder.tensor(blk + "ffn_up_exps", {256, 512, 4});
    decoder.tensor(blk + "ffn_down_exps", {512, 256, 4}, kQ6K);
  }
  const Model model = decoder.model();
  EXPECT_EQ(model.architecture, "mixtral");
  const Experts experts = std::get<Experts>(find(model.groups[0], "experts").shape);
  EXPECT_EQ(experts.num_experts, 4);
  EXPECT_EQ(experts.weight, Format::q4_k);  // nearest to the average of 4.5, 4.5 and 6.56 bits
  EXPECT_EQ(std::get<Linear>(find(model.groups[0], "router").shape).weight, Format::fp32);
}

TEST(GgufModel, GptOss) {
  Decoder decoder("gpt-oss");
  decoder.key("attention.key_length", 64);
  decoder.key("attention.sliding_window", 128);
  decoder.key("expert_count", 4);
  decoder.key("expert_used_count", 2);
  decoder.key("expert_feed_forward_length", 512);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    decoder.attention(layer);
    const std::pair<const char*, std::uint64_t> biases[] = {
        {"attn_q", 256}, {"attn_k", 128}, {"attn_v", 128}, {"attn_output", 256}, {"ffn_gate_inp", 4}};
    for (const auto& [name, size] : biases) {
      decoder.file.add_tensor(blk + name + ".bias", {size}, kF32);
    }
    decoder.file.add_tensor(blk + "attn_sinks.weight", {4}, kF32);
    decoder.tensor(blk + "ffn_gate_inp", {256, 4}, kF32);
    for (const char* name : {"ffn_gate_exps", "ffn_up_exps"}) {
      decoder.tensor(blk + name, {256, 512, 4}, kMxfp4);
      decoder.file.add_tensor(blk + name + ".bias", {512, 4}, kF32);
    }
    decoder.tensor(blk + "ffn_down_exps", {512, 256, 4}, kMxfp4);
    decoder.file.add_tensor(blk + "ffn_down_exps.bias", {256, 4}, kF32);
  }
  const Model model = decoder.model();
  EXPECT_EQ(model.architecture, "gpt_oss");
  ASSERT_EQ(model.groups.size(), 2u);
  EXPECT_EQ(std::get<Attention>(find(model.groups[0], "attention").shape).window, 128);
  EXPECT_EQ(std::get<Attention>(find(model.groups[1], "attention").shape).window, 0);
  EXPECT_EQ(std::get<Experts>(find(model.groups[0], "experts").shape).weight, Format::mxfp4);
}

TEST(GgufModel, Qwen2AndQwen3) {
  Decoder two("qwen2"), three("qwen3");
  for (Decoder* decoder : {&two, &three}) {
    decoder->key("feed_forward_length", 512);
    for (int layer = 0; layer < 2; ++layer) {
      decoder->attention(layer);
      decoder->mlp(layer);
    }
    decoder->tensor("output", {256, 512}, kQ6K);  // a head of its own
  }
  for (const std::string blk : {"blk.0.", "blk.1."}) {
    two.file.add_tensor(blk + "attn_q.bias", {256}, kF32);
    two.file.add_tensor(blk + "attn_k.bias", {128}, kF32);
    two.file.add_tensor(blk + "attn_v.bias", {128}, kF32);
    three.tensor(blk + "attn_q_norm", {64}, kF32);
    three.tensor(blk + "attn_k_norm", {64}, kF32);
  }
  EXPECT_TRUE(std::get<Linear>(find(two.model().groups[0], "qkv").shape).bias);
  EXPECT_EQ(std::get<Norm>(find(three.model().groups[0], "k_norm").shape).groups, 2);
  EXPECT_EQ(std::get<Linear>(three.model().epilogue[1].shape).weight, Format::q6_k);
}

TEST(GgufModel, Qwen3Moe) {
  Decoder decoder("qwen3moe");
  decoder.key("expert_feed_forward_length", 256);
  decoder.key("expert_count", 4);
  decoder.key("expert_used_count", 2);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    decoder.attention(layer);
    decoder.tensor(blk + "attn_q_norm", {64}, kF32);
    decoder.tensor(blk + "attn_k_norm", {64}, kF32);
    decoder.tensor(blk + "ffn_gate_inp", {256, 4}, kF32);
    for (const char* name : {"ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"}) {
      decoder.tensor(blk + name, {256, 256, 4});
    }
  }
  EXPECT_EQ(std::get<Experts>(find(decoder.model().groups[0], "experts").shape).experts_per_token, 2);
}

TEST(GgufModel, Gemma3) {
  Decoder decoder("gemma3");
  decoder.key("attention.key_length", 64);
  decoder.key("attention.sliding_window", 16);
  decoder.key("feed_forward_length", 512);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    decoder.attention(layer);
    decoder.mlp(layer);
    decoder.tensor(blk + "attn_q_norm", {64}, kF32);
    decoder.tensor(blk + "attn_k_norm", {64}, kF32);
    decoder.tensor(blk + "post_attention_norm", {256}, kF32);
    decoder.tensor(blk + "post_ffw_norm", {256}, kF32);
  }
  const Model model = decoder.model();
  EXPECT_EQ(model.architecture, "gemma3_text");
  EXPECT_EQ(std::get<Attention>(find(model.groups[0], "attention").shape).window, 16);
}

TEST(GgufModel, Gpt2) {
  GgufTestFile file;
  file.add("general.architecture", std::string("gpt2"));
  for (const auto& [key, value] : {std::pair("embedding_length", 64u), std::pair("block_count", 1u),
                                   std::pair("attention.head_count", 2u), std::pair("context_length", 16u),
                                   std::pair("feed_forward_length", 256u)}) {
    file.add(std::string("gpt2.") + key, value);
  }
  file.add_tensor("token_embd.weight", {64, 100}, kQ4_0);
  file.add_tensor("position_embd.weight", {64, 16}, kF32);
  const std::pair<const char*, std::vector<std::uint64_t>> matrices[] = {
      {"attn_qkv", {64, 192}}, {"attn_output", {64, 64}}, {"ffn_up", {64, 256}}, {"ffn_down", {256, 64}}};
  for (const auto& [name, sizes] : matrices) {
    file.add_tensor(std::string("blk.0.") + name + ".weight", sizes, kQ4_0);
    file.add_tensor(std::string("blk.0.") + name + ".bias", {sizes[1]}, kF32);
  }
  for (const char* norm : {"blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"}) {
    file.add_tensor(std::string(norm) + ".weight", {64}, kF32);
    file.add_tensor(std::string(norm) + ".bias", {64}, kF32);
  }
  const std::string bytes = file.bytes();
  const Model model =
      model_of_gguf(parse_gguf_header(std::as_bytes(std::span(bytes)), "a.gguf", bytes.size()), "a");
  EXPECT_EQ(std::get<Embedding>(model.prologue[0].shape).positions, 16);
  EXPECT_EQ(std::get<Linear>(find(model.groups[0], "qkv").shape).weight, Format::q4_0);
}

// Newer files split kv_b in two and give the head sizes of latent space as key_length.
TEST(GgufModel, DeepSeekOldAndNew) {
  for (const bool newer : {false, true}) {
    Decoder decoder("deepseek2");
    decoder.key("feed_forward_length", 512);
    decoder.key("expert_feed_forward_length", 256);
    decoder.key("expert_count", 4);
    decoder.key("expert_used_count", 2);
    decoder.key("expert_shared_count", 1);
    decoder.key("leading_dense_block_count", 1);
    decoder.key("attention.q_lora_rank", 256);
    decoder.key("attention.kv_lora_rank", 256);
    decoder.key("rope.dimension_count", 32);
    decoder.key("attention.key_length", newer ? 288 : 96);
    decoder.key("attention.value_length", newer ? 256 : 64);
    if (newer) {
      decoder.key("attention.key_length_mla", 96);
      decoder.key("attention.value_length_mla", 64);
    }
    for (int layer = 0; layer < 2; ++layer) {
      const std::string blk = "blk." + std::to_string(layer) + ".";
      for (const char* name : {"attn_norm", "ffn_norm", "attn_q_a_norm", "attn_kv_a_norm"}) {
        decoder.tensor(blk + name, {256}, kF32);
      }
      decoder.tensor(blk + "attn_q_a", {256, 256});
      decoder.tensor(blk + "attn_q_b", {256, 4 * 96});
      decoder.tensor(blk + "attn_kv_a_mqa", {256, 288});
      if (newer) {
        decoder.tensor(blk + "attn_k_b", {64, 256, 4}, kQ4_0);
        decoder.tensor(blk + "attn_v_b", {256, 64, 4}, kQ4_0);
      } else {
        decoder.tensor(blk + "attn_kv_b", {256, 4 * 128}, kQ4_0);
      }
      decoder.tensor(blk + "attn_output", {4 * 64, 256});
    }
    decoder.mlp(0);
    decoder.tensor("blk.1.ffn_gate_inp", {256, 4}, kF32);
    decoder.file.add_tensor("blk.1.exp_probs_b.bias", {4}, kF32);
    for (const char* name : {"gate", "up", "down"}) {
      decoder.tensor(std::string("blk.1.ffn_") + name + "_exps", {256, 256, 4});
      decoder.tensor(std::string("blk.1.ffn_") + name + "_shexp", {256, 256});
    }
    const Model model = decoder.model();
    const Attention attention = std::get<Attention>(find(model.groups[0], "attention").shape);
    EXPECT_EQ(attention.kv_values_per_token(), 288);
    EXPECT_EQ(attention.qk_dim, 96);
    EXPECT_EQ(std::get<Linear>(find(model.groups[0], "kv_b").shape).weight, Format::q4_0);
  }
}

TEST(GgufModel, WeightFormatOverridesTheTensors) {
  ModelOptions options;
  options.weight_format = Format::fp8;
  EXPECT_EQ(std::get<Linear>(find(llama().model(options).groups[0], "qkv").shape).weight, Format::fp8);
}

TEST(GgufModel, UnknownArchitectureNamesTheKnownOnes) {
  Decoder decoder("mamba");
  EXPECT_EQ(
      decoder.refusal(),
      "a.gguf: general.architecture: found 'mamba', expected one of llama, qwen2, qwen3, qwen3moe, gpt-oss, "
      "deepseek2, gemma3, gpt2");
  GgufTestFile nameless;
  nameless.add("x", std::uint32_t{1});
  const std::string bytes = nameless.bytes();
  EXPECT_THROW(model_of_gguf(parse_gguf_header(std::as_bytes(std::span(bytes)), "a.gguf", bytes.size()), "a"),
               ConfigError);
}

TEST(GgufModel, MissingKeysAndTensors) {
  Decoder no_key("llama");
  EXPECT_EQ(no_key.refusal(), "a.gguf: llama.feed_forward_length: found no such key, expected an integer");
  Decoder no_tensor("llama");
  no_tensor.key("feed_forward_length", 512);
  EXPECT_EQ(no_tensor.refusal(),
            "a.gguf: tensors: found no 'blk.0.attn_q.weight', expected one, as this model has it");
}

TEST(GgufModel, SizesThatCannotBe) {
  Decoder decoder("qwen2");
  decoder.file.add("qwen2.feed_forward_length", std::string("many"));
  EXPECT_EQ(
      decoder.refusal(),
      "a.gguf: qwen2.feed_forward_length: found something else, expected an integer, the same in all layers");
  Decoder zero("qwen3");
  zero.key("feed_forward_length", 0);
  EXPECT_EQ(zero.refusal(), "a.gguf: intermediate_size: found '0', expected an integer from 1 to 67108864");
}

TEST(GgufModel, TypesWithoutAFormat) {
  Decoder decoder("llama");
  decoder.key("feed_forward_length", 512);
  decoder.attention(0, 16);
  EXPECT_THAT(decoder.refusal(),
              HasSubstr("'blk.0.attn_v.weight': found type IQ2_XXS, expected a type whose"));
}

TEST(GgufModel, ParametersAddUp) {
  Decoder decoder = llama();
  decoder.tensor("rope_freqs", {32}, kF32);  // a constant
  EXPECT_EQ(decoder.refusal(), "accepted");
  decoder.tensor("blk.0.surprise", {7}, kF32);
  const std::int64_t expected = parameters(llama().model()).total;
  EXPECT_EQ(decoder.refusal(), "a.gguf: tensors: found " + std::to_string(expected + 7) +
                                   " parameters, expected " + std::to_string(expected) +
                                   ", those of a llama of these sizes");
}

}  // namespace
}  // namespace memwall
