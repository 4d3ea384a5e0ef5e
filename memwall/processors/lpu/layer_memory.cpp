#include <algorithm>
#include <cmath>
#include <utility>

#include "memwall/processors/lpu/layer_build.h"

namespace memwall {
namespace {

constexpr float kMasked = -1e30f;

}  // namespace

void LayerCompiler::put(const std::vector<VectorAddress>& planes, LaneType type,
                        const std::vector<float>& lanes) {
  std::vector<std::vector<std::uint8_t>> bytes(planes.size(), std::vector<std::uint8_t>(at(g_.lanes())));
  std::vector<std::uint8_t*> pointers;
  for (std::vector<std::uint8_t>& plane : bytes) {
    pointers.push_back(plane.data());
  }
  pack_lanes(type, lanes.data(), 0, g_.lanes(), pointers.data());
  for (std::size_t b = 0; b < planes.size(); ++b) {
    schedule_.image.push_back({planes[b], std::move(bytes[b])});
  }
}

LaneVector LayerCompiler::constant(int chip, LaneType type, const std::vector<float>& lanes, int bank) {
  const LaneVector value = s_->allocate_constant(chip, type, bank);
  put(value.on(Hemisphere::west).planes, type, lanes);
  put(value.on(Hemisphere::east).planes, type, lanes);
  return value;
}

void LayerCompiler::put_tile(const WeightTile& tile, int vector, const std::vector<float>& lanes) {
  std::vector<VectorAddress> planes;
  for (int b = 0; b < width(tile.type); ++b) {
    planes.push_back(s_->tile_address(tile, vector, b));
  }
  put(planes, tile.type, lanes);
}

std::vector<float> LayerCompiler::lanes_of(const std::function<float(int)>& value) const {
  std::vector<float> lanes;
  for (int l = 0; l < g_.lanes(); ++l) {
    lanes.push_back(value(l));
  }
  return lanes;
}

LayerCompiler::Chip LayerCompiler::prepare(int c) {
  Chip chip;
  chip.index = c;
  const int lanes = g_.lanes(), d = shape_.head_dim, position = shape_.context;
  for (const Hemisphere side : {Hemisphere::west, Hemisphere::east}) {
    chip.ones.push_back(s_->allocate_tile(c, side, 0, LaneType::fp16, true, lanes, 0));
    for (int v = 0; v < lanes; ++v) {
      put_tile(chip.ones.back(), v, lanes_of([](int) { return 1.0f; }));
    }
  }
  chip.x.resize(at(hidden_vectors()));
  for (int b = 0; b < shape_.sequences; ++b) {  // as a layer before leaves it: in the order of its results
    for (int k = 0; k < hidden_vectors(); ++k) {
      const auto value = [&](int l) {
        const int i = k * lanes + l;
        return i < shape_.hidden ? data_.x[at(b * shape_.hidden + i)] : 0;
      };
      chip.x[at(k)].push_back(constant(c, LaneType::fp16, lanes_of(value), 0));
    }
  }
  for (int k = 0; k < hidden_vectors(); ++k) {
    const auto lanes_at = [&](const std::vector<float>& values, float scale) {
      return lanes_of([&](int l) {
        const int i = k * lanes + l;
        return i < shape_.hidden ? values[at(i)] * scale : 0;
      });
    };
    const float attention = shape_.bytes ? 1 / data_.qkv_step : 1, up = shape_.bytes ? 1 / data_.up_step : 1;
    chip.attention_gain.push_back(constant(c, LaneType::fp32, lanes_at(data_.attention_gain, attention)));
    chip.feed_forward_gain.push_back(constant(c, LaneType::fp32, lanes_at(data_.feed_forward_gain, up)));
  }
  const auto angle = [&](int lane) {
    const int pair = lane % d % (d / 2);
    return position * std::pow(shape_.rope_base, -2.0 * pair / d);
  };
  const auto cosine = [&](int l) { return static_cast<float>(std::cos(angle(l))); };
  const auto sine = [&](int l) {
    return static_cast<float>(l % d < d / 2 ? -std::sin(angle(l)) : std::sin(angle(l)));
  };
  const float scale = 1 / std::sqrt(static_cast<float>(d));
  for (int s = 0; s < slots_; ++s) {
    const auto of_slot = [&](const std::function<float(int)>& f, float factor) {
      return lanes_of([&](int l) { return slot_of(l) == s ? f(l) * factor : 0; });
    };
    chip.query_cos.push_back(constant(c, LaneType::fp32, of_slot(cosine, scale)));
    chip.query_sin.push_back(constant(c, LaneType::fp32, of_slot(sine, scale)));
    chip.slot_mask.push_back(constant(c, LaneType::fp32, of_slot([](int) { return 1.0f; }, 1)));
  }
  chip.key_cos = constant(c, LaneType::fp32, lanes_of(cosine));
  chip.key_sin = constant(c, LaneType::fp32, lanes_of(sine));
  const int tail = shape_.context + 1 - (tiles_ - 1) * lanes;
  chip.tail_mask = constant(c, LaneType::fp32, lanes_of([&](int l) { return l < tail ? 0 : kMasked; }));
  chip.no_mask = constant(c, LaneType::fp32, lanes_of([](int) { return 0.0f; }));
  prepare_cache(chip, chip.keys, data_.keys, true);
  prepare_cache(chip, chip.values, data_.values, false);
  return chip;
}

void LayerCompiler::prepare_cache(const Chip& chip, std::vector<std::vector<std::vector<WeightTile>>>& tiles,
                                  const std::vector<float>& cache, bool columns) {
  const int lanes = g_.lanes(), d = shape_.head_dim, width = shape_.kv_heads * d;
  for (int b = 0; b < shape_.sequences; ++b) {
    auto& rows = tiles.emplace_back();
    for (int r = 0; r < rows_; ++r) {
      auto& row = rows.emplace_back();
      for (int t = 0; t < tiles_; ++t) {
        const int count = std::min(lanes, shape_.context + 1 - t * lanes);
        row.push_back(
            s_->allocate_tile(chip.index, attention_side(b, r), 0, LaneType::fp16, columns, count, 1));
        for (int v = 0; v < count && t * lanes + v < shape_.context; ++v) {
          const int token = b * shape_.context + t * lanes + v;
          put_tile(row.back(), v, lanes_of([&](int l) {
                     const int head = slot_of(l) < slots_ ? kv_head(chip.index, r, slot_of(l)) : -1;
                     return head < 0 ? 0 : cache[at(token * width + head * d + l % d)];
                   }));
        }
      }
    }
  }
}

}  // namespace memwall
