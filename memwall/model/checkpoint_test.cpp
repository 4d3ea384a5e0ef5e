#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/error.h"
#include "memwall/model/read_model.h"

namespace memwall {
namespace {

using ::testing::HasSubstr;

// A folder with the checkpoint of a Llama of one layer: hidden 8, one head, MLP of 16, vocabulary 32.
class Checkpoint : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("memwall_checkpoint_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    write("config.json", R"({"model_type": "llama", "hidden_size": 8, "intermediate_size": 16,
      "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 32})");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  // A safetensors file of bf16 vectors.
  void write_tensors(const std::string& name, const std::vector<std::pair<std::string, int>>& tensors) {
    std::string json = "{";
    int end = 0;
    for (const auto& [tensor, values] : tensors) {
      json += (json.size() > 1 ? "," : "") + ("\"" + tensor + "\":{\"dtype\":\"BF16\",\"shape\":[") +
              std::to_string(values) + "],\"data_offsets\":[" + std::to_string(end) + "," +
              std::to_string(end + 2 * values) + "]}";
      end += 2 * values;
    }
    json += "}";
    std::string file(sizeof(std::uint64_t), '\0');
    const std::uint64_t length = json.size();
    std::memcpy(file.data(), &length, sizeof length);
    write(name, file + json + std::string(static_cast<std::size_t>(end), '\0'));
  }
  std::string verdict(const std::string& name = "") const {
    try {
      read_model((folder_ / name).string());
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  }

  std::filesystem::path folder_;
};

constexpr int kLayer = 4 * 8 * 8 + 3 * 8 * 16 + 2 * 8, kEnds = 2 * 32 * 8 + 8;

TEST_F(Checkpoint, OneFileWithItsConfig) {
  write_tensors("model.safetensors", {{"model.layers.0.all", kLayer},
                                      {"lm_head.weight", kEnds},
                                      {"model.layers.0.self_attn.rotary_emb.inv_freq", 4}});
  EXPECT_EQ(verdict("model.safetensors"), "accepted");
  EXPECT_EQ(verdict(), "accepted");
  EXPECT_EQ(read_model(folder_.string()).name, folder_.filename().string());
  write_tensors("model.safetensors", {{"model.layers.0.all", kLayer}});
  EXPECT_THAT(verdict(), HasSubstr("model.safetensors: tensors: found 656 parameters, expected 1176"));
}

TEST_F(Checkpoint, IndexAndShards) {
  write("model.safetensors.index.json", R"({"metadata": {"total_size": 2352}, "weight_map": {
    "model.layers.0.all": "model-1.safetensors", "lm_head.weight": "model-2.safetensors"}})");
  EXPECT_EQ(verdict(), "accepted");  // the index alone will do
  write_tensors("model-1.safetensors", {{"model.layers.0.all", kLayer}});
  write_tensors("model-2.safetensors", {{"lm_head.weight", kEnds - 1}});
  EXPECT_THAT(verdict(), HasSubstr("found 1175 parameters, expected 1176"));
}

TEST_F(Checkpoint, IndexOfAnotherModel) {
  write("model.safetensors.index.json", R"({"weight_map": {"lm_head.weight": "m.safetensors"}})");
  EXPECT_THAT(verdict(),
              HasSubstr("weight_map: found no tensor of layer 0, expected the 1 layers of config.json"));
  write("model.safetensors.index.json",
        R"({"metadata": {"total_size": 4000}, "weight_map": {"model.layers.0.all": "m.safetensors"}})");
  EXPECT_THAT(verdict(), HasSubstr("metadata.total_size: found 4000, expected about 2352"));
}

TEST_F(Checkpoint, NeedsItsConfig) {
  std::filesystem::remove(folder_ / "config.json");
  EXPECT_THAT(verdict(), HasSubstr("a folder without one of them"));
  write_tensors("model.safetensors", {{"a", 1}});
  EXPECT_THAT(verdict(), HasSubstr("config.json: found no such file"));
}

}  // namespace
}  // namespace memwall
