// layer_compiler.h - a decoder layer as one schedule for one chip or several.
//
// One step of decode: `sequences` sequences bring a token each on top of `context` tokens in the cache. Norm,
// QKV, rotation of position, attention over the cache, output, gated feed-forward, residuals. Over several
// chips, heads and the columns of gate and up are divided, and the rows of output and down; the parts of a
// sum are exchanged over links that join all chips, in the same schedule.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/lpu/schedule.h"
#include "memwall/processors/lpu/sections.h"

namespace memwall {

struct DecoderLayerShape {
  int hidden = 0, heads = 0, kv_heads = 0, head_dim = 0, intermediate = 0;
  int sequences = 1, context = 0;
  float epsilon = 1e-5f;
  double rope_base = 10000;
  bool copies = false;  // tiles that leave a hemisphere idle stand in both, which share the sequences
  bool bytes = false;   // projections in int8, else fp16; attention is always in fp16
};

// Row-major matrices [in, out]; caches [sequence][token][kv_head * head_dim]; x [sequence][hidden].
struct DecoderLayerData {
  std::vector<float> q, k, v, o, gate, up, down;
  std::vector<float> attention_gain, feed_forward_gain;
  std::vector<float> keys, values, x;
  // int8 only: what one step of an activation is worth, before qkv, o, gate and up, and down.
  float qkv_step = 1, o_step = 1, up_step = 1, down_step = 1;
};

struct CompiledLayer {
  LpuSchedule schedule;
  std::vector<std::vector<std::vector<VectorAddress>>>
      output;  // [sequence][vector of lanes][byte], 16 bits, on chip 0
};

// `links` as in sections.h; chips <= kLinksPerChip + 1, and they divide heads, KV heads and the intermediate
// width. Throws ConfigError for shapes that do not divide and for a layer that does not fit into the memory
// of the chips.
CompiledLayer compile_layer(const LpuGeometry& geometry, const LinkTiming& links, int chips,
                            const DecoderLayerShape& shape, const DecoderLayerData& data);

// The scale that an int8 matrix is stored with: its largest magnitude is 127 steps.
float int8_step(const std::vector<float>& matrix);

// The closed form of the same: what the lowering of real models charges for such a layer.
double layer_cycles(const LpuGeometry& geometry, const LinkTiming& links, int chips,
                    const DecoderLayerShape& shape);

}  // namespace memwall
