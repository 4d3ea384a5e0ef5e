// Writes sound files for the fuzz targets to start from: make_seeds FOLDER puts them in FOLDER/<door>_fuzz/.
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/core/output_file.h"
#include "memwall/tensor/gguf_test_file.h"

namespace {

using namespace memwall;
namespace fs = std::filesystem;

void copy_cards(const std::string& kind, const fs::path& folder) {
  fs::create_directories(folder);
  for (const std::string& name : card_names(kind)) {
    const fs::path card = card_file(kind, name);
    fs::copy_file(card, folder / card.filename(), fs::copy_options::overwrite_existing);
  }
}

// A Llama of one layer with every tensor it has.
std::string small_llama() {
  GgufTestFile file;
  file.add("general.architecture", std::string("llama"));
  file.add("llama.embedding_length", std::uint32_t{32});
  file.add("llama.block_count", std::uint32_t{1});
  file.add("llama.feed_forward_length", std::uint32_t{64});
  file.add("llama.attention.head_count", std::uint32_t{2});
  file.add("llama.rope.freq_base", 1e4f);
  file.add_strings("tokenizer.ggml.tokens", {"a", "b"});
  constexpr std::uint32_t kF32 = 0, kQ4_1 = 3, kQ8_0 = 8, kMxfp4 = 39;
  file.add_tensor("token_embd.weight", {32, 2}, kQ8_0);
  for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
    file.add_tensor(std::string("blk.0.") + name + ".weight", {32, 32}, kQ8_0);
  }
  file.add_tensor("blk.0.ffn_gate.weight", {32, 64}, kQ4_1);
  file.add_tensor("blk.0.ffn_up.weight", {32, 64}, kMxfp4);
  file.add_tensor("blk.0.ffn_down.weight", {64, 32}, kQ8_0);
  for (const char* name : {"blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"}) {
    file.add_tensor(name, {32}, kF32);
  }
  return file.bytes();
}

std::string small_safetensors() {
  const std::string json =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},)"
      R"("b":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[12,16]}})";
  const std::uint64_t length = json.size();
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  return file + json + std::string(16, '\0');
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: make_seeds FOLDER\n";
    return 2;
  }
  const fs::path folder = arguments[1];
  copy_cards("models", folder / "json_fuzz");
  copy_cards("chips", folder / "yaml_fuzz");
  fs::create_directories(folder / "gguf_fuzz");
  fs::create_directories(folder / "safetensors_fuzz");
  write_whole_file(folder / "gguf_fuzz" / "llama.gguf", small_llama());
  write_whole_file(folder / "safetensors_fuzz" / "two.safetensors", small_safetensors());
  write_whole_file(folder / "safetensors_fuzz" / "index.json",
                   R"({"metadata":{"total_size":16},"weight_map":{"a":"m.safetensors"}})");
  return 0;
}
