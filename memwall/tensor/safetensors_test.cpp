#include "memwall/tensor/safetensors.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

using ::testing::HasSubstr;

std::string with_header(const std::string& json, std::size_t data_bytes,
                        std::optional<std::uint64_t> length = {}) {
  const std::uint64_t stated = length.value_or(json.size());
  std::string file(sizeof stated, '\0');
  std::memcpy(file.data(), &stated, sizeof stated);
  return file + json + std::string(data_bytes, '\0');
}

SafetensorsHeader parse(const std::string& bytes) {
  return parse_safetensors_header(std::as_bytes(std::span(bytes)), "a.safetensors", bytes.size());
}

template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
  return "accepted";
}
std::string refusal(const std::string& json, std::size_t data_bytes) {
  return refusal([&] { parse(with_header(json, data_bytes)); });
}

const std::string kSound = R"({"__metadata__": {"format": "pt"},
  "b": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]},
  "a": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}})";

TEST(Safetensors, ReadsTensors) {
  const SafetensorsHeader header = parse(with_header(kSound, 16));
  ASSERT_EQ(header.tensors.size(), 2u);
  EXPECT_EQ(header.tensors[1].name, "a");
  EXPECT_EQ(header.tensors[1].values, 6);
  EXPECT_EQ(header.tensors[0].values, 1);  // a scalar
  EXPECT_EQ(header.data_begin, 8 + kSound.size());
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::string whole = with_header(kSound, 16);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(parse(whole.substr(0, length)), ConfigError) << length;
  }
  EXPECT_EQ(refusal([&] { parse(whole.substr(0, whole.size() - 1)); }),
            "a.safetensors: byte 189: found the end of the file, expected an end at byte 190");
}

TEST(Safetensors, HeaderLengthBeyondTheFile) {
  EXPECT_EQ(refusal([] { parse(with_header("{}", 0, ~std::uint64_t{0})); }),
            "a.safetensors: byte 0, header length: found 18446744073709551615, expected at most 2");
  EXPECT_THAT(refusal([] { parse(with_header("{}", 0, 1)); }), HasSubstr("expected valid JSON"));
}

TEST(Safetensors, TensorsThatCannotBe) {
  const auto one = [](const std::string& tensor, std::size_t data_bytes = 8) {
    return refusal("{\"t\": " + tensor + "}", data_bytes);
  };
  EXPECT_EQ(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 8]})"), "accepted");
  EXPECT_THAT(one(R"({"dtype": "F99", "shape": [2], "data_offsets": [0, 8]})"),
              HasSubstr("a.safetensors:1:8: 't'.dtype: found 'F99', expected one of BOOL"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [3], "data_offsets": [0, 8]})"),
              HasSubstr("'t': found 8 bytes of data, expected 3 values of F32"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]})"), HasSubstr("found '-2'"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [8, 0]})"), HasSubstr("begin <= end"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 8, 9]})"), HasSubstr("[begin, end]"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [281474976710656, 281474976710656], "data_offsets": [0, 8]})"),
              HasSubstr("product is below 2^63"));
  EXPECT_THAT(one(R"({"dtype": "F64", "shape": [4611686018427387904], "data_offsets": [0, 0]})"),
              HasSubstr("'t'.shape"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2]})"), HasSubstr("'t'.data_offsets: found no such key"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "x": 1})"),
              HasSubstr("an unknown key"));
  EXPECT_THAT(one("3"), HasSubstr("expected a mapping"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 8]})", 9),
              HasSubstr("an end at byte"));
}

TEST(Safetensors, DataWithoutHolesOrOverlaps) {
  const auto two = [](const std::string& first, const std::string& second) {
    return refusal(R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": )" + first +
                       R"(}, "b": {"dtype": "U8", "shape": [4], "data_offsets": )" + second + "}}",
                   8);
  };
  EXPECT_EQ(two("[0, 4]", "[4, 8]"), "accepted");
  EXPECT_EQ(two("[4, 8]", "[0, 4]"), "accepted");
  EXPECT_THAT(two("[0, 4]", "[2, 6]"), HasSubstr("'b': found data that overlaps another tensor's"));
  EXPECT_THAT(two("[0, 4]", "[5, 9]"), HasSubstr("'b': found a hole before its data"));
  EXPECT_THAT(two("[0, 4]", "[0, 4]"), HasSubstr("overlaps"));
}

TEST(Safetensors, DuplicateTensor) {
  EXPECT_THAT(refusal(R"({"a": {}, "a": {}})", 0), HasSubstr("found a duplicate key"));
}

TEST(SafetensorsIndex, ReadsTheMap) {
  const SafetensorsIndex index = parse_safetensors_index(
      R"({"metadata": {"total_size": 16}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})",
      "i.json");
  ASSERT_EQ(index.entries.size(), 2u);
  EXPECT_EQ(index.entries[1].tensor, "b");
  EXPECT_EQ(index.entries[1].shard, "model-2.safetensors");
  EXPECT_EQ(index.total_bytes, 16);
}

TEST(SafetensorsIndex, RefusesOtherShapesAndPaths) {
  const auto verdict = [](const std::string& text) {
    return refusal([&] { parse_safetensors_index(text, "i.json"); });
  };
  EXPECT_THAT(verdict("{}"), HasSubstr("i.json:1:1: weight_map: found no such key"));
  EXPECT_THAT(verdict(R"({"weight_map": {}})"), HasSubstr("at least one tensor"));
  for (const char* shard : {"\"../../etc/x.safetensors\"", "\"x.bin\"", "3", "null", "[]"}) {
    EXPECT_THAT(verdict(std::string(R"({"weight_map": {"a": )") + shard + "}}"),
                HasSubstr("weight_map.a: found"))
        << shard;
  }
  EXPECT_THAT(verdict(R"({"metadata": {"total_size": -1}, "weight_map": {"a": "m.safetensors"}})"),
              HasSubstr("metadata.total_size: found '-1'"));
}

}  // namespace
}  // namespace memwall
