#include "memwall/tensor/gguf.h"

#include <algorithm>
#include <array>
#include <set>

#include "memwall/core/error.h"
#include "memwall/tensor/byte_reader.h"

namespace memwall {
namespace {

// Types of metadata values, by their numbers in the file.
enum ValueType : std::uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};
// Bytes of one value; a string has at least its length, an array its element type and count.
constexpr std::array<std::uint64_t, 13> kLeastBytes = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

constexpr std::uint64_t kMostKept = 4096;     // numbers of an array
constexpr int kMostNested = 4;                // arrays of arrays
constexpr std::uint64_t kLongestKey = 65535;  // docs/gguf.md
constexpr std::uint64_t kLongestTensorName = 255;
constexpr std::uint32_t kMostDimensions = 4;  // GGML_MAX_DIMS
constexpr std::uint64_t kDefaultAlignment = 32, kMostAlignment = 1 << 16;

class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, const std::string& file, std::uint64_t file_size)
      : reader_(bytes, file, file_size), file_size_(file_size) {
    header_.file = file;
  }

  GgufHeader run() {
    constexpr std::uint64_t kLeastEntry = 8 + 4 + 1, kLeastTensor = 8 + 4 + 8 + 4 + 8;
    const std::string magic = reader_.text(4, "magic");
    if (magic != "GGUF") {
      reader_.refuse(0, "magic", memwall::quoted(magic), "'GGUF'");
    }
    header_.version = reader_.number<std::uint32_t>("version");
    if (header_.version != 2 && header_.version != 3) {
      const bool swapped = header_.version == 0x02000000 || header_.version == 0x03000000;
      reader_.refuse(4, "version", swapped ? "a big-endian file" : std::to_string(header_.version),
                     "version 2 or 3, little-endian");
    }
    const auto tensors = reader_.number<std::uint64_t>("tensor count");
    reader_.check_count(8, tensors, kLeastTensor, "tensor count");
    const auto entries = reader_.number<std::uint64_t>("metadata count");
    reader_.check_count(16, entries, kLeastEntry, "metadata count");
    std::set<std::string> seen;
    for (std::uint64_t i = 0; i < entries; ++i) {
      read_entry(seen);
    }
    const std::uint64_t alignment = find_alignment();
    seen.clear();
    for (std::uint64_t i = 0; i < tensors; ++i) {
      read_tensor(seen, alignment);
    }
    place_data(alignment);
    return std::move(header_);
  }

 private:
  std::string read_name(std::uint64_t longest, const std::string& what) {
    const std::uint64_t byte = reader_.position();
    const auto length = reader_.number<std::uint64_t>(what);
    if (length == 0 || length > longest) {
      reader_.refuse(byte, what, "a length of " + std::to_string(length), "1 to " + std::to_string(longest));
    }
    return reader_.text(length, what);
  }

  void read_entry(std::set<std::string>& seen) {
    GgufEntry entry;
    entry.byte = reader_.position();
    entry.key = read_name(kLongestKey, "key");
    if (!seen.insert(entry.key).second) {
      reader_.refuse(entry.byte, "key", "a second " + memwall::quoted(entry.key), "each key once");
    }
    const std::string what = shown(entry.key);
    const std::uint32_t type = read_type(what);
    entry.value = read_value(type, what);
    header_.metadata.push_back(std::move(entry));
  }

  std::uint32_t read_type(const std::string& what) {
    const std::uint64_t byte = reader_.position();
    const auto type = reader_.number<std::uint32_t>(what);
    if (type >= kLeastBytes.size()) {
      reader_.refuse(byte, what, "value type " + std::to_string(type), "0 to 12");
    }
    return type;
  }

  GgufValue read_value(std::uint32_t type, const std::string& what) {
    switch (type) {
      case kFloat32:
      case kFloat64:
        return read_number(type, what);
      case kBool:
        return reader_.number<std::uint8_t>(what) != 0;
      case kString: {
        const auto length = reader_.number<std::uint64_t>(what);
        return reader_.text(length, what);
      }
      case kArray:
        return read_array(what, 0);
      case kUint64: {
        const std::uint64_t byte = reader_.position();
        const auto value = reader_.number<std::uint64_t>(what);
        if (value > static_cast<std::uint64_t>(INT64_MAX)) {
          reader_.refuse(byte, what, std::to_string(value), "at most 2^63 - 1");
        }
        return static_cast<std::int64_t>(value);
      }
      case kInt64:
        return reader_.number<std::int64_t>(what);
      default:
        return static_cast<std::int64_t>(read_number(type, what));
    }
  }

  // Any numeric type as a double; exact below 2^53.
  double read_number(std::uint32_t type, const std::string& what) {
    switch (type) {
      case kUint8:
      case kBool:
        return reader_.number<std::uint8_t>(what);
      case kInt8:
        return reader_.number<std::int8_t>(what);
      case kUint16:
        return reader_.number<std::uint16_t>(what);
      case kInt16:
        return reader_.number<std::int16_t>(what);
      case kUint32:
        return reader_.number<std::uint32_t>(what);
      case kInt32:
        return reader_.number<std::int32_t>(what);
      case kFloat32:
        return reader_.number<float>(what);
      case kUint64:
        return static_cast<double>(reader_.number<std::uint64_t>(what));
      case kInt64:
        return static_cast<double>(reader_.number<std::int64_t>(what));
      default:
        return reader_.number<double>(what);
    }
  }

  GgufArray read_array(const std::string& what, int depth) {
    if (depth >= kMostNested) {
      reader_.refuse(reader_.position(), what, "arrays nested deeper than " + std::to_string(kMostNested),
                     "a flatter array");
    }
    GgufArray array;
    array.type = read_type(what);
    const std::uint64_t byte = reader_.position();
    array.count = reader_.number<std::uint64_t>(what);
    reader_.check_count(byte, array.count, kLeastBytes[array.type], what);
    array.byte = reader_.position();
    if (array.type == kString) {
      for (std::uint64_t i = 0; i < array.count; ++i) {
        reader_.skip(reader_.number<std::uint64_t>(what), what);
      }
    } else if (array.type == kArray) {
      for (std::uint64_t i = 0; i < array.count; ++i) {
        read_array(what, depth + 1);
      }
    } else if (array.count > kMostKept) {
      reader_.skip(array.count * kLeastBytes[array.type], what);
    } else {
      for (std::uint64_t i = 0; i < array.count; ++i) {
        array.numbers.push_back(read_number(array.type, what));
      }
    }
    return array;
  }

  std::uint64_t find_alignment() const {
    const GgufEntry* entry = header_.find("general.alignment");
    if (entry == nullptr) {
      return kDefaultAlignment;
    }
    const auto* value = std::get_if<std::int64_t>(&entry->value);
    const bool in_range =
        value != nullptr && *value >= 1 && *value <= static_cast<std::int64_t>(kMostAlignment);
    if (!in_range || (*value & (*value - 1)) != 0) {
      reader_.refuse(entry->byte, entry->key, value != nullptr ? std::to_string(*value) : "another type",
                     "a power of two up to 65536");
    }
    return static_cast<std::uint64_t>(*value);
  }

  void read_tensor(std::set<std::string>& seen, std::uint64_t alignment) {
    GgufTensor tensor;
    const std::uint64_t begin = reader_.position();
    tensor.name = read_name(kLongestTensorName, "tensor name");
    if (!seen.insert(tensor.name).second) {
      reader_.refuse(begin, "tensor name", "a second " + memwall::quoted(tensor.name), "each tensor once");
    }
    const std::string what = shown(tensor.name);
    read_dimensions(tensor, what);
    std::uint64_t byte = reader_.position();
    const auto type = reader_.number<std::uint32_t>(what);
    tensor.type = find_ggml_type(type);
    if (tensor.type == nullptr) {
      reader_.refuse(byte, what, "tensor type " + std::to_string(type), "a type of ggml's table");
    }
    if (static_cast<std::uint64_t>(tensor.dimensions.front()) % tensor.type->values != 0) {
      reader_.refuse(byte, what, "rows of " + std::to_string(tensor.dimensions.front()),
                     "a multiple of " + std::string(tensor.type->name) + "'s block of " +
                         std::to_string(tensor.type->values));
    }
    const std::uint64_t blocks = static_cast<std::uint64_t>(tensor.values) / tensor.type->values;
    if (__builtin_mul_overflow(blocks, tensor.type->bytes, &tensor.bytes) || tensor.bytes > file_size_) {
      reader_.refuse(byte, what, std::to_string(tensor.values) + " values",
                     "at most the " + std::to_string(file_size_) + " bytes of the file");
    }
    byte = reader_.position();
    tensor.offset = reader_.number<std::uint64_t>(what);
    if (tensor.offset % alignment != 0) {
      reader_.refuse(byte, what, "offset " + std::to_string(tensor.offset),
                     "a multiple of the alignment, " + std::to_string(alignment));
    }
    if (tensor.offset > file_size_ - tensor.bytes) {
      reader_.refuse(byte, what, "offset " + std::to_string(tensor.offset),
                     "its " + std::to_string(tensor.bytes) + " bytes within the file");
    }
    header_.tensors.push_back(std::move(tensor));
  }

  void read_dimensions(GgufTensor& tensor, const std::string& what) {
    std::uint64_t byte = reader_.position();
    const auto count = reader_.number<std::uint32_t>(what);
    if (count < 1 || count > kMostDimensions) {
      reader_.refuse(byte, what, std::to_string(count) + " dimensions", "1 to 4");
    }
    tensor.values = 1;
    for (std::uint32_t i = 0; i < count; ++i) {
      byte = reader_.position();
      const auto size = reader_.number<std::uint64_t>(what);
      if (size < 1 || size > static_cast<std::uint64_t>(INT64_MAX) ||
          __builtin_mul_overflow(tensor.values, static_cast<std::int64_t>(size), &tensor.values)) {
        reader_.refuse(byte, what, "dimension " + std::to_string(size), "sizes whose product is below 2^63");
      }
      tensor.dimensions.push_back(static_cast<std::int64_t>(size));
    }
  }

  // The data begins at the next multiple of the alignment; no two tensors share a byte of it.
  void place_data(std::uint64_t alignment) {
    header_.data_begin = (reader_.position() + alignment - 1) / alignment * alignment;
    std::vector<const GgufTensor*> by_offset;
    for (const GgufTensor& tensor : header_.tensors) {
      by_offset.push_back(&tensor);
    }
    std::sort(by_offset.begin(), by_offset.end(),
              [](const GgufTensor* a, const GgufTensor* b) { return a->offset < b->offset; });
    const GgufTensor* previous = nullptr;
    for (const GgufTensor* tensor : by_offset) {
      if (previous != nullptr && tensor->offset < previous->offset + previous->bytes) {
        reader_.refuse(header_.data_begin + tensor->offset, shown(tensor->name),
                       "bytes that " + memwall::quoted(previous->name) + " holds",
                       "tensors that do not overlap");
      }
      previous = tensor;
    }
    if (previous != nullptr && header_.data_begin + previous->offset + previous->bytes > file_size_) {
      reader_.refuse(file_size_, shown(previous->name), "the end of the file",
                     std::to_string(header_.data_begin + previous->offset + previous->bytes) + " bytes");
    }
  }

  // A name of the file in a message: on one line, not too long.
  static std::string shown(const std::string& name) { return memwall::quoted(name); }

  ByteReader reader_;
  std::uint64_t file_size_;
  GgufHeader header_;
};

}  // namespace

const GgufEntry* GgufHeader::find(const std::string& key) const {
  for (const GgufEntry& entry : metadata) {
    if (entry.key == key) {
      return &entry;
    }
  }
  return nullptr;
}

const GgufTensor* GgufHeader::tensor(const std::string& name) const {
  for (const GgufTensor& candidate : tensors) {
    if (candidate.name == name) {
      return &candidate;
    }
  }
  return nullptr;
}

namespace {

GgufHeader parse(std::span<const std::byte> bytes, const std::string& file, std::uint64_t file_size) {
  return GgufParser(bytes, file, file_size).run();
}

}  // namespace

GgufHeader parse_gguf_header(std::span<const std::byte> bytes, const std::string& file,
                             std::uint64_t file_size) {
  return parse_bytes(bytes, file, file_size, parse);
}

GgufHeader read_gguf_header(const std::filesystem::path& file) { return parse_beginning(file, parse); }

}  // namespace memwall
