#include "memwall/processors/lpu/lane_type.h"

#include <bit>
#include <cassert>

#include "memwall/tensor/small_float.h"

namespace memwall {
namespace {

constexpr int kBitsPerByte = 8;
constexpr float kLeastByte = -128, kMostByte = 127, kNoFraction = 12582912;

}  // namespace

std::string_view name(LaneType type) {
  switch (type) {
    case LaneType::int8:
      return "int8";
    case LaneType::fp8:
      return "fp8";
    case LaneType::fp16:
      return "fp16";
    case LaneType::int32:
      return "int32";
    case LaneType::fp32:
      return "fp32";
  }
  return "";
}

int width(LaneType type) {
  switch (type) {
    case LaneType::int8:
    case LaneType::fp8:
      return 1;
    case LaneType::fp16:
      return 2;
    case LaneType::int32:
    case LaneType::fp32:
      return 4;
  }
  return 0;
}

// Exponents of binary16 lie 112 below those of binary32; a product with 2^112 also turns subnormals into
// numbers.
float half_to_float(std::uint16_t bits) {
  constexpr std::uint32_t kMagnitude = 0x7fff, kInfinity = 0x7c00, kScale = (112u + 127u) << 23,
                          kTopExponent = 0xffu << 23;
  const std::uint32_t magnitude = bits & kMagnitude;
  const std::uint32_t sign = (bits & ~kMagnitude & 0xffffu) << 16;
  const float scaled = std::bit_cast<float>(magnitude << 13) * std::bit_cast<float>(kScale);
  const std::uint32_t number =
      magnitude >= kInfinity ? kTopExponent | magnitude << 13 : std::bit_cast<std::uint32_t>(scaled);
  return std::bit_cast<float>(sign | number);
}

std::uint16_t float_to_half(float value) {
  constexpr std::uint32_t kSign = 0x80000000u, kOverflow = 0x477ff000u, kLeastNormal = 0x38800000u;
  constexpr std::uint32_t kInfinity = 0x7c00, kNan = 0x7e00, kRound = 0xfff, kRebias = 112u << 23;
  const std::uint32_t all = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t bits = all & ~kSign;
  std::uint32_t half = 0;
  if (bits > 0xffu << 23) {
    half = kNan;
  } else if (bits >= kOverflow) {
    half = kInfinity;
  } else if (bits < kLeastNormal) {
    // Adding 0.5 leaves the subnormal's bits, rounded, at the end of the sum.
    const float sum = std::bit_cast<float>(bits) + 0.5f;
    half = std::bit_cast<std::uint32_t>(sum) - std::bit_cast<std::uint32_t>(0.5f);
  } else {
    half = (bits - kRebias + kRound + (bits >> 13 & 1)) >> 13;
  }
  return static_cast<std::uint16_t>(half | (all & kSign) >> 16);
}

void unpack_lanes(LaneType type, const std::uint8_t* const* planes, int begin, int end, float* values) {
  switch (type) {
    case LaneType::int8:
      for (int i = begin; i < end; ++i) {
        values[i] = static_cast<std::int8_t>(planes[0][i]);
      }
      break;
    case LaneType::fp8:
      for (int i = begin; i < end; ++i) {
        values[i] = decode(SmallFloat::fp8_e4m3, planes[0][i]);
      }
      break;
    case LaneType::fp16:
      for (int i = begin; i < end; ++i) {
        values[i] = half_to_float(static_cast<std::uint16_t>(planes[0][i] | planes[1][i] << kBitsPerByte));
      }
      break;
    case LaneType::int32:
    case LaneType::fp32:
      for (int i = begin; i < end; ++i) {
        const std::uint32_t bits = planes[0][i] | static_cast<std::uint32_t>(planes[1][i]) << 8 |
                                   static_cast<std::uint32_t>(planes[2][i]) << 16 |
                                   static_cast<std::uint32_t>(planes[3][i]) << 24;
        values[i] = type == LaneType::fp32 ? std::bit_cast<float>(bits)
                                           : static_cast<float>(std::bit_cast<std::int32_t>(bits));
      }
      break;
  }
}

void pack_lanes(LaneType type, const float* values, int begin, int end, std::uint8_t* const* planes) {
  switch (type) {
    case LaneType::int8:
      for (int i = begin; i < end; ++i) {
        const float least = values[i] > kLeastByte ? values[i] : kLeastByte;
        const float clipped = least < kMostByte ? least : kMostByte;
        // Adding 1.5 x 2^23 leaves no fraction: rounded to nearest even.
        planes[0][i] =
            static_cast<std::uint8_t>(static_cast<std::int8_t>(clipped + kNoFraction - kNoFraction));
      }
      break;
    case LaneType::fp8:
      for (int i = begin; i < end; ++i) {
        planes[0][i] = static_cast<std::uint8_t>(encode(SmallFloat::fp8_e4m3, values[i]));
      }
      break;
    case LaneType::fp16:
      for (int i = begin; i < end; ++i) {
        const std::uint16_t bits = float_to_half(values[i]);
        planes[0][i] = static_cast<std::uint8_t>(bits);
        planes[1][i] = static_cast<std::uint8_t>(bits >> kBitsPerByte);
      }
      break;
    case LaneType::int32:
      assert(false && "int32 leaves an array, never the VXM");
      break;
    case LaneType::fp32:
      for (int i = begin; i < end; ++i) {
        const auto bits = std::bit_cast<std::uint32_t>(values[i]);
        for (int b = 0; b < 4; ++b) {
          planes[b][i] = static_cast<std::uint8_t>(bits >> (kBitsPerByte * b));
        }
      }
      break;
  }
}

}  // namespace memwall
