#include "memwall/tensor/gguf.h"

#include <cstring>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/error.h"
#include "memwall/tensor/gguf_test_file.h"

namespace memwall {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

GgufHeader parse(const std::string& bytes) {
  return parse_gguf_header(std::as_bytes(std::span(bytes)), "a.gguf", bytes.size());
}

std::string refusal(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.rfind("a.gguf: ", 0), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
  return "accepted";
}

// Two tensors: 64 x 2 values of Q4_1 (80 bytes) and 3 of F32.
GgufTestFile sound() {
  GgufTestFile file;
  file.add("general.architecture", std::string("llama"));
  file.add("llama.block_count", std::uint32_t{30});
  file.add("llama.rope.freq_base", 1e5f);
  file.add_tensor("a.weight", {64, 2}, 3);
  file.add_tensor("b.bias", {3}, 0);
  return file;
}

TEST(Gguf, ReadsMetadataAndTensors) {
  const GgufHeader header = parse(sound().bytes());
  EXPECT_EQ(header.version, 3u);
  EXPECT_EQ(std::get<std::string>(header.find("general.architecture")->value), "llama");
  EXPECT_EQ(std::get<std::int64_t>(header.find("llama.block_count")->value), 30);
  EXPECT_EQ(std::get<double>(header.find("llama.rope.freq_base")->value), 1e5);
  EXPECT_EQ(header.find("llama.context_length"), nullptr);
  ASSERT_EQ(header.tensors.size(), 2u);
  const GgufTensor& first = header.tensors[0];
  EXPECT_EQ(first.name, "a.weight");
  EXPECT_EQ(first.dimensions, (std::vector<std::int64_t>{64, 2}));
  EXPECT_EQ(first.values, 128);
  EXPECT_EQ(first.bytes, 4 * 20u);  // blocks of 32 values in 20 bytes
  EXPECT_EQ(header.tensors[1].offset, 96u);
  EXPECT_EQ(header.data_begin % 32, 0u);
}

TEST(Gguf, ReadsVersion2TheSame) {
  GgufTestFile file = sound();
  file.version = 2;
  EXPECT_EQ(parse(file.bytes()).tensors.size(), 2u);
}

TEST(Gguf, KeepsShortArraysOfNumbersAndSkipsVocabularies) {
  GgufTestFile file = sound();
  file.add_array("layers", 4, {1, 2, 3});
  file.add_strings("tokenizer.ggml.tokens", {"a", "bc", ""});
  file.add_array("scores", 4, std::vector<std::uint32_t>(5000, 7));
  file.add("last", std::uint32_t{1});
  const GgufHeader header = parse(file.bytes());
  EXPECT_EQ(std::get<GgufArray>(header.find("layers")->value).numbers, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(std::get<GgufArray>(header.find("tokenizer.ggml.tokens")->value).count, 3u);
  EXPECT_TRUE(std::get<GgufArray>(header.find("scores")->value).numbers.empty());
  EXPECT_EQ(std::get<std::int64_t>(header.find("last")->value), 1);
}

TEST(Gguf, EveryTruncationIsRefused) {
  const std::string padded = sound().bytes();
  const std::string whole = padded.substr(0, padded.size() - 20);  // the last tensor takes 12 of 32 bytes
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(refusal(whole.substr(0, length)), "accepted") << length;
  }
  EXPECT_EQ(refusal(whole), "accepted");
  EXPECT_EQ(refusal(whole.substr(0, 6)),
            "a.gguf: byte 4, version: found the end of the file after 2 bytes, expected 4 bytes");
}

TEST(Gguf, MagicAndVersion) {
  EXPECT_EQ(refusal("GGML" + std::string(60, '\0')), "a.gguf: byte 0, magic: found 'GGML', expected 'GGUF'");
  GgufTestFile file = sound();
  file.version = 1;
  EXPECT_EQ(refusal(file.bytes()),
            "a.gguf: byte 4, version: found 1, expected version 2 or 3, little-endian");
  file.version = 0x03000000;
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("found a big-endian file"));
}

TEST(Gguf, CountsBeyondTheFile) {
  GgufTestFile file = sound();
  file.tensor_count = std::uint64_t{1} << 60;
  EXPECT_THAT(refusal(file.bytes()),
              AllOf(HasSubstr("byte 8, tensor count: found 1152921504606846976"), HasSubstr("room for")));
  file = sound();
  file.entry_count = ~std::uint64_t{0};
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("byte 16, metadata count: found 18446744073709551615"));
}

// The metadata begins at byte 24 with the first key's length.
TEST(Gguf, LengthsThatOverflow) {
  GgufTestFile file;
  file.add_raw(std::uint64_t{0xffffffffffffffff});
  file.pad(64);
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("byte 24, key: found a length of 18446744073709551615"));
  file = GgufTestFile();
  file.add_name("k");
  file.add_raw(std::uint32_t{8});  // a string
  file.add_raw(std::uint64_t{0xfffffffffffffff0});
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("'k': found the end of the file"));
}

TEST(Gguf, ArraysThatCannotBe) {
  const auto array = [](std::uint32_t type, std::uint64_t count) {
    GgufTestFile file;
    file.add_name("k");
    file.add_raw(std::uint32_t{9});
    file.add_raw(type);
    file.add_raw(count);
    return file.bytes();
  };
  EXPECT_THAT(refusal(array(4, std::uint64_t{1} << 62)),
              HasSubstr("'k': found 4611686018427387904, expected at most"));
  EXPECT_THAT(refusal(array(8, std::uint64_t{1} << 62)), HasSubstr("'k': found 4611686018427387904"));
  EXPECT_THAT(refusal(array(13, 1)), HasSubstr("'k': found value type 13, expected 0 to 12"));
  GgufTestFile nested;
  nested.add_name("k");
  nested.add_raw(std::uint32_t{9});
  for (int depth = 0; depth < 10; ++depth) {
    nested.add_raw(std::uint32_t{9});
    nested.add_raw(std::uint64_t{1});
  }
  nested.pad(64);
  EXPECT_THAT(refusal(nested.bytes()), HasSubstr("arrays nested deeper than 4"));
}

TEST(Gguf, NamesAreDistinct) {
  GgufTestFile file = sound();
  file.add("llama.block_count", std::uint32_t{31});
  EXPECT_THAT(refusal(file.bytes()),
              HasSubstr("key: found a second 'llama.block_count', expected each key once"));
  file = sound();
  file.add_tensor("b.bias", {3}, 0);
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("tensor name: found a second 'b.bias'"));
}

TEST(Gguf, Alignment) {
  for (const std::uint32_t alignment : {0u, 3u, 131072u}) {
    GgufTestFile file = sound();
    file.add("general.alignment", alignment);
    EXPECT_THAT(refusal(file.bytes()), HasSubstr("general.alignment: found " + std::to_string(alignment)))
        << alignment;
  }
  GgufTestFile file = sound();
  file.add("general.alignment", std::string("32"));
  EXPECT_THAT(refusal(file.bytes()), HasSubstr("found another type"));
}

TEST(Gguf, TensorsThatCannotBe) {
  const auto with = [](std::vector<std::uint64_t> dimensions, std::uint32_t type,
                       std::optional<std::uint64_t> offset = {}) {
    GgufTestFile file = sound();
    file.add_tensor("bad", std::move(dimensions), type, offset);
    return refusal(file.bytes());
  };
  EXPECT_THAT(with({}, 0), HasSubstr("'bad': found 0 dimensions, expected 1 to 4"));
  EXPECT_THAT(with({1, 1, 1, 1, 1}, 0), HasSubstr("found 5 dimensions"));
  EXPECT_THAT(with({0}, 0), HasSubstr("'bad': found dimension 0"));
  EXPECT_THAT(with({std::uint64_t{1} << 40, std::uint64_t{1} << 40}, 0), HasSubstr("product is below 2^63"));
  EXPECT_THAT(with({std::uint64_t{1} << 62}, 0), HasSubstr("4611686018427387904 values, expected at most"));
  EXPECT_THAT(with({32}, 4), HasSubstr("'bad': found tensor type 4"));
  EXPECT_THAT(with({33}, 2), HasSubstr("rows of 33, expected a multiple of Q4_0's block of 32"));
  EXPECT_THAT(with({32}, 0, 33), HasSubstr("offset 33, expected a multiple of the alignment, 32"));
  EXPECT_THAT(with({32}, 0, std::uint64_t{1} << 60),
              HasSubstr("offset 1152921504606846976, expected its 128 bytes"));
  EXPECT_THAT(with({32}, 0, ~std::uint64_t{0} - 31), HasSubstr("expected its 128 bytes within the file"));
  EXPECT_THAT(with({3}, 0, 64), HasSubstr("'bad': found bytes that 'a.weight' holds"));
  EXPECT_THAT(with({3}, 0, 96),
              AllOf(HasSubstr("'b.bias'"), HasSubstr("'bad'"), HasSubstr("do not overlap")));
}

TEST(Gguf, ReadsOnlyTheHeaderOfAFile) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("memwall_gguf_" + std::to_string(::getpid()) + ".gguf");
  GgufTestFile file = sound();
  // A vocabulary beyond the first megabyte makes the reader ask for more.
  file.add_strings("tokens", std::vector<std::string>(100000, "0123456789abcdef"));
  std::ofstream(path, std::ios::binary) << file.bytes();
  EXPECT_EQ(read_gguf_header(path).tensors.size(), 2u);
  std::filesystem::resize_file(path, 1 << 20);
  try {
    read_gguf_header(path);
    ADD_FAILURE() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("byte 1048"));
  }
  std::filesystem::remove(path);
  EXPECT_THROW(read_gguf_header(path), ConfigError);
}

}  // namespace
}  // namespace memwall
