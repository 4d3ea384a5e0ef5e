// gguf_test_file.h - small GGUF files for tests: sound by default, and wrong where a test says so.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "memwall/tensor/ggml_type.h"

namespace memwall {

class GgufTestFile {
 public:
  std::uint32_t version = 3;
  std::optional<std::uint64_t> tensor_count, entry_count;  // in place of the true ones

  void add(const std::string& key, std::uint32_t value) {
    add_name(key);
    add_raw(std::uint32_t{4});
    add_raw(value);
  }
  void add(const std::string& key, float value) {
    add_name(key);
    add_raw(std::uint32_t{6});
    add_raw(value);
  }
  void add(const std::string& key, const std::string& value) {
    add_name(key);
    add_raw(std::uint32_t{8});
    add_text(metadata_, value);
  }
  void add_array(const std::string& key, std::uint32_t type, const std::vector<std::uint32_t>& values) {
    add_array_head(key, type, values.size());
    for (const std::uint32_t value : values) {
      add_raw(value);
    }
  }
  void add_strings(const std::string& key, const std::vector<std::string>& values) {
    add_array_head(key, 8, values.size());
    for (const std::string& value : values) {
      add_text(metadata_, value);
    }
  }
  // A key, counted as an entry; what follows is up to the caller.
  void add_name(const std::string& key) {
    ++entries_;
    add_text(metadata_, key);
  }
  template <class Number>
  void add_raw(Number value) {
    entries_ += entries_ == 0 ? 1 : 0;
    append(metadata_, value);
  }
  void pad(std::size_t bytes) { metadata_.append(bytes, '\0'); }

  // Data follows the previous tensor's at the next multiple of 32, unless `offset` says where.
  void add_tensor(const std::string& name, const std::vector<std::uint64_t>& dimensions, std::uint32_t type,
                  std::optional<std::uint64_t> offset = std::nullopt) {
    ++tensors_;
    add_text(tensor_list_, name);
    append(tensor_list_, static_cast<std::uint32_t>(dimensions.size()));
    std::uint64_t values = 1;
    for (const std::uint64_t size : dimensions) {
      append(tensor_list_, size);
      values *= size;
    }
    append(tensor_list_, type);
    append(tensor_list_, offset.value_or(data_bytes_));
    const GgmlType* known = find_ggml_type(type);
    const std::uint64_t bytes = known != nullptr ? values / known->values * known->bytes : 0;
    constexpr std::uint64_t kMostData = 1 << 24;  // a test's absurd sizes are not filled
    if (!offset && bytes <= kMostData) {
      data_bytes_ += (bytes + 31) / 32 * 32;
    }
  }

  std::string bytes() const {
    std::string file = "GGUF";
    append(file, version);
    append(file, tensor_count.value_or(tensors_));
    append(file, entry_count.value_or(entries_));
    file += metadata_ + tensor_list_;
    file.append((32 - file.size() % 32) % 32 + data_bytes_, '\0');
    return file;
  }

 private:
  template <class Number>
  static void append(std::string& to, Number value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    to.append(bytes, sizeof value);
  }
  static void add_text(std::string& to, const std::string& text) {
    append(to, static_cast<std::uint64_t>(text.size()));
    to += text;
  }
  void add_array_head(const std::string& key, std::uint32_t type, std::uint64_t count) {
    add_name(key);
    add_raw(std::uint32_t{9});
    add_raw(type);
    add_raw(count);
  }

  std::string metadata_, tensor_list_;
  std::uint64_t entries_ = 0, tensors_ = 0, data_bytes_ = 0;
};

}  // namespace memwall
