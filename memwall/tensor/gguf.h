// gguf.h - the header of a GGUF file: its metadata and the list of its tensors. The data is never read.
//
// Layout (little-endian; ggml's docs/gguf.md): magic "GGUF", version, tensor count, metadata count, then
// metadata (key, type, value), then per tensor name, dimensions, type and offset, then padding to the
// alignment, then the data that offsets count from. Versions 2 and 3 are read.
//
// Nothing in the file is trusted: every length, count, offset, type and alignment is held against the file's
// real size, and a refusal names the file and the byte offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "memwall/tensor/ggml_type.h"

namespace memwall {

// An array of the metadata. Only short arrays of numbers (layers' sizes) are kept; of the others, such as
// vocabularies, only length and place.
struct GgufArray {
  std::uint32_t type = 0;  // of the elements
  std::uint64_t count = 0;
  std::uint64_t byte = 0;       // of the first element in the file
  std::vector<double> numbers;  // all of them, or empty
};
using GgufValue = std::variant<bool, std::int64_t, double, std::string, GgufArray>;

struct GgufEntry {
  std::string key;
  GgufValue value;
  std::uint64_t byte = 0;  // where the entry begins
};

struct GgufTensor {
  std::string name;
  std::vector<std::int64_t> dimensions;  // fastest first: (input width, output width) of a matrix
  const GgmlType* type = nullptr;
  std::uint64_t offset = 0;  // from data_begin
  std::uint64_t bytes = 0;
  std::int64_t values = 0;
};

struct GgufHeader {
  std::string file;
  std::uint32_t version = 0;
  std::vector<GgufEntry> metadata;  // in file order, keys distinct
  std::vector<GgufTensor> tensors;  // in file order, names distinct, data disjoint and within the file
  std::uint64_t data_begin = 0;

  const GgufEntry* find(const std::string& key) const;
  const GgufTensor* tensor(const std::string& name) const;
};

// `bytes` is the file from its beginning, up to the data at least; `file` is its name for messages and
// `file_size` its full size. REQUIRES:
// file_size < 2^62. Throws ConfigError.
GgufHeader parse_gguf_header(std::span<const std::byte> bytes, const std::string& file,
                             std::uint64_t file_size);
// Reads as much of the file as its header takes.
GgufHeader read_gguf_header(const std::filesystem::path& file);

}  // namespace memwall
