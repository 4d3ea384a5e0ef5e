#include "memwall/core/number_format.h"

#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/names.h"

namespace memwall {
namespace {

constexpr std::string_view kGgml = "GGML block layouts: block bytes * 8 / values per block";

// Bits with scales: block formats add their scale's bits over the block's length.
constexpr std::array<FormatInfo, kFormatCount> kFormats = {{
    {Format::fp32, "fp32", 32, Format::fp32, false, "IEEE 754"},
    {Format::bf16, "bf16", 16, Format::bf16, false, "upper half of IEEE 754 binary32"},
    {Format::fp16, "fp16", 16, Format::fp16, false, "IEEE 754"},
    {Format::fp8, "fp8", 8, Format::fp8, false, "OCP 8-bit floating point, one scale per tensor"},
    {Format::fp8_block, "fp8_block", 8 + 32.0 / (128 * 128), Format::fp8, false,
     "DeepSeek-V3 report (arXiv 2412.19437): fp32 scale per 128x128 weights"},
    {Format::int8, "int8", 8, Format::int8, false, "two's complement, one scale per row"},
    {Format::mxfp4, "mxfp4", 4 + 8.0 / 32, Format::bf16, true,
     "OCP Microscaling 1.0: e8m0 scale per 32 values"},
    {Format::nvfp4, "nvfp4", 4 + 8.0 / 16, Format::nvfp4, false, "NVFP4: e4m3 scale per 16 values"},
    {Format::int4, "int4", 4 + 20.0 / 128, Format::bf16, true,
     "GPTQ and AWQ, group 128: fp16 scale and 4-bit zero per group"},
    {Format::int4_g64, "int4_g64", 4 + 20.0 / 64, Format::bf16, true, "as int4, group 64"},
    {Format::int4_g32, "int4_g32", 4 + 20.0 / 32, Format::bf16, true, "as int4, group 32"},
    {Format::int3, "int3", 3 + 16.0 / 128, Format::bf16, true, "3-bit weights, fp16 scale per 128"},
    {Format::q4_0, "q4_0", 18 * 8.0 / 32, Format::fp16, true, kGgml},
    {Format::q4_1, "q4_1", 20 * 8.0 / 32, Format::fp16, true, kGgml},
    {Format::q5_0, "q5_0", 22 * 8.0 / 32, Format::fp16, true, kGgml},
    {Format::q5_1, "q5_1", 24 * 8.0 / 32, Format::fp16, true, kGgml},
    {Format::q8_0, "q8_0", 34 * 8.0 / 32, Format::fp16, true, kGgml},
    {Format::q2_k, "q2_k", 84 * 8.0 / 256, Format::fp16, true, kGgml},
    {Format::q3_k, "q3_k", 110 * 8.0 / 256, Format::fp16, true, kGgml},
    {Format::q4_k, "q4_k", 144 * 8.0 / 256, Format::fp16, true, kGgml},
    {Format::q5_k, "q5_k", 176 * 8.0 / 256, Format::fp16, true, kGgml},
    {Format::q6_k, "q6_k", 210 * 8.0 / 256, Format::fp16, true, kGgml},
}};

}  // namespace

const FormatInfo& info(Format format) { return kFormats[static_cast<std::size_t>(format)]; }

std::string_view name(Format format) { return info(format).name; }

std::optional<Format> find_format(std::string_view name) {
  for (const FormatInfo& candidate : kFormats) {
    if (candidate.name == name) {
      return candidate.format;
    }
  }
  return std::nullopt;
}

Format format_named(const std::string& key, const std::string& name) {
  if (const std::optional<Format> format = find_format(name)) {
    return *format;
  }
  std::vector<std::string> known;
  for (const FormatInfo& candidate : kFormats) {
    known.emplace_back(candidate.name);
  }
  throw ConfigError(key, quoted(name), suggest_names(name, known));
}

}  // namespace memwall
