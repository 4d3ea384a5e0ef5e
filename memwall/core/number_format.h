// number_format.h - number formats of weights, activations and KV caches, with their size on average.
//
// bits counts what memory holds, scales and zero points included: mxfp4 is 4 bits and an 8-bit scale per 32
// values, 4.25. `arithmetic` is the format whose multiply-accumulate rate a processor needs when activations
// have this format; weight-only formats (int4, mxfp4, GGUF's) are expanded to the activation's format first.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "memwall/core/units.h"

namespace memwall {

enum class Format {
  fp32,
  bf16,
  fp16,
  fp8,
  fp8_block,
  int8,
  mxfp4,
  nvfp4,
  int4,
  int4_g64,
  int4_g32,
  int3,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
};
inline constexpr int kFormatCount = 22;

struct FormatInfo {
  Format format;
  std::string_view name;
  double bits;        // per value, scales included
  Format arithmetic;  // bf16, fp16, fp32, fp8, int8 or nvfp4: the class of a chip's peak rate
  bool weight_only;   // only ever a storage format of weights
  std::string_view source;
};

const FormatInfo& info(Format format);
std::string_view name(Format format);
inline Bytes bytes_of(double values, Format format) { return Bytes(values * info(format).bits / 8.0); }

// nullopt for an unknown name; format_named throws ConfigError with the list.
std::optional<Format> find_format(std::string_view name);
Format format_named(const std::string& key, const std::string& name);

}  // namespace memwall
