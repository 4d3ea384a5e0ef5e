// lane_type.h - what the bytes of a lane mean: a value of n bytes is spread over n streams, lowest byte
// first.
#pragma once

#include <cstdint>
#include <string_view>

namespace memwall {

enum class LaneType { int8, fp8, fp16, int32, fp32 };
std::string_view name(LaneType type);
int width(LaneType type);  // bytes, and streams

// Values of lanes [begin, end): planes[b] + lane is byte b of a lane. int32 is read as the nearest float. To
// int8: nearest even, saturated. To fp8 (e4m3), fp16: nearest even. int32 is not written.
void unpack_lanes(LaneType type, const std::uint8_t* const* planes, int begin, int end, float* values);
void pack_lanes(LaneType type, const float* values, int begin, int end, std::uint8_t* const* planes);

float half_to_float(std::uint16_t bits);
std::uint16_t float_to_half(float value);

}  // namespace memwall
