// ggml_type.h - the block layouts of tensors in GGUF files.
//
// Source: ggml's type table (ggml.h, ggml-common.h): a block of `values` consecutive values of a row takes
// `bytes` bytes, scales included.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "memwall/core/number_format.h"

namespace memwall {

struct GgmlType {
  std::uint32_t id = 0;
  std::string_view name;
  std::uint64_t values = 1, bytes = 1;
  std::optional<Format> format;  // absent for types that are no weights here: integers, IQ and ternary
};

// nullptr for an unknown id.
const GgmlType* find_ggml_type(std::uint32_t id);

}  // namespace memwall
