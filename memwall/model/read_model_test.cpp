#include "memwall/model/read_model.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/data_files.h"
#include "memwall/core/error.h"

namespace memwall {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Published {
  const char* card;
  std::int64_t total, active;
  double kv_bytes_per_token;
  const char* source;
};

// Totals to every digit: the sums of the checkpoints' tensors as their pages on Hugging Face show them, where
// no other source is named. kv: 2 x layers x kv heads x head dim x 2 bytes.
constexpr Published kPublished[] = {
    {"llama-3.1-8b", 8030261248, 8030261248, 131072, "Meta: 8.03B"},
    {"llama-3.1-70b", 70553706496, 70553706496, 327680, "Meta: 70.6B"},
    {"llama-3.1-405b", 405853388800, 405853388800, 516096, "Meta: 406B"},
    {"llama-3.1-405b-fp8", 405853388800, 405853388800, 516096, "as the 405B"},
    {"llama-3.2-1b", 1235814400, 1235814400, 32768, "Meta: 1.23B"},
    {"llama-3.2-3b", 3212749824, 3212749824, 114688, "Meta: 3.21B"},
    {"llama-2-7b", 6738415616, 6738415616, 524288, "Meta: 6.74B"},
    {"llama-2-70b", 68976648192, 68976648192, 327680, "Meta: 69B"},
    {"llama-2-70b-w8a16", 68976648192, 68976648192, 327680, "as in fp16"},
    {"llama-3.1-70b-w8a16", 70553706496, 70553706496, 327680, "as in bf16"},
    {"mistral-7b", 7241732096, 7241732096, 131072, "v0.1, Mistral: 7.24B"},
    {"mixtral-8x7b", 46702792704, 12879925248, 131072, "Mistral: 46.7B total, 12.9B per token"},
    {"qwen2.5-7b", 7615616512, 7615616512, 57344, "Qwen: 7.61B"},
    {"qwen2.5-72b", 72706203648, 72706203648, 327680, "Qwen: 72.7B"},
    {"qwen3-8b", 8190735360, 8190735360, 147456, "Qwen: 8.2B"},
    {"qwen3-14b", 14768307200, 14768307200, 163840, "Qwen: 14.8B"},
    {"qwen3-32b", 32762123264, 32762123264, 262144, "Qwen: 32.8B"},
    {"qwen3-30b-a3b", 30532122624, 3353032704, 98304, "Qwen: 30.5B total, 3.3B activated"},
    {"qwen3-235b-a22b", 235093634560, 22190763520, 192512, "Qwen: 235B total, 22B activated"},
    {"qwen3-235b-a22b-fp8", 235093634560, 22190763520, 192512, "as in bf16"},
    // Card: 116.83B and 5.13B; 20.91B and 3.61B (arXiv 2508.10925, table 1).
    {"gpt-oss-120b", 116829156672, 5132849472, 73728, "OpenAI"},
    {"gpt-oss-20b", 20914757184, 3608307264, 49152, "OpenAI"},
    // 671B, 37B activated; cache (512 + 64) x 61 x 2 B (arXiv 2412.19437).
    {"deepseek-v3", 671026419200, 36625618432, 70272, "DeepSeek"},
    {"deepseek-r1", 671026419200, 36625618432, 70272, "same config"},
    {"gemma-3-270m", 268098176, 268098176, 18432, "Google, Kaggle's gemma3 page"},
    {"gemma-3-1b", 999885952, 999885952, 26624, "Google, Kaggle's gemma3 page"},
    // Kaggle's text-only variants count 262,144 rows of embedding: 3,880,099,328, 11,765,788,416 and
    // 27,009,002,240. The checkpoints on Hugging Face hold 64 rows more, for image tokens.
    {"gemma-3-4b", 3880099328 + 64 * 2560, 3880099328 + 64 * 2560, 139264, "Google"},
    {"gemma-3-12b", 11765788416 + 64 * 3840, 11765788416 + 64 * 3840, 393216, "Google"},
    {"gemma-3-27b", 27009002240 + 64 * 5376, 27009002240 + 64 * 5376, 507904, "Google"},
    {"gpt2", 124439808, 124439808, 36864, "OpenAI: 124M"},
    // 175.0B in arXiv 2005.14165, table 2.1; this is the sum for its shapes.
    {"gpt3-175b", 174604259328, 174604259328, 4718592, "OpenAI"},
    {"smollm2-135m", 134515008, 134515008, 23040, "Hugging Face: 135M"},
};

TEST(Cards, CountsAreThePublishedOnes) {
  for (const Published& published : kPublished) {
    const Model model = read_model(published.card);
    EXPECT_EQ(parameters(model).total, published.total) << published.card;
    EXPECT_EQ(parameters(model).active, published.active) << published.card;
    EXPECT_EQ(kv_bytes_per_token(model).value, published.kv_bytes_per_token) << published.card;
  }
}

TEST(Cards, EveryCardIsCheckedAgainstAPublishedCount) {
  std::vector<std::string> checked;
  for (const Published& published : kPublished) {
    checked.emplace_back(published.card);
  }
  EXPECT_THAT(card_names("models"), ::testing::UnorderedElementsAreArray(checked));
}

const Operator& find(const Model& model, const std::string& name) {
  for (const LayerGroup& group : model.groups) {
    for (const Operator& op : group.operators) {
      if (op.name == name) {
        return op;
      }
    }
  }
  throw std::logic_error("no operator " + name);
}

TEST(Architectures, GptOssAlternatesWindowAndFull) {
  const Model model = read_model("gpt-oss-120b");
  ASSERT_EQ(model.groups.size(), 1u);
  EXPECT_EQ(model.groups[0].repeat, 18);
  EXPECT_EQ(model.groups[0].layers_per_repeat, 2);
  EXPECT_EQ(std::get<Attention>(find(model, "attention.0").shape).window, 128);
  EXPECT_EQ(std::get<Attention>(find(model, "attention.1").shape).window, 0);
  EXPECT_TRUE(std::get<Attention>(find(model, "attention.0").shape).sinks);
  EXPECT_EQ(std::get<Experts>(find(model, "experts.0").shape).weight, Format::mxfp4);
  EXPECT_EQ(std::get<Linear>(find(model, "qkv.0").shape).weight, Format::bf16);
  EXPECT_EQ(std::get<Linear>(find(model, "router.0").shape).weight, Format::bf16);
  // The checkpoint is 60.8 GiB (arXiv 2508.10925, section 2.1); MXFP4 with its scales is 4.25 bits.
  EXPECT_NEAR(weight_bytes(model).value / (1024.0 * 1024 * 1024), 60.8, 0.05);
}

TEST(Architectures, DeepSeekHasThreeDenseLayers) {
  const Model model = read_model("deepseek-v3");
  ASSERT_EQ(model.groups.size(), 2u);
  EXPECT_EQ(model.groups[0].name, "dense");
  EXPECT_EQ(model.groups[0].repeat, 3);
  EXPECT_EQ(model.groups[1].name, "moe");
  EXPECT_EQ(model.groups[1].repeat, 58);
  EXPECT_EQ(std::get<Linear>(find(model, "q_b").shape).weight, Format::fp8_block);
  EXPECT_EQ(std::get<Linear>(find(model, "q_b").shape).activation, Format::fp8);
  EXPECT_EQ(std::get<Linear>(find(model, "router").shape).weight, Format::bf16);
  EXPECT_EQ(std::get<Linear>(model.epilogue[1].shape).weight, Format::bf16);
}

TEST(Architectures, GemmaHasFiveLocalLayersToAGlobalOne) {
  const Model model = read_model("gemma-3-27b");  // 62 = 10 x 6 + 2
  ASSERT_EQ(model.groups.size(), 2u);
  EXPECT_EQ(model.groups[0].repeat, 10);
  EXPECT_EQ(model.groups[0].layers_per_repeat, 6);
  EXPECT_EQ(model.groups[1].repeat, 2);
  EXPECT_EQ(std::get<Attention>(find(model, "attention.4").shape).window, 1024);
  EXPECT_EQ(std::get<Attention>(find(model, "attention.5").shape).window, 0);
  EXPECT_EQ(std::get<Attention>(model.groups[1].operators[5].shape).window, 1024);
  EXPECT_TRUE(std::get<Linear>(model.epilogue[1].shape).tied);
}

TEST(Architectures, Gpt2HasLayerNormBiasesAndPositions) {
  const Model model = read_model("gpt2");
  EXPECT_EQ(std::get<Embedding>(model.prologue[0].shape).positions, 1024);
  EXPECT_TRUE(std::get<Norm>(find(model, "input_norm").shape).layer_norm);
  EXPECT_TRUE(std::get<Norm>(model.epilogue[0].shape).layer_norm);
  EXPECT_TRUE(std::get<Linear>(find(model, "qkv").shape).bias);
  EXPECT_FALSE(std::get<Activation>(find(model, "activation").shape).gated);
}

TEST(Options, KvFormatAndWeightFormat) {
  ModelOptions options;
  options.kv_format = Format::fp8;
  EXPECT_EQ(kv_bytes_per_token(read_model("llama-3.1-70b", options)).value, 163840);
  options.weight_format = Format::fp8;
  const Model narrow = read_model("llama-3.1-70b", options);
  EXPECT_EQ(std::get<Linear>(find(narrow, "qkv").shape).activation, Format::fp8);
  EXPECT_EQ(std::get<Linear>(narrow.epilogue[1].shape).weight, Format::bf16);
  options.weight_format = Format::int4;
  EXPECT_EQ(std::get<Linear>(find(read_model("llama-3.1-70b", options), "qkv").shape).activation,
            Format::bf16);
  options.weight_format = Format::bf16;
  EXPECT_EQ(std::get<Experts>(find(read_model("gpt-oss-20b", options), "experts.0").shape).weight,
            Format::bf16);
}

// A config.json in a folder of its own.
class ConfigFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("memwall_model_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    const std::filesystem::path file = folder_ / "config.json";
    std::ofstream(file) << text;
    return file.string();
  }
  std::string refusal(const std::string& text) {
    const std::string file = write(text);
    try {
      read_model(file);
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.rfind(file, 0), 0u) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      return message.substr(std::min(file.size(), message.size()));
    }
    return "accepted";
  }

  std::filesystem::path folder_;
};

// A Llama of two layers; `change` replaces one "key": value, or adds it.
std::string llama(const std::string& key = "", const std::string& value = "") {
  std::vector<std::pair<std::string, std::string>> entries = {
      {"model_type", "\"llama\""}, {"hidden_size", "64"},          {"intermediate_size", "128"},
      {"num_hidden_layers", "2"},  {"num_attention_heads", "8"},   {"num_key_value_heads", "4"},
      {"vocab_size", "256"},       {"torch_dtype", "\"bfloat16\""}};
  bool replaced = key.empty();
  for (auto& entry : entries) {
    if (entry.first == key) {
      entry.second = value;
      replaced = true;
    }
  }
  if (!replaced) {
    entries.emplace_back(key, value);
  }
  std::string text = "{";
  for (const auto& [name, content] : entries) {
    text += (text.size() > 1 ? ",\n" : "\n") + ("  \"" + name + "\": " + content);
  }
  return text + "\n}\n";
}

using BadConfig = ConfigFolder;

TEST_F(BadConfig, ASoundOneIsAcceptedAndNamedAfterItsFolder) {
  EXPECT_EQ(refusal(llama()), "accepted");
  EXPECT_EQ(read_model(write(llama())).name, folder_.filename().string());
  EXPECT_EQ(refusal(llama("a_key_of_the_future", "[1, {\"x\": null}]")), "accepted");
}

TEST_F(BadConfig, HeadsThatKvHeadsDoNotDivide) {
  EXPECT_EQ(refusal(llama("num_key_value_heads", "3")),
            ":7:3: num_key_value_heads: found '3', expected a divisor of num_attention_heads, 8");
  EXPECT_EQ(refusal(llama("num_attention_heads", "12")),
            ":6:3: num_attention_heads: found '12', expected a divisor of hidden_size, 64, or a head_dim");
}

TEST_F(BadConfig, SizesThatCannotBe) {
  EXPECT_EQ(refusal(llama("hidden_size", "0")),
            ":3:3: hidden_size: found '0', expected an integer from 1 to 67108864");
  EXPECT_THAT(refusal(llama("hidden_size", "-4096")), HasSubstr("found '-4096', expected an integer from 1"));
  EXPECT_THAT(refusal(llama("hidden_size", "1e30")), HasSubstr(":3:3: hidden_size: found '1e30'"));
  EXPECT_THAT(refusal(llama("hidden_size", "64.5")), HasSubstr("expected an integer"));
  EXPECT_THAT(refusal(llama("hidden_size", "\"64\"")), HasSubstr("expected an integer"));
  EXPECT_THAT(refusal(llama("hidden_size", "null")), HasSubstr("expected an integer"));
  EXPECT_THAT(refusal(llama("num_hidden_layers", "1000000")), HasSubstr("at most 4096"));
  EXPECT_THAT(refusal(llama("vocab_size", "99999999999999999999")), HasSubstr(":8:3: vocab_size"));
  EXPECT_THAT(refusal(llama("tie_word_embeddings", "1")),
              HasSubstr("tie_word_embeddings: found '1', expected true or false"));
}

TEST_F(BadConfig, MissingKey) {
  EXPECT_THAT(refusal("{\"model_type\": \"llama\"}"),
              HasSubstr(":1:1: hidden_size: found no such key, expected an integer"));
  EXPECT_THAT(refusal("{\"hidden_size\": 64}"), HasSubstr("model_type: found no such key, expected text"));
}

TEST_F(BadConfig, UnknownArchitectureNamesTheKnownOnes) {
  const std::string message = refusal(llama("model_type", "\"mamba\""));
  EXPECT_THAT(message, HasSubstr(":2:3: model_type: found 'mamba', expected one of llama, mistral, mixtral"));
  for (const ArchitectureInfo& known : known_architectures()) {
    EXPECT_THAT(message, HasSubstr(known.name));
  }
}

TEST_F(BadConfig, BrokenJsonAndDuplicateKey) {
  EXPECT_THAT(refusal("{\"model_type\": \"llama\",\n"),
              HasSubstr("found the end of the file, expected valid JSON"));
  EXPECT_THAT(refusal("{\"model_type\": llama}"), HasSubstr(":1:"));
  EXPECT_THAT(refusal("{\"hidden_size\": 1,\n \"hidden_size\": 2}"),
              HasSubstr(":2:2: hidden_size: found a duplicate key, expected each key once"));
  EXPECT_THAT(refusal("[]"), HasSubstr("expected a mapping of keys to values"));
  EXPECT_THAT(refusal(""), HasSubstr("expected valid JSON"));
}

TEST_F(BadConfig, ExpertsFewerThanTopK) {
  const std::string moe = R"({"model_type": "mixtral", "hidden_size": 64, "intermediate_size": 128,
  "num_hidden_layers": 2, "num_attention_heads": 8, "vocab_size": 256, "num_local_experts": 4,
  "num_experts_per_tok": 5})";
  EXPECT_EQ(refusal(moe), ":3:3: num_experts_per_tok: found '5', expected at most the 4 experts of a layer");
}

TEST_F(BadConfig, LayerTypes) {
  std::ifstream card(card_file("models", "gpt-oss-20b"));
  std::string text((std::istreambuf_iterator<char>(card)), std::istreambuf_iterator<char>());
  const std::size_t layers = text.find("\"num_hidden_layers\": 24");
  text.replace(layers, 23, "\"num_hidden_layers\": 20");
  EXPECT_THAT(refusal(text), HasSubstr("layer_types: found 24 layers, expected num_hidden_layers, 20"));
}

TEST(ReadModel, MissingFileAndUnknownCard) {
  const auto refusal = [](const std::string& name) {
    try {
      read_model(name);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal("/nowhere/config.json"),
            "/nowhere/config.json: found no such file, expected a readable file");
  EXPECT_THAT(refusal("llama-3.1-7b"),
              AllOf(HasSubstr("model: found 'llama-3.1-7b'"), HasSubstr("llama-3.1-70b")));
}

using Quantization = ConfigFolder;

TEST_F(Quantization, MethodsAndTheirExceptions) {
  struct Case {
    const char* config;
    Format qkv, activation, down, head;
  };
  const Case cases[] = {
      {R"({"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": false})", Format::int4,
       Format::bf16, Format::int4, Format::bf16},
      {R"({"quant_method": "gptq", "bits": 4, "group_size": 32})", Format::int4_g32, Format::bf16,
       Format::int4_g32, Format::bf16},
      {R"({"quant_method": "gptq", "bits": 4, "group_size": 128, "lm_head": true})", Format::int4,
       Format::bf16, Format::int4, Format::int4},
      {R"({"quant_method": "awq", "w_bit": 4, "q_group_size": 128, "modules_to_not_convert": ["self_attn"]})",
       Format::bf16, Format::bf16, Format::int4, Format::bf16},
      {R"({"quant_method": "fp8", "activation_scheme": "dynamic"})", Format::fp8, Format::fp8, Format::fp8,
       Format::bf16},
      {R"({"quant_method": "fp8", "weight_block_size": [128, 128]})", Format::fp8_block, Format::fp8,
       Format::fp8_block, Format::bf16},
      {R"({"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["model.layers.0.self_attn"]})",
       Format::bf16, Format::bf16, Format::fp8, Format::bf16},
      {R"({"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]})", Format::nvfp4,
       Format::nvfp4, Format::nvfp4, Format::bf16},
      {R"({"quant_method": "compressed-tensors", "ignore": ["lm_head"], "config_groups": {"group_0": {
          "targets": ["Linear"], "weights": {"num_bits": 8, "type": "int", "strategy": "channel"},
          "input_activations": {"num_bits": 8, "type": "int", "dynamic": true}}}})",
       Format::int8, Format::int8, Format::int8, Format::bf16},
      {R"({"quant_method": "compressed-tensors", "config_groups": {"group_0": {
          "targets": ["Linear"], "weights": {"num_bits": 8, "type": "float", "strategy": "tensor"},
          "input_activations": {"num_bits": 8, "type": "float"}}}})",
       Format::fp8, Format::fp8, Format::fp8, Format::fp8},
      {R"({"quant_method": "compressed-tensors", "ignore": ["lm_head"], "config_groups": {
          "group_0": {"targets": ["re:.*self_attn.*"], "weights": {"num_bits": 8, "type": "float"}},
          "group_1": {"targets": ["re:.*mlp.*"], "input_activations": null,
                      "weights": {"num_bits": 4, "type": "int", "group_size": 128}}}})",
       Format::fp8, Format::bf16, Format::int4, Format::bf16},
  };
  for (const Case& expected : cases) {
    const Model model = read_model(write(llama("quantization_config", expected.config)));
    const Linear qkv = std::get<Linear>(find(model, "qkv").shape);
    EXPECT_EQ(qkv.weight, expected.qkv) << expected.config;
    EXPECT_EQ(qkv.activation, expected.activation) << expected.config;
    EXPECT_EQ(std::get<Linear>(find(model, "down").shape).weight, expected.down) << expected.config;
    EXPECT_EQ(std::get<Linear>(model.epilogue[1].shape).weight, expected.head) << expected.config;
    EXPECT_EQ(std::get<Embedding>(model.prologue[0].shape).weight, Format::bf16) << expected.config;
  }
}

TEST_F(Quantization, LayersThatDifferAreGroupsOfTheirOwn) {
  const Model model = read_model(write(llama(
      "quantization_config", R"({"quant_method": "fp8", "modules_to_not_convert": ["model.layers.1"]})")));
  ASSERT_EQ(model.groups.size(), 2u);
  EXPECT_EQ(std::get<Linear>(model.groups[0].operators[1].shape).weight, Format::fp8);
  EXPECT_EQ(std::get<Linear>(model.groups[1].operators[1].shape).weight, Format::bf16);
}

TEST_F(Quantization, ProjectionsStoredDifferentlyAreNotFused) {
  const Model model = read_model(write(
      llama("quantization_config", R"({"quant_method": "fp8", "modules_to_not_convert": ["v_proj"]})")));
  EXPECT_EQ(std::get<Linear>(find(model, "q").shape).weight, Format::fp8);
  EXPECT_EQ(std::get<Linear>(find(model, "v").shape).weight, Format::bf16);
  EXPECT_EQ(parameters(model).total, parameters(read_model(write(llama()))).total);
}

TEST_F(Quantization, RefusesWhatHasNoFormat) {
  const auto verdict = [&](const std::string& config) {
    return refusal(llama("quantization_config", config));
  };
  EXPECT_THAT(
      verdict(R"({"quant_method": "bitsandbytes"})"),
      HasSubstr("quantization_config.quant_method: found 'bitsandbytes', expected one of fp8, fbgemm_fp8"));
  EXPECT_THAT(verdict(R"({"quant_method": "gptq", "bits": 2, "group_size": 128})"),
              HasSubstr("bits: found '2'"));
  EXPECT_THAT(verdict(R"({"quant_method": "gptq", "bits": 4, "group_size": 7})"),
              HasSubstr("group_size: found '7'"));
  EXPECT_THAT(verdict(R"({"quant_method": "fp8", "weight_block_size": [64, 64]})"), HasSubstr("[128, 128]"));
  EXPECT_THAT(verdict(R"({"quant_method": "modelopt", "quant_algo": "W4"})"), HasSubstr("FP8 or NVFP4"));
  EXPECT_THAT(verdict(R"({"quant_method": "fp8", "modules_to_not_convert": ["re:a+"]})"),
              HasSubstr("a module's name or pattern, not an expression beyond"));
  EXPECT_THAT(verdict(R"({"quant_method": "compressed-tensors"})"),
              HasSubstr("config_groups: found no such key"));
  EXPECT_THAT(verdict("3"), HasSubstr("quantization_config: found '3', expected a mapping"));
  EXPECT_THAT(refusal(llama("torch_dtype", "\"float8\"")), HasSubstr("one of bfloat16, float16, float32"));
}

TEST(Llama405Fp8, IsHalfTheBytes) {
  // "FP8 ... 405B fits one node of 8 H100": every projection is 8 bits, embedding and head 16.
  const double embedding_and_head = 2.0 * 128256 * 16384;
  const double norms = 253.0 * 16384;
  EXPECT_DOUBLE_EQ(weight_bytes(read_model("llama-3.1-405b-fp8")).value,
                   405853388800.0 + embedding_and_head + norms);
}

}  // namespace
}  // namespace memwall
