#include "memwall/tensor/coded_rows.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "memwall/tensor/small_float.h"

namespace memwall {
namespace {

// One block's bytes, field after field.
class BlockBytes {
 public:
  explicit BlockBytes(const std::byte* bytes) : bytes_(bytes) {}
  unsigned byte(std::size_t at) const { return std::to_integer<unsigned>(bytes_[at]); }
  int signed_byte(std::size_t at) const { return static_cast<std::int8_t>(bytes_[at]); }
  float half(std::size_t at) const { return decode(SmallFloat::fp16, word(at)); }
  std::uint16_t word(std::size_t at) const {
    return static_cast<std::uint16_t>(byte(at) | byte(at + 1) << 8);
  }
  float full(std::size_t at) const {
    float value = 0;
    std::memcpy(&value, bytes_ + at, sizeof value);
    return value;
  }

 private:
  const std::byte* bytes_;
};

// Takes what a decoder says about one block after another.
struct Sink {
  CodedRows* rows;
  void code(int value) { rows->codes.push_back(static_cast<std::int8_t>(value)); }
  void scale(float value) { rows->scales.push_back(value); }
  void minimum(float value) { rows->minimums.push_back(value); }
  void value(float value) { rows->values.push_back(value); }
};

constexpr std::size_t kHalfBlock = 16;  // of 32 values: their low nibbles first, then the high ones

template <class Code>
void nibbles(const BlockBytes& block, std::size_t at, std::size_t count, Sink& sink, Code&& code) {
  for (std::size_t i = 0; i < count; ++i) {
    sink.code(code(static_cast<int>(block.byte(at + i) & 15u)));
  }
  for (std::size_t i = 0; i < count; ++i) {
    sink.code(code(static_cast<int>(block.byte(at + i) >> 4)));
  }
}
int as_is(int code) { return code; }

void decode_f32(const BlockBytes& block, Sink& sink) { sink.value(block.full(0)); }
void decode_f16(const BlockBytes& block, Sink& sink) { sink.value(block.half(0)); }
void decode_bf16(const BlockBytes& block, Sink& sink) { sink.value(decode(SmallFloat::bf16, block.word(0))); }
void decode_q4_0(const BlockBytes& block, Sink& sink) {
  sink.scale(block.half(0));
  nibbles(block, 2, kHalfBlock, sink, [](int code) { return code - 8; });
}
void decode_q4_1(const BlockBytes& block, Sink& sink) {
  sink.scale(block.half(0));
  sink.minimum(block.half(2));
  nibbles(block, 4, kHalfBlock, sink, as_is);
}
void decode_q8_0(const BlockBytes& block, Sink& sink) {
  sink.scale(block.half(0));
  for (std::size_t i = 0; i < 32; ++i) {
    sink.code(block.signed_byte(2 + i));
  }
}
void decode_mxfp4(const BlockBytes& block, Sink& sink) {
  sink.scale(std::ldexp(1.0f, static_cast<int>(block.byte(0)) - 127 - 1));  // codes are doubled
  nibbles(block, 1, kHalfBlock, sink, [](int code) {
    return static_cast<int>(2 * decode(SmallFloat::fp4_e2m1, static_cast<std::uint16_t>(code)));
  });
}

// Eight blocks of 32 values; their 6-bit scales and minimums are packed into 12 bytes.
void decode_q4_k(const BlockBytes& block, Sink& sink) {
  constexpr std::size_t kScales = 4, kCodes = 16;
  const float scale = block.half(0), minimum = block.half(2);
  for (std::size_t i = 0; i < 8; ++i) {
    const auto at = [&](std::size_t index) { return block.byte(kScales + index); };
    const unsigned low = i < 4 ? at(i) & 63u : (at(i + 4) & 15u) | (at(i - 4) >> 6) << 4;
    const unsigned high = i < 4 ? at(i + 4) & 63u : at(i + 4) >> 4 | (at(i) >> 6) << 4;
    sink.scale(scale * static_cast<float>(low));
    sink.minimum(-minimum * static_cast<float>(high));
  }
  for (std::size_t pair = 0; pair < 4; ++pair) {  // low nibbles are one block, high nibbles the next
    nibbles(block, kCodes + 32 * pair, 32, sink, as_is);
  }
}

// Sixteen blocks of 16 values: four low bits in `ql`, two high bits in `qh`, an 8-bit scale each.
void decode_q6_k(const BlockBytes& block, Sink& sink) {
  constexpr std::size_t kHighBits = 128, kScales = 192, kScale = 208;
  const float scale = block.half(kScale);
  for (std::size_t i = 0; i < 16; ++i) {
    sink.scale(scale * static_cast<float>(block.signed_byte(kScales + i)));
  }
  for (std::size_t half = 0; half < 2; ++half) {
    for (std::size_t quarter = 0; quarter < 4; ++quarter) {
      for (std::size_t i = 0; i < 32; ++i) {
        const unsigned low = block.byte(64 * half + 32 * (quarter % 2) + i) >> (quarter < 2 ? 0 : 4) & 15u;
        const unsigned high = block.byte(kHighBits + 32 * half + i) >> (2 * quarter) & 3u;
        sink.code(static_cast<int>(low | high << 4) - 32);
      }
    }
  }
}

std::vector<std::int8_t> whole_numbers(int low, int high) {
  std::vector<std::int8_t> numbers;
  for (int number = low; number <= high; ++number) {
    numbers.push_back(static_cast<std::int8_t>(number));
  }
  return numbers;
}
std::vector<std::int8_t> signed_codes() { return whole_numbers(-8, 7); }
std::vector<std::int8_t> unsigned_codes() { return whole_numbers(0, 15); }
std::vector<std::int8_t> no_list() { return {}; }

struct Decoder {
  std::string_view name;
  std::int64_t block;  // values that share a scale
  int code_bits;
  std::vector<std::int8_t> (*alphabet)();
  void (*decode)(const BlockBytes&, Sink&);
};
constexpr std::array<Decoder, 9> kDecoders = {{
    {"F32", 1, 0, no_list, decode_f32},
    {"F16", 1, 0, no_list, decode_f16},
    {"BF16", 1, 0, no_list, decode_bf16},
    {"Q4_0", 32, 4, signed_codes, decode_q4_0},
    {"Q4_1", 32, 4, unsigned_codes, decode_q4_1},
    {"Q8_0", 32, 8, no_list, decode_q8_0},
    {"Q4_K", 32, 4, unsigned_codes, decode_q4_k},
    {"Q6_K", 16, 6, no_list, decode_q6_k},
    {"MXFP4", 32, 4, doubled_e2m1, decode_mxfp4},
}};

const Decoder* find_decoder(const GgmlType& type) {
  const auto* found = std::find_if(kDecoders.begin(), kDecoders.end(),
                                   [&](const Decoder& decoder) { return decoder.name == type.name; });
  return found == kDecoders.end() ? nullptr : found;
}

}  // namespace

std::vector<float> CodedRows::row_values(std::int64_t row) const {
  const auto begin = static_cast<std::size_t>(row * inputs), count = static_cast<std::size_t>(inputs);
  if (!has_codes()) {
    return {values.begin() + static_cast<std::ptrdiff_t>(begin),
            values.begin() + static_cast<std::ptrdiff_t>(begin + count)};
  }
  std::vector<float> numbers(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t of_block = (begin + i) / static_cast<std::size_t>(block);
    numbers[i] = scales[of_block] * static_cast<float>(codes[begin + i]) +
                 (minimums.empty() ? 0.0f : minimums[of_block]);
  }
  return numbers;
}

std::vector<std::int8_t> doubled_e2m1() { return {-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12}; }

bool has_decoder(const GgmlType& type) { return find_decoder(type) != nullptr; }

CodedRows decode_rows(const GgmlType& type, std::span<const std::byte> bytes, std::int64_t inputs) {
  const Decoder* decoder = find_decoder(type);
  if (decoder == nullptr || inputs < 1 || static_cast<std::uint64_t>(inputs) % type.values != 0) {
    throw std::logic_error("[coded_rows] no decoder, or rows that are no whole blocks");
  }
  const std::uint64_t row_bytes = static_cast<std::uint64_t>(inputs) / type.values * type.bytes;
  if (bytes.size() % row_bytes != 0) {
    throw std::logic_error("[coded_rows] bytes that are no whole rows");
  }
  CodedRows rows;
  rows.rows = static_cast<std::int64_t>(bytes.size() / row_bytes);
  rows.inputs = inputs;
  rows.block = decoder->block;
  rows.code_bits = decoder->code_bits;
  rows.alphabet = decoder->alphabet();
  const std::size_t count = bytes.size() / type.bytes * type.values;
  (rows.has_codes() ? rows.codes.reserve(count) : rows.values.reserve(count));
  Sink sink{&rows};
  for (std::size_t at = 0; at < bytes.size(); at += type.bytes) {
    decoder->decode(BlockBytes(bytes.data() + at), sink);
  }
  return rows;
}

CodedRows quantise_rows(const CodedRows& rows, std::int64_t block, int code_bits) {
  assert(!rows.has_codes() && block > 0 && rows.inputs % block == 0);
  CodedRows coded{rows.rows, rows.inputs, block, code_bits, {}, {}, {}, {}, {}};
  if (code_bits == 4) {
    coded.alphabet = signed_codes();
  }
  coded.codes.resize(rows.values.size());
  const auto largest = static_cast<float>((1 << (code_bits - 1)) - 1);
  for (std::size_t begin = 0; begin < rows.values.size(); begin += static_cast<std::size_t>(block)) {
    const std::size_t end = begin + static_cast<std::size_t>(block);
    float magnitude = 0;
    for (std::size_t i = begin; i < end; ++i) {
      magnitude = std::max(magnitude, std::abs(rows.values[i]));
    }
    // Infinities and NaNs of a damaged file become zeros: they have no code.
    const float scale = std::isfinite(magnitude) ? magnitude / largest : 0.0f;
    coded.scales.push_back(scale);
    for (std::size_t i = begin; i < end; ++i) {
      const float code = scale > 0 ? std::nearbyint(rows.values[i] / scale) : 0.0f;
      coded.codes[i] =
          static_cast<std::int8_t>(std::isfinite(code) ? std::clamp(code, -largest, largest) : 0);
    }
  }
  return coded;
}

}  // namespace memwall
