#include "memwall/processors/lpu/layer_compiler.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/processors/lpu/layer_build.h"

namespace memwall {
namespace {

constexpr float kMostByte = 127;

void require_divides(const LpuGeometry& g, int chips, const DecoderLayerShape& shape) {
  const auto need = [](bool holds, const char* key, int found, const std::string& expected) {
    if (!holds) {
      throw ConfigError(key, std::to_string(found), expected);
    }
  };
  need(chips >= 1 && chips <= kLinksPerChip + 1, "chips", chips,
       fmt::format("1 to {}, all linked with all", kLinksPerChip + 1));
  need(shape.kv_heads % chips == 0, "kv_heads", shape.kv_heads, fmt::format("a multiple of {} chips", chips));
  need(shape.heads % shape.kv_heads == 0, "heads", shape.heads,
       fmt::format("a multiple of {} KV heads", shape.kv_heads));
  need(shape.intermediate % chips == 0, "intermediate", shape.intermediate,
       fmt::format("a multiple of {} chips", chips));
  need(shape.head_dim <= g.lanes() && shape.head_dim % 2 == 0, "head_dim", shape.head_dim,
       fmt::format("even, at most the {} lanes", g.lanes()));
}

}  // namespace

float int8_step(const std::vector<float>& matrix) {
  float most = 0;
  for (const float value : matrix) {
    most = std::max(most, std::abs(value));
  }
  return most / kMostByte;
}

CompiledLayer compile_layer(const LpuGeometry& geometry, const LinkTiming& links, int chips,
                            const DecoderLayerShape& shape, const DecoderLayerData& data) {
  require_divides(geometry, chips, shape);
  return LayerCompiler(geometry, links, chips, shape, data).compile();
}

}  // namespace memwall
