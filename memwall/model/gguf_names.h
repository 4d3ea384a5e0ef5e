// gguf_names.h - what GGUF files call the things that config.json and Hugging Face's checkpoints name
// otherwise.
//
// Source: gguf-py's constants.py (keys) and tensor_mapping.py (tensors), in the llama.cpp repository.
#pragma once

#include <string_view>
#include <vector>

namespace memwall {

// A key of the metadata, without the architecture's prefix, and the config.json key that means the same.
struct KeyPair {
  const char* gguf;
  const char* config;
  bool required = true;
};
struct GgufArchitecture {
  const char* name;        // general.architecture
  const char* model_type;  // config.json's
  std::vector<KeyPair> keys;
};
// Mixtral calls itself llama: the entry of that name with model_type mixtral is for files with experts.
const std::vector<GgufArchitecture>& gguf_architectures();

// A module of a layer and the tensor, without "blk.3." and ".weight", that is its weight. Where there are two
// names, either may be in the file.
struct TensorPair {
  const char* module;  // "self_attn.q_proj"
  const char* tensor;  // "attn_q"
  const char* other = nullptr;
};
// Throws std::logic_error for a module that no builder has.
const TensorPair& gguf_tensor_of(std::string_view module);

}  // namespace memwall
