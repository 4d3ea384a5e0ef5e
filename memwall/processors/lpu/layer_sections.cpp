#include <algorithm>
#include <cmath>
#include <utility>

#include "memwall/processors/lpu/layer_build.h"

namespace memwall {
LayerCompiler::LayerCompiler(const LpuGeometry& geometry, const LinkTiming& timing, int chips,
                             const DecoderLayerShape& shape, const DecoderLayerData& data)
    : g_(geometry), timing_(timing), chips_(chips), shape_(shape), data_(data) {
  schedule_.geometry = geometry;
  schedule_.chips = chips;
  schedule_.wire_cycles = static_cast<std::int32_t>(std::ceil(timing.wire));
  schedule_.flight_cycles = static_cast<std::int32_t>(std::ceil(timing.flight));
  local_kv_ = shape.kv_heads / chips;
  group_ = shape.heads / shape.kv_heads;
  slots_ = std::min(g_.lanes() / shape.head_dim, local_kv_);
  rows_ = vectors_for(local_kv_, slots_);
  tiles_ = vectors_for(shape.context + 1, g_.lanes());
}

CompiledLayer LayerCompiler::compile() {
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
    for (const std::vector<LaneVector>& of_sequences : chip_.front().x) {
      vectors.push_back(of_sequences[at(b)].on(Hemisphere::east).planes);
    }
  }
  compiled.schedule = std::move(schedule_);
  return compiled;
}

std::vector<LinkEnd> LayerCompiler::mesh() const {
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

void LayerCompiler::linear(const Chip& chip, const LaneMatrix& linear, const Values& x,
                           const Epilogue& epilogue) {
  const int planes = shape_.bytes ? LpuGeometry::kPlanes : LpuGeometry::kPlanes / 2;
  const int rounds = vectors_for(static_cast<int>(linear.out.size()), planes);
  const auto place = [&](int p) {
    const bool east = shape_.bytes ? p < LpuGeometry::kPlanesPerHemisphere : p == 0;
    return std::pair(east ? Hemisphere::east : Hemisphere::west, shape_.bytes ? p % 2 : 0);
  };
  for (int r = 0; r < rounds; ++r) {
    const int here = std::min(planes, static_cast<int>(linear.out.size()) - r * planes);
    const bool both = shape_.copies && 2 * here <= planes;
    const auto place_of = [&](int p, int b) { return place(both && b % 2 == 1 ? planes / 2 + p : p); };
    std::vector<VectorChain> chains(at(shape_.sequences));
    for (int b = 0; b < shape_.sequences; ++b) {
      std::vector<Operand> results;
      for (int p = 0; p < here; ++p) {
        const auto [side, plane] = place_of(p, b);
        results.push_back(
            chains[at(b)].from_array(side, plane, shape_.bytes ? LaneType::int32 : LaneType::fp32));
      }
      epilogue(r, b, results, chains[at(b)]);
    }
    for (std::size_t k = 0; k < linear.in.size(); ++k) {
      for (int half = 0; half < (both ? 2 : 1); ++half) {
        std::vector<WeightTile> tiles;
        for (int p = 0; p < here; ++p) {
          const auto [side, plane] = place_of(p, half);
          tiles.push_back(
              weight_tile(chip.index, linear, linear.in[k], linear.out[at(r * planes + p)], side, plane));
        }
        std::vector<ArrayPass> passes;
        for (int b = half; b < shape_.sequences; b += both ? 2 : 1) {
          const bool last = k + 1 == linear.in.size();
          passes.push_back({&x[k][at(b)], b, k > 0, last ? &chains[at(b)] : nullptr});
        }
        if (!passes.empty()) {
          s_->run_passes(tiles, passes);
        }
      }
    }
  }
}

WeightTile LayerCompiler::weight_tile(int chip, const LaneMatrix& linear, const Lanes& in, const Lanes& out,
                                      Hemisphere side, int plane) {
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

std::vector<Lanes> LayerCompiler::ranges(int first, int count) const {
  std::vector<Lanes> all;
  for (int v = 0; v < vectors_for(count, g_.lanes()); ++v) {
    all.push_back(range(first, v, count));
  }
  return all;
}

Values LayerCompiler::norm(const Chip& chip, const std::vector<LaneVector>& gain) {
  const int vectors = hidden_vectors();
  const float root = 1 / std::sqrt(static_cast<float>(shape_.hidden));
  Values squares(at(vectors)), y(at(vectors));
  const auto side_of = [](int b) { return b % 2 == 0 ? Hemisphere::east : Hemisphere::west; };
  for (int b = 0; b < shape_.sequences; ++b) {
    for (int k = 0; k < vectors; ++k) {
      const bool east = side_of(b) == Hemisphere::east;
      squares[at(k)].push_back(s_->allocate_on(chip.index, LaneType::fp16, !east, east));
      VectorChain chain;
      const Operand scaled = chain.apply(AluOp::multiply, chain.from(chip.x[at(k)][at(b)], side_of(b)),
                                         VectorChain::constant(root));
      chain.write(chain.apply(AluOp::multiply, scaled, scaled), squares[at(k)].back());
      s_->run(chip.index, chain);
    }
  }
  std::vector<LaneVector> roots;
  for (int b = 0; b < shape_.sequences; ++b) {
    roots.push_back(s_->allocate(chip.index, LaneType::fp32, NextReader::vxm));
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
      y[at(k)].push_back(s_->allocate(chip.index, linear_type(), NextReader::edge));
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

void LayerCompiler::into_residual(Chip& chip, const LaneMatrix& matrix, const Values& x,
                                  float activation_step) {
  Values results(at(hidden_vectors()), std::vector<LaneVector>(at(shape_.sequences)));
  const int planes = shape_.bytes ? 4 : 2;
  const float scale = shape_.bytes ? matrix.step * activation_step : 1;
  linear(chip, matrix, x, [&](int round, int b, const std::vector<Operand>& sums, VectorChain& chain) {
    for (std::size_t p = 0; p < sums.size(); ++p) {
      const int vector = round * planes + static_cast<int>(p);
      LaneVector& value = results[at(vector)][at(b)];
      value = s_->allocate(chip.index, LaneType::fp16, chips_ > 1 ? NextReader::edge : NextReader::vxm);
      const Operand part = chain.apply(AluOp::multiply, sums[p], VectorChain::constant(scale));
      const Hemisphere side = p % 2 == 0 ? Hemisphere::west : Hemisphere::east;
      chain.write(
          chips_ > 1 ? part : chain.apply(AluOp::add, part, chain.from(chip.x[at(vector)][at(b)], side)),
          value);
    }
  });
  (chips_ > 1 ? chip.parts : chip.x) = std::move(results);
}

LaneVector LayerCompiler::sum_of(int chip, std::vector<const LaneVector*> parts, NextReader reader) {
  LaneVector sum = s_->allocate(chip, LaneType::fp16, reader);
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

std::vector<std::int32_t> LayerCompiler::others(int chip) const {
  std::vector<std::int32_t> peers;
  for (int c = 0; c < chips_; ++c) {
    if (c != chip) {
      peers.push_back(c);
    }
  }
  return peers;
}

void LayerCompiler::all_reduce() {
  if (chips_ == 1) {
    return;
  }
  s_->set_label(s_->label("all-reduce"));
  const int vectors = hidden_vectors() * shape_.sequences;
  const bool at_once = all_reduce_at_once(g_, timing_, vectors, chips_);
  // [vector][from][to]
  std::vector<std::vector<std::vector<LaneVector>>> moved(
      at(vectors), std::vector<std::vector<LaneVector>>(at(chips_), std::vector<LaneVector>(at(chips_))));
  const auto send = [&](int v, int from, const LaneVector& value, const std::vector<std::int32_t>& to) {
    std::vector<LaneVector> received;
    s_->run_send(value, to, received);
    for (std::size_t i = 0; i < to.size(); ++i) {
      moved[at(v)][at(from)][at(to[i])] = received[i];
    }
  };
  const auto part = [&](int chip, int v) -> const LaneVector& {
    return chip_[at(chip)].parts[at(v / shape_.sequences)][at(v % shape_.sequences)];
  };
  const auto residual = [&](int chip, int v) -> LaneVector& {
    return chip_[at(chip)].x[at(v / shape_.sequences)][at(v % shape_.sequences)];
  };
  const auto gathered = [&](int chip, int v, bool with_residual) {
    std::vector<const LaneVector*> parts;
    for (int from = 0; from < chips_; ++from) {
      parts.push_back(from == chip ? &part(chip, v) : &moved[at(v)][at(from)][at(chip)]);
    }
    if (with_residual) {
      parts.push_back(&residual(chip, v));
    }
    return sum_of(chip, parts, with_residual ? NextReader::vxm : NextReader::edge);
  };
  if (at_once) {
    for (int v = 0; v < vectors; ++v) {
      for (int c = 0; c < chips_; ++c) {
        send(v, c, part(c, v), others(c));
      }
    }
    for (int v = 0; v < vectors; ++v) {
      for (int c = 0; c < chips_; ++c) {
        residual(c, v) = gathered(c, v, true);
      }
    }
    return;
  }
  // A link carries vectors in the order in which they are sent: all parts, then all sums.
  for (int v = 0; v < vectors; ++v) {
    for (const std::int32_t c : others(v % chips_)) {
      send(v, c, part(c, v), {v % chips_});
    }
  }
  std::vector<LaneVector> sums;
  for (int v = 0; v < vectors; ++v) {
    sums.push_back(gathered(v % chips_, v, false));
  }
  for (int v = 0; v < vectors; ++v) {
    send(v, v % chips_, sums[at(v)], others(v % chips_));
  }
  for (int v = 0; v < vectors; ++v) {
    for (int c = 0; c < chips_; ++c) {
      const LaneVector& whole = c == v % chips_ ? sums[at(v)] : moved[at(v)][at(v % chips_)][at(c)];
      residual(c, v) = sum_of(c, {&whole, &residual(c, v)}, NextReader::vxm);
    }
  }
}

void LayerCompiler::attention_block() {
  for (Chip& chip : chip_) {
    s_->set_label(s_->label("norm"));
    const Values x = norm(chip, chip.attention_gain);
    const Queries queries = project_and_rotate(chip, x);
    const Values heads = attend(chip, queries);
    s_->set_label(s_->label("o"));
    LaneMatrix o{
        &data_.o, shape_.hidden, {}, ranges(0, shape_.hidden), shape_.bytes ? int8_step(data_.o) : 1};
    for (int r = 0; r < rows_; ++r) {
      for (int j = 0; j < group_; ++j) {
        o.in.push_back(head_lanes(chip.index, r, j));
      }
    }
    into_residual(chip, o, heads, data_.o_step);
  }
  all_reduce();
}

void LayerCompiler::feed_forward_block() {
  for (Chip& chip : chip_) {
    s_->set_label(s_->label("norm"));
    const Values x = norm(chip, chip.feed_forward_gain);
    s_->set_label(s_->label("gate_up"));
    const int local = shape_.intermediate / chips_, first = chip.index * local;
    const int vectors = vectors_for(local, g_.lanes());
    // One matrix [gate | up], tiles of both in turn.
    std::vector<float> matrix;
    for (int row = 0; row < shape_.hidden; ++row) {
      for (const std::vector<float>* part : {&data_.gate, &data_.up}) {
        matrix.insert(matrix.end(), part->begin() + row * shape_.intermediate,
                      part->begin() + (row + 1) * shape_.intermediate);
      }
    }
    LaneMatrix gate_up{
        &matrix, 2 * shape_.intermediate, ranges(0, shape_.hidden), {}, shape_.bytes ? int8_step(matrix) : 1};
    for (int v = 0; v < vectors; ++v) {
      gate_up.out.push_back(range(first, v, local));
      gate_up.out.push_back(range(shape_.intermediate + first, v, local));
    }
    Values hidden(at(vectors), std::vector<LaneVector>(at(shape_.sequences)));
    const float scale = shape_.bytes ? gate_up.step * data_.up_step : 1;
    const float out = shape_.bytes ? 1 / data_.down_step : 1;
    linear(chip, gate_up, x, [&](int round, int b, const std::vector<Operand>& sums, VectorChain& chain) {
      for (std::size_t p = 0; p + 1 < sums.size(); p += 2) {
        const int vector = (round * (shape_.bytes ? 4 : 2) + static_cast<int>(p)) / 2;
        LaneVector& value = hidden[at(vector)][at(b)];
        value = s_->allocate(chip.index, linear_type(), NextReader::edge);
        const Operand gate = chain.apply(AluOp::multiply, sums[p], VectorChain::constant(scale));
        const Operand up = chain.apply(AluOp::multiply, sums[p + 1], VectorChain::constant(scale * out));
        const Operand product = chain.apply(AluOp::multiply, gate, up);
        chain.write(chain.apply(AluOp::multiply, product, chain.apply(AluOp::sigmoid, gate)), value);
      }
    });
    s_->set_label(s_->label("down"));
    LaneMatrix down{&data_.down, shape_.hidden, ranges(first, local), ranges(0, shape_.hidden),
                    shape_.bytes ? int8_step(data_.down) : 1};
    into_residual(chip, down, hidden, data_.down_step);
  }
  all_reduce();
}

}  // namespace memwall
