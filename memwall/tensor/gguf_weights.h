// gguf_weights.h - the numbers of a GGUF file, a few rows at a time.
#pragma once

#include <filesystem>
#include <memory>

#include "memwall/tensor/weight_source.h"

namespace memwall {

// Reads the header; rows are read when asked for. Throws ConfigError as read_gguf_header does.
std::unique_ptr<WeightSource> open_gguf_weights(const std::filesystem::path& file);

}  // namespace memwall
