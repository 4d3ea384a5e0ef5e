// read_model.h - a Model from a Hugging Face config.json, a GGUF header or a safetensors index.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "memwall/model/model.h"

namespace memwall {

struct ModelOptions {
  // Number format of the KV cache and, when set, of all weights in place of what the config says.
  Format kv_format = Format::bf16;
};

// A path (a .json config, a .gguf file, a *.safetensors.index.json with its config.json beside it, or a
// folder that holds one of them) or the name of a card in models/. Throws ConfigError; an unknown
// architecture or name is refused with the list of known ones.
Model read_model(const std::string& name_or_path, const ModelOptions& options = {});

struct ArchitectureInfo {
  std::string name;     // config.json's model_type: "llama"
  std::string summary;  // "dense, grouped-query attention, SwiGLU"
};
std::vector<ArchitectureInfo> known_architectures();

}  // namespace memwall
