// Block layouts by hand: each test writes the bytes that ggml's structures prescribe and the values they
// mean.
#include "memwall/tensor/coded_rows.h"

#include <cmath>
#include <fstream>
#include <limits>

#include <gtest/gtest.h>
#include <unistd.h>

#include "memwall/core/error.h"
#include "memwall/tensor/gguf_test_file.h"
#include "memwall/tensor/gguf_weights.h"
#include "memwall/tensor/small_float.h"

namespace memwall {
namespace {

class Bytes {
 public:
  Bytes& half(float value) {
    const std::uint16_t bits = encode(SmallFloat::fp16, value);
    return byte(bits & 255).byte(bits >> 8);
  }
  Bytes& byte(unsigned value, std::size_t times = 1) {
    bytes_.insert(bytes_.end(), times, static_cast<std::byte>(value));
    return *this;
  }
  std::span<const std::byte> all() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

const GgmlType& type(std::uint32_t id) { return *find_ggml_type(id); }

// 32 values: scale, then 16 bytes whose low nibbles are values 0..15 and high nibbles 16..31; less 8.
TEST(CodedRows, Q4_0) {
  const CodedRows rows = decode_rows(type(2), Bytes().half(0.5f).byte(0x9f, 16).all(), 32);
  EXPECT_EQ(rows.rows, 1);
  EXPECT_EQ(rows.code_bits, 4);
  EXPECT_EQ(rows.codes[0], 15 - 8);
  EXPECT_EQ(rows.codes[16], 9 - 8);
  EXPECT_EQ(rows.row_values(0)[0], 3.5f);
  EXPECT_TRUE(rows.minimums.empty());
}

TEST(CodedRows, Q4_1HasAMinimum) {
  const CodedRows rows = decode_rows(type(3), Bytes().half(0.5f).half(-2).byte(0x30, 16).all(), 32);
  EXPECT_EQ(rows.row_values(0)[3], -2.0f);
  EXPECT_EQ(rows.row_values(0)[20], 0.5f * 3 - 2);
}

TEST(CodedRows, Q8_0) {
  const CodedRows rows = decode_rows(type(8), Bytes().half(2).byte(0xff, 32).half(1).byte(4, 32).all(), 32);
  EXPECT_EQ(rows.rows, 2);
  EXPECT_EQ(rows.row_values(0)[31], -2.0f);
  EXPECT_EQ(rows.row_values(1)[0], 4.0f);
}

// E8M0 scale 2^(126 - 127) over E2M1 values: 7 is 6, 9 is -0.5.
TEST(CodedRows, Mxfp4CodesAreDoubled) {
  const CodedRows rows = decode_rows(type(39), Bytes().byte(126).byte(0x97, 16).all(), 32);
  EXPECT_EQ(rows.codes[0], 12);
  EXPECT_EQ(rows.codes[16], -1);
  EXPECT_EQ(rows.alphabet, doubled_e2m1());
  EXPECT_EQ(rows.row_values(0)[0], 0.5f * 6);
  EXPECT_EQ(rows.row_values(0)[16], 0.5f * -0.5f);
}

// Scale bytes: 0..3 hold scales 0..3 in 6 bits and two bits more for 4..7, 4..7 the minimums likewise, 8..11
// the low four bits of scale and minimum of 4..7.
TEST(CodedRows, Q4_KUnpacksItsScales) {
  Bytes bytes;
  bytes.half(1).half(1);
  bytes.byte(5 | 2 << 6, 4);  // scale 5; the high bits of 4..7: 2
  bytes.byte(7 | 1 << 6, 4);  // minimum 7; 1
  bytes.byte(3 | 9 << 4, 4);  // low bits: 3 and 9
  bytes.byte(0x21, 128);      // codes 1 and 2 in turn of 32
  const CodedRows rows = decode_rows(type(12), bytes.all(), 256);
  EXPECT_EQ(rows.scales[0], 5);
  EXPECT_EQ(rows.scales[7], 2 * 16 + 3);
  EXPECT_EQ(rows.minimums[3], -7);
  EXPECT_EQ(rows.minimums[4], -(1 * 16 + 9));
  EXPECT_EQ(rows.codes[31], 1);
  EXPECT_EQ(rows.codes[32], 2);
  EXPECT_EQ(rows.row_values(0)[0], 5 * 1 - 7);
}

// ql 128 bytes, qh 64, 16 scales, scale: code = ql | qh << 4, less 32.
TEST(CodedRows, Q6_K) {
  const CodedRows rows = decode_rows(
      type(14), Bytes().byte(0x21, 128).byte(0b11100100, 64).byte(2, 8).byte(0xff, 8).half(0.5f).all(), 256);
  EXPECT_EQ(rows.block, 16);
  EXPECT_EQ(rows.codes[0], 1 + 0 - 32);     // low nibble, high bits 00
  EXPECT_EQ(rows.codes[32], 1 + 16 - 32);   // the next 32: high bits 01
  EXPECT_EQ(rows.codes[64], 2 + 32 - 32);   // high nibbles, 10
  EXPECT_EQ(rows.codes[127], 2 + 48 - 32);  // 11
  EXPECT_EQ(rows.row_values(0)[127], 0.5f * 2 * 18);
  EXPECT_EQ(rows.row_values(0)[128], -0.5f * -31);
}

TEST(CodedRows, FloatsHaveNoCodes) {
  const CodedRows rows = decode_rows(type(1), Bytes().half(1.5f).half(-3).all(), 2);
  EXPECT_FALSE(rows.has_codes());
  EXPECT_EQ(rows.row_values(0), (std::vector<float>{1.5f, -3}));
  const CodedRows wide = decode_rows(type(30), Bytes().byte(0x80).byte(0x3f).all(), 1);  // bf16 1.0
  EXPECT_EQ(wide.values, (std::vector<float>{1}));
}

TEST(CodedRows, QuantisesPerBlock) {
  CodedRows plain{1, 4, 1, 0, {}, {}, {}, {}, {2, -3.5f, 0, std::numeric_limits<float>::infinity()}};
  const CodedRows coded = quantise_rows(plain, 2, 4);
  EXPECT_EQ(coded.codes, (std::vector<std::int8_t>{4, -7, 0, 0}));
  EXPECT_EQ(coded.scales[0], 0.5f);
  EXPECT_EQ(coded.scales[1], 0.0f);
}

TEST(GgufWeights, ReadsRowsAndSaysWhatItCannot) {
  const auto path = std::filesystem::temp_directory_path() / ("rows-" + std::to_string(::getpid()) + ".gguf");
  GgufTestFile file;
  file.add_tensor("a.weight", {32, 3}, 8);
  file.add_tensor("b.weight", {256, 1}, 10);  // Q2_K has no decoder
  const std::string bytes = file.bytes();     // all data zero
  std::ofstream(path, std::ios::binary) << bytes;
  const auto weights = open_gguf_weights(path);
  ASSERT_EQ(weights->tensors().size(), 2u);
  EXPECT_EQ(weights->tensors()[0].inputs(), 32);
  EXPECT_EQ(weights->tensors()[0].rows(), 3);
  EXPECT_EQ(weights->tensors()[0].type, "Q8_0");
  EXPECT_FALSE(weights->tensors()[1].is_readable);
  const CodedRows rows = weights->rows(0, 1, 2);
  EXPECT_EQ(rows.rows, 2);
  EXPECT_EQ(rows.codes.size(), 64u);
  std::filesystem::resize_file(path, 200);
  try {
    weights->rows(0, 2, 1);
    ADD_FAILURE() << "read beyond the end";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("'a.weight': found data that cannot be read"), std::string::npos)
        << error.what();
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace memwall
