// safetensors.h - headers of safetensors files and the index of a sharded checkpoint. The data is never read.
//
// A file is the header's length (8 bytes, little-endian), the header (JSON: name -> dtype, shape and
// [begin, end) of the data, counted from the header's end) and the data. As the format demands, the tensors
// fill the data without holes or overlaps. Source: safetensors' README.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace memwall {

struct SafetensorsTensor {
  std::string name, dtype;          // "BF16", "F8_E4M3"
  std::vector<std::int64_t> shape;  // empty for a scalar
  std::int64_t values = 1;
  std::uint64_t begin = 0, end = 0;  // bytes from data_begin
};

struct SafetensorsHeader {
  std::string file;
  std::vector<SafetensorsTensor> tensors;  // in file order, names distinct
  std::uint64_t data_begin = 0;
};

// `bytes` is the file from its beginning, up to the data at least. Throws ConfigError.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes, const std::string& file,
                                           std::uint64_t file_size);
SafetensorsHeader read_safetensors_header(const std::filesystem::path& file);

// *.safetensors.index.json
struct SafetensorsIndex {
  struct Entry {
    std::string tensor, shard;  // shard: a file's name beside the index
  };
  std::string file;
  std::vector<Entry> entries;               // in file order, tensors distinct
  std::optional<std::int64_t> total_bytes;  // metadata.total_size
};
SafetensorsIndex parse_safetensors_index(std::string_view text, const std::string& file);

}  // namespace memwall
