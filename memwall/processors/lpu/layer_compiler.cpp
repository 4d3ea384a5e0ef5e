#include "memwall/processors/lpu/layer_compiler.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/processors/lpu/list_scheduler.h"

namespace memwall {
namespace {

constexpr float kMostByte = 127;
constexpr float kMasked = -1e30f;
using Operand = VectorChain::Operand;
using Values = std::vector<std::vector<Value>>;  // [vector of lanes][sequence]

int ceil_div(int amount, int parts) { return (amount + parts - 1) / parts; }
std::size_t at(int i) { return static_cast<std::size_t>(i); }

// Which rows and columns of a matrix stand in which lanes; -1: none.
using Lanes = std::vector<int>;
struct Linear {
  const std::vector<float>* matrix = nullptr;
  int columns = 0;  // of the matrix
  std::vector<Lanes> in, out;
  float step = 1;  // of an int8 weight
};

class LayerCompiler {
 public:
  LayerCompiler(const LpuGeometry& geometry, const LinkTiming& timing, int chips,
                const DecoderLayerShape& shape, const DecoderLayerData& data)
      : g_(geometry), timing_(timing), chips_(chips), shape_(shape), data_(data) {
    schedule_.geometry = geometry;
    schedule_.chips = chips;
    schedule_.wire_cycles = static_cast<std::int32_t>(std::ceil(timing.wire));
    schedule_.flight_cycles = static_cast<std::int32_t>(std::ceil(timing.flight));
    local_kv_ = shape.kv_heads / chips;
    group_ = shape.heads / shape.kv_heads;
    slots_ = std::min(g_.lanes() / shape.head_dim, local_kv_);
    rows_ = ceil_div(local_kv_, slots_);
    tiles_ = ceil_div(shape.context + 1, g_.lanes());
  }

  CompiledLayer compile() {
    ListScheduler scheduler(schedule_, mesh());
    s_ = &scheduler;
    for (int c = 0; c < chips_; ++c) {
      chip_.push_back(prepare(c));
    }
    attention_block();
    feed_forward_block();
    sort_instructions(schedule_);
    CompiledLayer compiled;
    for (int b = 0; b < shape_.sequences; ++b) {
      auto& vectors = compiled.output.emplace_back();
      for (const std::vector<Value>& of_sequences : chip_.front().x) {
        vectors.push_back(of_sequences[at(b)].on(Hemisphere::east).planes);
      }
    }
    compiled.schedule = std::move(schedule_);
    return compiled;
  }

 private:
  struct Chip {
    int index = 0;
    Values x;                      // the residual stream
    std::vector<WeightTile> ones;  // by side
    std::vector<Value> attention_gain, feed_forward_gain;
    std::vector<Value> query_cos, query_sin, slot_mask;  // by slot
    Value key_cos, key_sin, tail_mask, no_mask;
    std::vector<std::vector<std::vector<WeightTile>>> keys, values;  // [sequence][row][tile]
    Values parts;                                                    // of a sum over chips
  };

  // Everybody linked with everybody: chip a reaches b by link b, less one beyond itself.
  std::vector<LinkEnd> mesh() const {
    std::vector<LinkEnd> links(chips_ > 1 ? at(chips_ * kLinksPerChip) : 0);
    for (int a = 0; chips_ > 1 && a < chips_; ++a) {
      for (int b = 0; b < chips_; ++b) {
        if (a != b) {
          links[at(a * kLinksPerChip + (b < a ? b : b - 1))] = {b, a < b ? a : a - 1};
        }
      }
    }
    return links;
  }

  LaneType linear_type() const { return shape_.bytes ? LaneType::int8 : LaneType::fp16; }
  int hidden_vectors() const { return ceil_div(shape_.hidden, g_.lanes()); }

  // Memory that the schedule starts from.
  void put(const std::vector<Address>& planes, LaneType type, const std::vector<float>& lanes) {
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
  Value constant(int chip, LaneType type, const std::vector<float>& lanes) {
    const Value value = s_->allocate(chip, type, true, true, 1);
    put(value.on(Hemisphere::west).planes, type, lanes);
    put(value.on(Hemisphere::east).planes, type, lanes);
    return value;
  }
  void put_tile(const WeightTile& tile, int vector, const std::vector<float>& lanes) {
    std::vector<Address> planes;
    for (int b = 0; b < width(tile.type); ++b) {
      planes.push_back(s_->tile_address(tile, vector, b));
    }
    put(planes, tile.type, lanes);
  }
  std::vector<float> lanes_of(const std::function<float(int)>& value) const {
    std::vector<float> lanes;
    for (int l = 0; l < g_.lanes(); ++l) {
      lanes.push_back(value(l));
    }
    return lanes;
  }

  int kv_head(int chip, int row, int slot) const {  // -1 when the row has fewer
    const int local = row * slots_ + slot;
    return local < local_kv_ ? chip * local_kv_ + local : -1;
  }
  int slot_of(int lane) const { return lane / shape_.head_dim; }

  Chip prepare(int c) {
    Chip chip;
    chip.index = c;
    const int lanes = g_.lanes(), d = shape_.head_dim, position = shape_.context;
    for (const Hemisphere side : {Hemisphere::west, Hemisphere::east}) {
      chip.ones.push_back(s_->allocate_tile(c, side, 0, LaneType::fp16, true, lanes, 0));
      for (int v = 0; v < lanes; ++v) {
        put_tile(chip.ones.back(), v, lanes_of([](int) { return 1.0f; }));
      }
    }
    for (int k = 0; k < hidden_vectors(); ++k) {
      const auto lanes_at = [&](const std::vector<float>& values, int offset, float scale) {
        return lanes_of([&](int l) {
          const int i = k * lanes + l;
          return i < shape_.hidden ? values[at(offset + i)] * scale : 0;
        });
      };
      chip.x.emplace_back();
      for (int b = 0; b < shape_.sequences; ++b) {
        chip.x.back().push_back(constant(c, LaneType::fp16, lanes_at(data_.x, b * shape_.hidden, 1)));
      }
      const float attention = shape_.bytes ? 1 / data_.qkv_step : 1,
                  up = shape_.bytes ? 1 / data_.up_step : 1;
      chip.attention_gain.push_back(
          constant(c, LaneType::fp32, lanes_at(data_.attention_gain, 0, attention)));
      chip.feed_forward_gain.push_back(constant(c, LaneType::fp32, lanes_at(data_.feed_forward_gain, 0, up)));
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

  void prepare_cache(const Chip& chip, std::vector<std::vector<std::vector<WeightTile>>>& tiles,
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

  Hemisphere attention_side(int sequence, int row) const {
    return (sequence * rows_ + row) % 2 == 0 ? Hemisphere::east : Hemisphere::west;
  }

  // ---- matrices ----

  using Epilogue =
      std::function<void(int round, int sequence, const std::vector<Operand>& results, VectorChain& chain)>;

  void linear(const Chip& chip, const Linear& linear, const Values& x, const Epilogue& epilogue) {
    const int planes = shape_.bytes ? LpuGeometry::kPlanes : LpuGeometry::kPlanes / 2;
    const int rounds = ceil_div(static_cast<int>(linear.out.size()), planes);
    for (int r = 0; r < rounds; ++r) {
      const int here = std::min(planes, static_cast<int>(linear.out.size()) - r * planes);
      const auto place = [&](int p) {
        const bool east = shape_.bytes ? p < LpuGeometry::kPlanesPerHemisphere : p == 0;
        return std::pair(east ? Hemisphere::east : Hemisphere::west, shape_.bytes ? p % 2 : 0);
      };
      std::vector<VectorChain> chains(at(shape_.sequences));
      for (int b = 0; b < shape_.sequences; ++b) {
        std::vector<Operand> results;
        for (int p = 0; p < here; ++p) {
          const auto [side, plane] = place(p);
          results.push_back(
              chains[at(b)].from_array(side, plane, shape_.bytes ? LaneType::int32 : LaneType::fp32));
        }
        epilogue(r, b, results, chains[at(b)]);
      }
      for (std::size_t k = 0; k < linear.in.size(); ++k) {
        std::vector<WeightTile> tiles;
        for (int p = 0; p < here; ++p) {
          const auto [side, plane] = place(p);
          tiles.push_back(
              weight_tile(chip.index, linear, linear.in[k], linear.out[at(r * planes + p)], side, plane));
        }
        std::vector<ArrayPass> passes;
        for (int b = 0; b < shape_.sequences; ++b) {
          const bool last = k + 1 == linear.in.size();
          passes.push_back({&x[k][at(b)], b, k > 0, last ? &chains[at(b)] : nullptr});
        }
        s_->run_passes(tiles, passes);
      }
    }
  }

  WeightTile weight_tile(int chip, const Linear& linear, const Lanes& in, const Lanes& out, Hemisphere side,
                         int plane) {
    const auto last = std::find_if(out.rbegin(), out.rend(), [](int column) { return column >= 0; });
    const int count = static_cast<int>(out.rend() - last);
    const WeightTile tile = s_->allocate_tile(chip, side, plane, linear_type(), true, count, 0);
    for (int v = 0; v < count; ++v) {
      put_tile(tile, v, lanes_of([&](int l) {
                 const int row = in[at(l)], column = out[at(v)];
                 return row < 0 || column < 0
                            ? 0
                            : (*linear.matrix)[at(row * linear.columns + column)] / linear.step;
               }));
    }
    return tile;
  }

  Lanes range(int first, int vector, int count) const {  // lanes of a contiguous range of rows or columns
    Lanes lanes;
    for (int l = 0; l < g_.lanes(); ++l) {
      const int i = vector * g_.lanes() + l;
      lanes.push_back(i < count ? first + i : -1);
    }
    return lanes;
  }
  std::vector<Lanes> ranges(int first, int count) const {
    std::vector<Lanes> all;
    for (int v = 0; v < ceil_div(count, g_.lanes()); ++v) {
      all.push_back(range(first, v, count));
    }
    return all;
  }
  Lanes head_lanes(int chip, int row, int member) const {  // member of the group of each slot's KV head
    Lanes lanes;
    for (int l = 0; l < g_.lanes(); ++l) {
      const int head = slot_of(l) < slots_ ? kv_head(chip, row, slot_of(l)) : -1;
      lanes.push_back(head < 0 ? -1 : (head * group_ + member) * shape_.head_dim + l % shape_.head_dim);
    }
    return lanes;
  }

  // ---- sections ----

  Values norm(const Chip& chip, const std::vector<Value>& gain) {
    const int vectors = hidden_vectors();
    const float root = 1 / std::sqrt(static_cast<float>(shape_.hidden));
    Values squares(at(vectors)), y(at(vectors));
    const auto side_of = [](int b) { return b % 2 == 0 ? Hemisphere::east : Hemisphere::west; };
    for (int b = 0; b < shape_.sequences; ++b) {
      for (int k = 0; k < vectors; ++k) {
        const bool east = side_of(b) == Hemisphere::east;
        squares[at(k)].push_back(s_->allocate(chip.index, LaneType::fp16, !east, east));
        VectorChain chain;
        const Operand scaled = chain.apply(AluOp::multiply, chain.from(chip.x[at(k)][at(b)], side_of(b)),
                                           VectorChain::constant(root));
        chain.write(chain.apply(AluOp::multiply, scaled, scaled), squares[at(k)].back());
        s_->run(chip.index, chain);
      }
    }
    std::vector<Value> roots;
    for (int b = 0; b < shape_.sequences; ++b) {
      roots.push_back(s_->allocate(chip.index, LaneType::fp32, true, true));
    }
    for (const Hemisphere side : {Hemisphere::east, Hemisphere::west}) {
      std::vector<VectorChain> chains(at(shape_.sequences));
      std::vector<ArrayPass> passes;
      for (int b = 0; b < shape_.sequences; ++b) {
        if (side_of(b) != side) {
          continue;
        }
        VectorChain& chain = chains[at(b)];
        const Operand mean = chain.apply(AluOp::add, chain.from_array(side, 0, LaneType::fp32),
                                         VectorChain::constant(shape_.epsilon));
        chain.write(chain.apply(AluOp::inverse_root, mean), roots[at(b)]);
        for (int k = 0; k < vectors; ++k) {
          passes.push_back({&squares[at(k)][at(b)], b, k > 0, k + 1 == vectors ? &chain : nullptr});
        }
      }
      if (!passes.empty()) {
        s_->run_passes({chip.ones[at(static_cast<int>(side))]}, passes);
      }
    }
    for (int b = 0; b < shape_.sequences; ++b) {
      for (int k = 0; k < vectors; ++k) {
        y[at(k)].push_back(s_->allocate(chip.index, linear_type(), true, true));
        VectorChain chain;
        const Hemisphere side = k % 2 == 0 ? Hemisphere::east : Hemisphere::west;
        const Hemisphere other = k % 2 == 0 ? Hemisphere::west : Hemisphere::east;
        const Operand unit = chain.apply(AluOp::multiply, chain.from(chip.x[at(k)][at(b)], side),
                                         chain.from(roots[at(b)], side));
        chain.write(chain.apply(AluOp::multiply, unit, chain.from(gain[at(k)], other)), y[at(k)].back());
        s_->run(chip.index, chain);
      }
    }
    return y;
  }

  // q rotated, scaled and alone in its slot: [row][member][slot][sequence].
  using Queries = std::vector<std::vector<std::vector<std::vector<Value>>>>;

  Queries project_and_rotate(Chip& chip, const Values& x) {
    const int c = chip.index, d = shape_.head_dim;
    const int q_width = shape_.heads * d, kv_width = shape_.kv_heads * d;
    // One matrix [q | k | v].
    std::vector<float> matrix;
    for (int row = 0; row < shape_.hidden; ++row) {
      const auto append = [&](const std::vector<float>& part, int part_width) {
        matrix.insert(matrix.end(), part.begin() + row * part_width, part.begin() + (row + 1) * part_width);
      };
      append(data_.q, q_width);
      append(data_.k, kv_width);
      append(data_.v, kv_width);
    }
    Linear qkv{&matrix, q_width + 2 * kv_width, ranges(0, shape_.hidden), {}, 1};
    if (shape_.bytes) {
      qkv.step = int8_step(matrix);
    }
    const int per_row = group_ + 2;
    for (int r = 0; r < rows_; ++r) {
      for (int j = 0; j < group_; ++j) {
        qkv.out.push_back(head_lanes(c, r, j));
      }
      for (int part = 0; part < 2; ++part) {
        Lanes lanes;
        for (int l = 0; l < g_.lanes(); ++l) {
          const int head = slot_of(l) < slots_ ? kv_head(c, r, slot_of(l)) : -1;
          lanes.push_back(head < 0 ? -1 : q_width + part * kv_width + head * d + l % d);
        }
        qkv.out.push_back(lanes);
      }
    }
    Values raw(qkv.out.size(), std::vector<Value>(at(shape_.sequences)));
    s_->set_label(s_->label("qkv"));
    linear(chip, qkv, x, [&](int round, int b, const std::vector<Operand>& results, VectorChain& chain) {
      const int planes = shape_.bytes ? 4 : 2;
      for (std::size_t p = 0; p < results.size(); ++p) {
        const int tile = round * planes + static_cast<int>(p), row = tile / per_row;
        Value& value = raw[at(tile)][at(b)];
        value = tile % per_row == group_ + 1 ? cache_entry(chip.values[at(b)][at(row)].back())
                                             : s_->allocate(c, LaneType::fp16, true, true);
        const float scale = shape_.bytes ? qkv.step * data_.qkv_step : 1;
        chain.write(chain.apply(AluOp::multiply, results[p], VectorChain::constant(scale)), value);
      }
    });
    s_->set_label(s_->label("rope"));
    std::vector<std::int16_t> halves;
    for (int l = 0; l < g_.lanes(); ++l) {
      const bool inside = slot_of(l) < g_.lanes() / d;
      halves.push_back(static_cast<std::int16_t>(!inside ? l : l % d < d / 2 ? l + d / 2 : l - d / 2));
    }
    const int table = s_->table(halves);
    int turn = 0;
    const auto rotate = [&](const Value& in, const Value& cosine, const Value& sine, Value& out) {
      const Hemisphere side = turn % 2 == 0 ? Hemisphere::east : Hemisphere::west;
      const Hemisphere other = turn % 2 == 0 ? Hemisphere::west : Hemisphere::east;
      VectorChain chain;
      const Operand straight = chain.apply(AluOp::multiply, chain.from(in, other), chain.from(cosine, other));
      const Operand crossed =
          chain.apply(AluOp::multiply, chain.permuted(in, side, turn / 2 % g_.switch_units, table),
                      chain.from(sine, side));
      chain.write(chain.apply(AluOp::add, straight, crossed), out);
      s_->run(c, chain);
      ++turn;
    };
    Queries queries;
    for (int r = 0; r < rows_; ++r) {
      for (int b = 0; b < shape_.sequences; ++b) {
        WeightTile& last = chip.keys[at(b)][at(r)].back();
        Value key = cache_entry(last);
        rotate(raw[at(r * per_row + group_)][at(b)], chip.key_cos, chip.key_sin, key);
        last.last_ready = key.on(last.side).ready;
        WeightTile& values = chip.values[at(b)][at(r)].back();
        values.last_ready = raw[at(r * per_row + group_ + 1)][at(b)].on(values.side).ready;
      }
      queries.emplace_back(at(group_), std::vector<std::vector<Value>>(at(slots_)));
      for (int j = 0; j < group_; ++j) {
        for (int s = 0; s < slots_; ++s) {
          for (int b = 0; b < shape_.sequences; ++b) {
            Value q = s_->allocate(c, LaneType::fp16, true, true);
            rotate(raw[at(r * per_row + j)][at(b)], chip.query_cos[at(s)], chip.query_sin[at(s)], q);
            queries[at(r)][at(j)][at(s)].push_back(q);
          }
        }
      }
    }
    return queries;
  }

  // The place of the new token in its tile of the cache.
  Value cache_entry(const WeightTile& tile) const {
    Value value;
    value.chip = tile.chip;
    value.type = tile.type;
    for (int b = 0; b < width(tile.type); ++b) {
      value.on(tile.side).planes.push_back(s_->tile_address(tile, tile.count - 1, b));
    }
    return value;
  }

  // One head of one sequence.
  struct Head {
    int sequence = 0, row = 0, member = 0, slot = 0;
    std::vector<Value> scores, weights;  // by tile
    Value top, denominator, out;
  };

  Values attend(Chip& chip, const Queries& queries) {
    std::vector<Head> heads;
    for (int b = 0; b < shape_.sequences; ++b) {
      for (int r = 0; r < rows_; ++r) {
        for (int j = 0; j < group_; ++j) {
          for (int s = 0; s < slots_; ++s) {
            if (kv_head(chip.index, r, s) >= 0) {
              heads.push_back({b, r, j, s, {}, {}, {}, {}, {}});
            }
          }
        }
      }
    }
    scores(chip, queries, heads);
    softmax(chip, heads);
    return weighted_sums(chip, heads);
  }

  // Calls visit with the heads that share one sequence's row of the cache.
  void for_each_row(std::vector<Head>& heads,
                    const std::function<void(int, int, std::vector<Head*>&)>& visit) {
    for (int b = 0; b < shape_.sequences; ++b) {
      for (int r = 0; r < rows_; ++r) {
        std::vector<Head*> sharing;
        for (Head& head : heads) {
          if (head.sequence == b && head.row == r) {
            sharing.push_back(&head);
          }
        }
        visit(b, r, sharing);
      }
    }
  }

  void scores(Chip& chip, const Queries& queries, std::vector<Head>& heads) {
    s_->set_label(s_->label("scores"));
    for (int t = 0; t < tiles_; ++t) {
      for_each_row(heads, [&](int b, int r, std::vector<Head*>& sharing) {
        std::vector<VectorChain> chains(sharing.size());
        std::vector<ArrayPass> passes;
        for (std::size_t h = 0; h < sharing.size(); ++h) {
          Head& head = *sharing[h];
          head.scores.reserve(at(tiles_));
          head.scores.push_back(s_->allocate(chip.index, LaneType::fp32, true, true));
          const Hemisphere side = attention_side(b, r);
          const Hemisphere other = side == Hemisphere::east ? Hemisphere::west : Hemisphere::east;
          chains[h].write(
              chains[h].apply(AluOp::add, chains[h].from_array(side, 0, LaneType::fp32),
                              chains[h].from(t + 1 == tiles_ ? chip.tail_mask : chip.no_mask, other)),
              head.scores.back());
          passes.push_back({&queries[at(r)][at(head.member)][at(head.slot)][at(b)], static_cast<int>(h),
                            false, &chains[h]});
        }
        s_->run_passes({chip.keys[at(b)][at(r)][at(t)]}, passes);
      });
    }
  }

  Value maximum(Chip& chip, const std::vector<Value>& values) {
    if (values.size() == 1) {
      return values.front();
    }
    Value top = s_->allocate(chip.index, LaneType::fp32, true, true);
    VectorChain chain;
    Operand most =
        chain.apply(AluOp::maximum, chain.from(values[0]), chain.from(values[1], Hemisphere::west));
    for (std::size_t t = 2; t < values.size(); ++t) {
      most = chain.apply(AluOp::maximum, most,
                         chain.from(values[t], t % 2 == 0 ? Hemisphere::east : Hemisphere::west));
    }
    chain.write(most, top);
    s_->run(chip.index, chain);
    return top;
  }

  // One step of the reduction over lanes: the largest of as many rotations as there are switch units.
  Value lane_maximum_step(Chip& chip, const Value& value, int stride) {
    Value top = s_->allocate(chip.index, LaneType::fp32, true, true);
    VectorChain chain;
    std::vector<Operand> operands;
    for (int a = 0; a < g_.rotation_radix(); ++a) {
      std::vector<std::int16_t> lanes;
      for (int l = 0; l < g_.lanes(); ++l) {
        lanes.push_back(static_cast<std::int16_t>((l + static_cast<long long>(a) * stride) % g_.lanes()));
      }
      const Hemisphere side = a < g_.switch_units ? Hemisphere::east : Hemisphere::west;
      operands.push_back(chain.permuted(value, side, a % g_.switch_units, s_->table(lanes)));
    }
    while (operands.size() > 1) {
      std::vector<Operand> half;
      for (std::size_t i = 0; i + 1 < operands.size(); i += 2) {
        half.push_back(chain.apply(AluOp::maximum, operands[i], operands[i + 1]));
      }
      if (operands.size() % 2 != 0) {
        half.push_back(operands.back());
      }
      operands = half;
    }
    chain.write(operands.front(), top);
    s_->run(chip.index, chain);
    return top;
  }

  void softmax(Chip& chip, std::vector<Head>& heads) {
    s_->set_label(s_->label("softmax"));
    for (Head& head : heads) {
      head.top = maximum(chip, head.scores);
    }
    for (int step = 0, stride = 1; step < g_.rotation_steps(); ++step, stride *= g_.rotation_radix()) {
      for (Head& head : heads) {
        head.top = lane_maximum_step(chip, head.top, stride % g_.lanes());
      }
    }
    for (Head& head : heads) {
      for (int t = 0; t < tiles_; ++t) {
        head.weights.push_back(s_->allocate(chip.index, LaneType::fp16, true, true));
      }
      for (int t = 0; t < tiles_; ++t) {
        VectorChain chain;
        const Operand shifted = chain.apply(AluOp::subtract, chain.from(head.scores[at(t)]),
                                            chain.from(head.top, Hemisphere::west));
        chain.write(chain.apply(AluOp::exponential, shifted), head.weights[at(t)]);
        s_->run(chip.index, chain);
      }
    }
    for (const Hemisphere side : {Hemisphere::east, Hemisphere::west}) {
      std::vector<VectorChain> chains(heads.size());
      std::vector<ArrayPass> passes;
      for (std::size_t h = 0; h < heads.size(); ++h) {
        // On the other side than the head's values are loaded.
        if (attention_side(heads[h].sequence, heads[h].row) == side) {
          continue;
        }
        heads[h].denominator = s_->allocate(chip.index, LaneType::fp32, true, true);
        chains[h].write(chains[h].apply(AluOp::reciprocal, chains[h].from_array(side, 0, LaneType::fp32)),
                        heads[h].denominator);
        for (int t = 0; t < tiles_; ++t) {
          passes.push_back(
              {&heads[h].weights[at(t)], static_cast<int>(h), t > 0, t + 1 == tiles_ ? &chains[h] : nullptr});
        }
      }
      if (!passes.empty()) {
        s_->run_passes({chip.ones[at(static_cast<int>(side))]}, passes);
      }
    }
  }

  Values weighted_sums(Chip& chip, std::vector<Head>& heads) {
    s_->set_label(s_->label("values"));
    for_each_row(heads, [&](int b, int r, std::vector<Head*>& sharing) {
      std::vector<VectorChain> chains(sharing.size());
      for (int t = 0; t < tiles_; ++t) {
        std::vector<ArrayPass> passes;
        for (std::size_t h = 0; h < sharing.size(); ++h) {
          Head& head = *sharing[h];
          if (t + 1 == tiles_) {
            const Hemisphere side = attention_side(b, r);
            const Hemisphere other = side == Hemisphere::east ? Hemisphere::west : Hemisphere::east;
            head.out = s_->allocate(chip.index, LaneType::fp16, true, true);
            const Operand share =
                chains[h].apply(AluOp::multiply, chains[h].from_array(side, 0, LaneType::fp32),
                                chains[h].from(head.denominator, other));
            chains[h].write(
                chains[h].apply(AluOp::multiply, share, chains[h].from(chip.slot_mask[at(head.slot)], other)),
                head.out);
          }
          passes.push_back(
              {&head.weights[at(t)], static_cast<int>(h), t > 0, t + 1 == tiles_ ? &chains[h] : nullptr});
        }
        s_->run_passes({chip.values[at(b)][at(r)][at(t)]}, passes);
      }
    });
    // The slots of a vector side by side: [row x member][sequence].
    Values joined;
    for (int r = 0; r < rows_; ++r) {
      for (int j = 0; j < group_; ++j) {
        joined.emplace_back();
        for (int b = 0; b < shape_.sequences; ++b) {
          joined.back().push_back(s_->allocate(chip.index, linear_type(), true, true));
          VectorChain chain;
          Operand sum;
          for (Head& head : heads) {
            if (head.sequence == b && head.row == r && head.member == j) {
              const Operand part =
                  chain.from(head.out, head.slot % 2 == 0 ? Hemisphere::east : Hemisphere::west);
              sum = sum.is_none() ? part : chain.apply(AluOp::add, sum, part);
            }
          }
          const float scale = shape_.bytes ? 1 / data_.o_step : 1;
          chain.write(chain.apply(AluOp::multiply, sum, VectorChain::constant(scale)), joined.back().back());
          s_->run(chip.index, chain);
        }
      }
    }
    return joined;
  }

  // A matrix whose result is added to the residual stream, by way of a sum over chips where there are
  // several.
  void into_residual(Chip& chip, const Linear& matrix, const Values& x, float activation_step) {
    Values results(at(hidden_vectors()), std::vector<Value>(at(shape_.sequences)));
    const int planes = shape_.bytes ? 4 : 2;
    const float scale = shape_.bytes ? matrix.step * activation_step : 1;
    linear(chip, matrix, x, [&](int round, int b, const std::vector<Operand>& sums, VectorChain& chain) {
      for (std::size_t p = 0; p < sums.size(); ++p) {
        const int vector = round * planes + static_cast<int>(p);
        Value& value = results[at(vector)][at(b)];
        value = s_->allocate(chip.index, LaneType::fp16, true, true);
        const Operand part = chain.apply(AluOp::multiply, sums[p], VectorChain::constant(scale));
        const Hemisphere side = p % 2 == 0 ? Hemisphere::west : Hemisphere::east;
        chain.write(
            chips_ > 1 ? part : chain.apply(AluOp::add, part, chain.from(chip.x[at(vector)][at(b)], side)),
            value);
      }
    });
    (chips_ > 1 ? chip.parts : chip.x) = std::move(results);
  }

  // Sum of a vector's parts on one chip, in the order of the chips, and of the residual stream where it is
  // asked for.
  Value sum_of(int chip, std::vector<const Value*> parts) {
    Value sum = s_->allocate(chip, LaneType::fp16, true, true);
    VectorChain chain;
    Operand total = chain.from(*parts[0]);
    for (std::size_t p = 1; p < parts.size(); ++p) {
      total = chain.apply(AluOp::add, total,
                          chain.from(*parts[p], p % 2 == 0 ? Hemisphere::east : Hemisphere::west));
    }
    chain.write(total, sum);
    s_->run(chip, chain);
    return sum;
  }
  std::vector<std::int32_t> others(int chip) const {
    std::vector<std::int32_t> peers;
    for (int c = 0; c < chips_; ++c) {
      if (c != chip) {
        peers.push_back(c);
      }
    }
    return peers;
  }

  void all_reduce() {
    if (chips_ == 1) {
      return;
    }
    s_->set_label(s_->label("all-reduce"));
    const int vectors = hidden_vectors() * shape_.sequences;
    const bool at_once = all_reduce_at_once(g_, timing_, vectors, chips_);
    for (int v = 0; v < vectors; ++v) {
      const int k = v / shape_.sequences, b = v % shape_.sequences;
      // [from][to]
      std::vector<std::vector<Value>> moved(at(chips_), std::vector<Value>(at(chips_)));
      const auto send = [&](int from, const Value& value, const std::vector<std::int32_t>& to) {
        std::vector<Value> received;
        s_->run_send(value, to, received);
        for (std::size_t i = 0; i < to.size(); ++i) {
          moved[at(from)][at(to[i])] = received[i];
        }
      };
      const auto gathered = [&](int chip, bool with_residual) {
        std::vector<const Value*> parts;
        for (int from = 0; from < chips_; ++from) {
          parts.push_back(from == chip ? &chip_[at(chip)].parts[at(k)][at(b)] : &moved[at(from)][at(chip)]);
        }
        if (with_residual) {
          parts.push_back(&chip_[at(chip)].x[at(k)][at(b)]);
        }
        return sum_of(chip, parts);
      };
      if (at_once) {
        for (int c = 0; c < chips_; ++c) {
          send(c, chip_[at(c)].parts[at(k)][at(b)], others(c));
        }
        for (int c = 0; c < chips_; ++c) {
          chip_[at(c)].x[at(k)][at(b)] = gathered(c, true);
        }
        continue;
      }
      const int owner = v % chips_;
      for (const std::int32_t c : others(owner)) {
        send(c, chip_[at(c)].parts[at(k)][at(b)], {owner});
      }
      const Value sum = gathered(owner, false);
      send(owner, sum, others(owner));
      for (int c = 0; c < chips_; ++c) {
        const Value& whole = c == owner ? sum : moved[at(owner)][at(c)];
        chip_[at(c)].x[at(k)][at(b)] = sum_of(c, {&whole, &chip_[at(c)].x[at(k)][at(b)]});
      }
    }
  }

  void attention_block() {
    for (Chip& chip : chip_) {
      s_->set_label(s_->label("norm"));
      const Values x = norm(chip, chip.attention_gain);
      const Queries queries = project_and_rotate(chip, x);
      const Values heads = attend(chip, queries);
      s_->set_label(s_->label("o"));
      Linear o{&data_.o, shape_.hidden, {}, ranges(0, shape_.hidden), shape_.bytes ? int8_step(data_.o) : 1};
      for (int r = 0; r < rows_; ++r) {
        for (int j = 0; j < group_; ++j) {
          o.in.push_back(head_lanes(chip.index, r, j));
        }
      }
      into_residual(chip, o, heads, data_.o_step);
    }
    all_reduce();
  }

  void feed_forward_block() {
    for (Chip& chip : chip_) {
      s_->set_label(s_->label("norm"));
      const Values x = norm(chip, chip.feed_forward_gain);
      s_->set_label(s_->label("gate_up"));
      const int local = shape_.intermediate / chips_, first = chip.index * local;
      const int vectors = ceil_div(local, g_.lanes());
      // One matrix [gate | up], tiles of both in turn.
      std::vector<float> matrix;
      for (int row = 0; row < shape_.hidden; ++row) {
        for (const std::vector<float>* part : {&data_.gate, &data_.up}) {
          matrix.insert(matrix.end(), part->begin() + row * shape_.intermediate,
                        part->begin() + (row + 1) * shape_.intermediate);
        }
      }
      Linear gate_up{&matrix,
                     2 * shape_.intermediate,
                     ranges(0, shape_.hidden),
                     {},
                     shape_.bytes ? int8_step(matrix) : 1};
      for (int v = 0; v < vectors; ++v) {
        gate_up.out.push_back(range(first, v, local));
        gate_up.out.push_back(range(shape_.intermediate + first, v, local));
      }
      Values hidden(at(vectors), std::vector<Value>(at(shape_.sequences)));
      const float scale = shape_.bytes ? gate_up.step * data_.up_step : 1;
      const float out = shape_.bytes ? 1 / data_.down_step : 1;
      linear(chip, gate_up, x, [&](int round, int b, const std::vector<Operand>& sums, VectorChain& chain) {
        for (std::size_t p = 0; p + 1 < sums.size(); p += 2) {
          const int vector = (round * (shape_.bytes ? 4 : 2) + static_cast<int>(p)) / 2;
          Value& value = hidden[at(vector)][at(b)];
          value = s_->allocate(chip.index, linear_type(), true, true);
          const Operand gate = chain.apply(AluOp::multiply, sums[p], VectorChain::constant(scale));
          const Operand up = chain.apply(AluOp::multiply, sums[p + 1], VectorChain::constant(scale * out));
          const Operand product = chain.apply(AluOp::multiply, gate, up);
          chain.write(chain.apply(AluOp::multiply, product, chain.apply(AluOp::sigmoid, gate)), value);
        }
      });
      s_->set_label(s_->label("down"));
      Linear down{&data_.down, shape_.hidden, ranges(first, local), ranges(0, shape_.hidden),
                  shape_.bytes ? int8_step(data_.down) : 1};
      into_residual(chip, down, hidden, data_.down_step);
    }
    all_reduce();
  }

  const LpuGeometry& g_;
  LinkTiming timing_;
  int chips_;
  const DecoderLayerShape& shape_;
  const DecoderLayerData& data_;
  int local_kv_ = 1, group_ = 1, slots_ = 1, rows_ = 1, tiles_ = 1;
  Schedule schedule_;
  ListScheduler* s_ = nullptr;
  std::vector<Chip> chip_;
};

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
