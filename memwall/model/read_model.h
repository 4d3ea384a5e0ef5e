// read_model.h - a Model from a Hugging Face config.json, a GGUF header or a safetensors index.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memwall/model/model.h"

namespace memwall {

struct ModelOptions {
  Format kv_format = Format::bf16;
  // When set, the format of all projections and experts in place of what the file says, with the activations
  // that go with it. Formats below 16 bits leave router, embedding and head at 16, as published quantised
  // checkpoints do.
  std::optional<Format> weight_format;
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
