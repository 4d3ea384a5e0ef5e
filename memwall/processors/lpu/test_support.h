// test_support.h - what the tests of this folder share: small chips, random layers, and the reference's
// answer.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/processors/lpu/card.h"
#include "memwall/processors/lpu/layer_compiler.h"
#include "memwall/processors/lpu/machine.h"
#include "memwall/tensor/reference.h"

namespace memwall::lpu_test {

inline LpuCard card_named(const std::string& name) { return read_lpu_card(read_chip(name)); }

// LPU v1 with fewer superlanes: transits and queues as on the chip, vectors of 32 lanes.
inline LpuGeometry small_geometry(int superlanes = 2) {
  LpuGeometry g = card_named("lpu-v1").geometry;
  g.superlanes = superlanes;
  return g;
}
inline LinkTiming small_links() { return {20, 220, 8, 4}; }

inline std::vector<float> random_values(std::mt19937& random, int count, float scale) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(scale * (static_cast<float>(random() % 20001) / 10000 - 1));
  }
  return values;
}

inline DecoderLayerData random_layer(const DecoderLayerShape& s, unsigned seed) {
  std::mt19937 random(seed);
  const int q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
  const auto weight = [&](int in, int out) {
    return random_values(random, in * out, 1.5f / std::sqrt(static_cast<float>(in)));
  };
  DecoderLayerData d;
  d.q = weight(s.hidden, q);
  d.k = weight(s.hidden, kv);
  d.v = weight(s.hidden, kv);
  d.o = weight(q, s.hidden);
  d.gate = weight(s.hidden, s.intermediate);
  d.up = weight(s.hidden, s.intermediate);
  d.down = weight(s.intermediate, s.hidden);
  d.attention_gain = random_values(random, s.hidden, 1);
  d.feed_forward_gain = random_values(random, s.hidden, 1);
  d.keys = random_values(random, s.sequences * s.context * kv, 1.5f);
  d.values = random_values(random, s.sequences * s.context * kv, 1);
  d.x = random_values(random, s.sequences * s.hidden, 2);
  d.qkv_step = d.up_step = 2.5f / 127;
  d.o_step = 1.5f / 127;
  d.down_step = 3.0f / 127;
  return d;
}

using Vector = std::vector<float>;

inline Vector rounded_to_steps(Vector x, float step) {
  for (float& value : x) {
    value = step * std::clamp(std::nearbyint(value / step), -128.0f, 127.0f);
  }
  return x;
}

// The layer by the readable operators. With bytes, weights and inputs of projections are rounded to their
// steps first, as the format demands; nothing else is rounded.
inline std::vector<Vector> reference_layer(const DecoderLayerShape& s, const DecoderLayerData& d) {
  namespace ref = reference;
  const int heads = s.heads, kv_heads = s.kv_heads, dim = s.head_dim, kv = kv_heads * dim;
  const auto joined_step = [](std::initializer_list<const Vector*> parts) {
    float step = 0;
    for (const Vector* part : parts) {
      step = std::max(step, int8_step(*part));
    }
    return step;
  };
  const auto product = [&](const Vector& x, const Vector& w, int n, float x_step, float w_step) {
    const int k = static_cast<int>(x.size());
    return s.bytes ? ref::matmul(rounded_to_steps(x, x_step), rounded_to_steps(w, w_step), 1, k, n)
                   : ref::matmul(x, w, 1, k, n);
  };
  const float qkv_step = joined_step({&d.q, &d.k, &d.v}), up_step = joined_step({&d.gate, &d.up});
  std::vector<Vector> result;
  for (int b = 0; b < s.sequences; ++b) {
    Vector x(d.x.begin() + b * s.hidden, d.x.begin() + (b + 1) * s.hidden);
    const Vector h = ref::rms_norm(x, d.attention_gain, s.epsilon);
    const Vector q = product(h, d.q, heads * dim, d.qkv_step, qkv_step);
    const Vector k = product(h, d.k, kv, d.qkv_step, qkv_step);
    const Vector v = product(h, d.v, kv, d.qkv_step, qkv_step);
    Vector attended;
    for (int head = 0; head < heads; ++head) {
      const int kv_head = head / (heads / kv_heads);
      Vector keys, values;
      for (int t = 0; t < s.context; ++t) {
        const std::ptrdiff_t at = (b * s.context + t) * kv + kv_head * dim;
        keys.insert(keys.end(), d.keys.begin() + at, d.keys.begin() + at + dim);
        values.insert(values.end(), d.values.begin() + at, d.values.begin() + at + dim);
      }
      const Vector key = ref::rope(Vector(k.begin() + kv_head * dim, k.begin() + (kv_head + 1) * dim),
                                   s.context, s.rope_base);
      keys.insert(keys.end(), key.begin(), key.end());
      values.insert(values.end(), v.begin() + kv_head * dim, v.begin() + (kv_head + 1) * dim);
      const Vector query =
          ref::rope(Vector(q.begin() + head * dim, q.begin() + (head + 1) * dim), s.context, s.rope_base);
      const Vector out = ref::attention(query, keys, values, s.context + 1, dim);
      attended.insert(attended.end(), out.begin(), out.end());
    }
    const Vector o = product(attended, d.o, s.hidden, d.o_step, int8_step(d.o));
    for (int i = 0; i < s.hidden; ++i) {
      x[static_cast<std::size_t>(i)] += o[static_cast<std::size_t>(i)];
    }
    const Vector h2 = ref::rms_norm(x, d.feed_forward_gain, s.epsilon);
    Vector hidden = ref::silu(product(h2, d.gate, s.intermediate, d.up_step, up_step));
    const Vector up = product(h2, d.up, s.intermediate, d.up_step, up_step);
    for (std::size_t i = 0; i < hidden.size(); ++i) {
      hidden[i] *= up[i];
    }
    const Vector down = product(hidden, d.down, s.hidden, d.down_step, int8_step(d.down));
    for (int i = 0; i < s.hidden; ++i) {
      x[static_cast<std::size_t>(i)] += down[static_cast<std::size_t>(i)];
    }
    result.push_back(x);
  }
  return result;
}

inline std::vector<Vector> machine_output(const LpuMachine& machine, const CompiledLayer& layer,
                                          const DecoderLayerShape& s) {
  std::vector<Vector> result;
  for (const auto& vectors : layer.output) {
    Vector x;
    for (const std::vector<VectorAddress>& planes : vectors) {
      std::vector<std::vector<std::uint8_t>> bytes;
      std::vector<const std::uint8_t*> pointers;
      for (const VectorAddress& plane : planes) {
        bytes.push_back(machine.memory(plane));
      }
      for (const auto& plane : bytes) {
        pointers.push_back(plane.data());
      }
      Vector lanes(bytes.front().size());
      unpack_lanes(LaneType::fp16, pointers.data(), 0, static_cast<int>(lanes.size()), lanes.data());
      x.insert(x.end(), lanes.begin(), lanes.end());
    }
    x.resize(static_cast<std::size_t>(s.hidden));
    result.push_back(x);
  }
  return result;
}

}  // namespace memwall::lpu_test
