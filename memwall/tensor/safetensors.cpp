#include "memwall/tensor/safetensors.h"

#include <algorithm>
#include <string_view>

#include "memwall/core/config_reader.h"
#include "memwall/core/error.h"
#include "memwall/core/names.h"
#include "memwall/tensor/byte_reader.h"

namespace memwall {
namespace {

struct Dtype {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr Dtype kDtypes[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1},
    {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},     {"I32", 4},
    {"F32", 4},  {"U64", 8}, {"I64", 8}, {"F64", 8},
};

// Where an entry of the header stands, for messages.
struct Place {
  const std::string& file;
  const Node::Entry& entry;
  [[noreturn]] void refuse(const std::string& found, const std::string& expected) const {
    throw ConfigError({file, entry.line, entry.column}, quoted(entry.key), found, expected);
  }
};

SafetensorsTensor read_tensor(const Place& place) {
  Fields fields(place.file, place.entry.value, quoted(place.entry.key));
  SafetensorsTensor tensor;
  tensor.name = place.entry.key;
  tensor.dtype = fields.string("dtype");
  tensor.shape = fields.integers("shape");
  const std::vector<std::int64_t> offsets = fields.integers("data_offsets");
  fields.finish();
  const auto* dtype = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                   [&](const Dtype& known) { return known.name == tensor.dtype; });
  if (dtype == std::end(kDtypes)) {
    std::vector<std::string> known;
    for (const Dtype& candidate : kDtypes) {
      known.emplace_back(candidate.name);
    }
    fields.fail("dtype", suggest_names(tensor.dtype, known));
  }
  for (const std::int64_t size : tensor.shape) {
    if (__builtin_mul_overflow(tensor.values, size, &tensor.values)) {
      fields.fail("shape", "sizes whose product is below 2^63");
    }
  }
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    fields.fail("data_offsets", "[begin, end] with begin <= end");
  }
  tensor.begin = static_cast<std::uint64_t>(offsets[0]);
  tensor.end = static_cast<std::uint64_t>(offsets[1]);
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<std::uint64_t>(tensor.values), dtype->bytes, &bytes) ||
      bytes != tensor.end - tensor.begin) {
    place.refuse(std::to_string(tensor.end - tensor.begin) + " bytes of data",
                 std::to_string(tensor.values) + " values of " + tensor.dtype);
  }
  return tensor;
}

// The tensors, in order of their data, follow one another from the data's first byte to its last.
void check_cover(const SafetensorsHeader& header, std::uint64_t file_size) {
  std::vector<const SafetensorsTensor*> by_begin;
  for (const SafetensorsTensor& tensor : header.tensors) {
    by_begin.push_back(&tensor);
  }
  std::sort(by_begin.begin(), by_begin.end(), [](const SafetensorsTensor* a, const SafetensorsTensor* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
  });
  std::uint64_t covered = 0;
  for (const SafetensorsTensor* tensor : by_begin) {
    if (tensor->begin != covered) {
      throw ConfigError(
          Location{header.file},
          "byte " + std::to_string(header.data_begin + tensor->begin) + ", " + quoted(tensor->name),
          tensor->begin < covered ? "data that overlaps another tensor's" : "a hole before its data",
          "data from byte " + std::to_string(header.data_begin + covered));
    }
    covered = tensor->end;
  }
  if (covered != file_size - header.data_begin) {
    throw ConfigError(Location{header.file}, "byte " + std::to_string(file_size), "the end of the file",
                      "an end at byte " + std::to_string(header.data_begin + covered));
  }
}

SafetensorsHeader parse(std::span<const std::byte> bytes, const std::string& file, std::uint64_t file_size) {
  ByteReader reader(bytes, file, file_size);
  const auto length = reader.number<std::uint64_t>("header length");
  constexpr std::uint64_t kMostHeaderBytes = kMaxFileBytes;
  if (length > std::min(reader.remaining(), kMostHeaderBytes)) {
    reader.refuse(0, "header length", std::to_string(length),
                  "at most " + std::to_string(std::min(reader.remaining(), kMostHeaderBytes)));
  }
  const Document document = parse_json(reader.text(length, "header"), file);
  SafetensorsHeader header;
  header.file = file;
  header.data_begin = reader.position();
  const Fields all(document);  // refuses what is not a mapping
  for (const Node::Entry& entry : document.root.entries) {
    if (entry.key != "__metadata__") {
      header.tensors.push_back(read_tensor({document.file, entry}));
    }
  }
  check_cover(header, file_size);
  return header;
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes, const std::string& file,
                                           std::uint64_t file_size) {
  return parse_bytes(bytes, file, file_size, parse);
}

SafetensorsHeader read_safetensors_header(const std::filesystem::path& file) {
  return parse_beginning(file, parse);
}

SafetensorsIndex parse_safetensors_index(std::string_view text, const std::string& file) {
  const Document document = parse_json(text, file);
  Fields fields(document);
  fields.ignore_rest();
  SafetensorsIndex index;
  index.file = file;
  if (fields.has("metadata")) {
    Fields metadata = fields.mapping("metadata");
    if (metadata.has("total_size")) {
      index.total_bytes = metadata.integer("total_size", 1);
    }
  }
  const Fields weights = fields.mapping("weight_map");
  for (const Node::Entry& entry : fields.node("weight_map").entries) {
    const std::string& shard = entry.value.text;
    const bool is_name = entry.value.kind == Node::Kind::scalar && entry.value.quoted &&
                         shard.find('/') == std::string::npos && shard.ends_with(".safetensors");
    if (!is_name) {
      weights.fail(entry.key, "the name of a .safetensors file beside the index");
    }
    index.entries.push_back({entry.key, shard});
  }
  if (index.entries.empty()) {
    fields.fail("weight_map", "at least one tensor");
  }
  return index;
}

}  // namespace memwall
