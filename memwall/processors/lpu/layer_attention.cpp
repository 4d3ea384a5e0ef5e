#include <algorithm>
#include <cmath>
#include <utility>

#include "memwall/processors/lpu/layer_build.h"

namespace memwall {

Hemisphere LayerCompiler::attention_side(int sequence, int row) const {
  return (sequence * rows_ + row) % 2 == 0 ? Hemisphere::east : Hemisphere::west;
}

LayerCompiler::Queries LayerCompiler::project_and_rotate(Chip& chip, const Values& x) {
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
  LaneMatrix qkv{&matrix, q_width + 2 * kv_width, ranges(0, shape_.hidden), {}, 1};
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
  Values raw(qkv.out.size(), std::vector<LaneVector>(at(shape_.sequences)));
  s_->set_label(s_->label("qkv"));
  linear(chip, qkv, x, [&](int round, int b, const std::vector<Operand>& results, VectorChain& chain) {
    const int planes = shape_.bytes ? 4 : 2;
    for (std::size_t p = 0; p < results.size(); ++p) {
      const int tile = round * planes + static_cast<int>(p), row = tile / per_row;
      LaneVector& value = raw[at(tile)][at(b)];
      value = tile % per_row == group_ + 1 ? cache_entry(chip.values[at(b)][at(row)].back())
                                           : s_->allocate(c, LaneType::fp16, NextReader::edge);
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
  const auto rotate = [&](const LaneVector& in, const LaneVector& cosine, const LaneVector& sine,
                          LaneVector& out) {
    const Hemisphere side = turn % 2 == 0 ? Hemisphere::east : Hemisphere::west;
    const Hemisphere other = turn % 2 == 0 ? Hemisphere::west : Hemisphere::east;
    VectorChain chain;
    const Operand straight = chain.apply(AluOp::multiply, chain.from(in, other), chain.from(cosine, other));
    const Operand crossed = chain.apply(
        AluOp::multiply, chain.permuted(in, side, turn / 2 % g_.switch_units, table), chain.from(sine, side));
    chain.write(chain.apply(AluOp::add, straight, crossed), out);
    s_->run(c, chain);
    ++turn;
  };
  Queries queries;
  for (int r = 0; r < rows_; ++r) {
    for (int b = 0; b < shape_.sequences; ++b) {
      WeightTile& last = chip.keys[at(b)][at(r)].back();
      LaneVector key = cache_entry(last);
      rotate(raw[at(r * per_row + group_)][at(b)], chip.key_cos, chip.key_sin, key);
      last.last_ready = key.on(last.side).ready;
      WeightTile& values = chip.values[at(b)][at(r)].back();
      values.last_ready = raw[at(r * per_row + group_ + 1)][at(b)].on(values.side).ready;
    }
    queries.emplace_back(at(group_), std::vector<std::vector<LaneVector>>(at(slots_)));
    for (int j = 0; j < group_; ++j) {
      for (int s = 0; s < slots_; ++s) {
        for (int b = 0; b < shape_.sequences; ++b) {
          LaneVector q = s_->allocate(c, LaneType::fp16, NextReader::edge);
          rotate(raw[at(r * per_row + j)][at(b)], chip.query_cos[at(s)], chip.query_sin[at(s)], q);
          queries[at(r)][at(j)][at(s)].push_back(q);
        }
      }
    }
  }
  return queries;
}

LaneVector LayerCompiler::cache_entry(const WeightTile& tile) const {
  LaneVector value;
  value.chip = tile.chip;
  value.type = tile.type;
  for (int b = 0; b < width(tile.type); ++b) {
    value.on(tile.side).planes.push_back(s_->tile_address(tile, tile.count - 1, b));
  }
  return value;
}

Values LayerCompiler::attend(Chip& chip, const Queries& queries) {
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

void LayerCompiler::for_each_row(std::vector<Head>& heads,
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

void LayerCompiler::scores(Chip& chip, const Queries& queries, std::vector<Head>& heads) {
  s_->set_label(s_->label("scores"));
  for (int t = 0; t < tiles_; ++t) {
    for_each_row(heads, [&](int b, int r, std::vector<Head*>& sharing) {
      std::vector<VectorChain> chains(sharing.size());
      std::vector<ArrayPass> passes;
      for (std::size_t h = 0; h < sharing.size(); ++h) {
        Head& head = *sharing[h];
        head.scores.reserve(at(tiles_));
        head.scores.push_back(s_->allocate(chip.index, LaneType::fp32, NextReader::edge));
        const Hemisphere side = attention_side(b, r);
        const Hemisphere other = side == Hemisphere::east ? Hemisphere::west : Hemisphere::east;
        chains[h].write(
            chains[h].apply(AluOp::add, chains[h].from_array(side, 0, LaneType::fp32),
                            chains[h].from(t + 1 == tiles_ ? chip.tail_mask : chip.no_mask, other)),
            head.scores.back());
        passes.push_back(
            {&queries[at(r)][at(head.member)][at(head.slot)][at(b)], static_cast<int>(h), false, &chains[h]});
      }
      s_->run_passes({chip.keys[at(b)][at(r)][at(t)]}, passes);
    });
  }
}

LaneVector LayerCompiler::maximum(Chip& chip, const std::vector<LaneVector>& values) {
  if (values.size() == 1) {
    return values.front();
  }
  LaneVector top = s_->allocate(chip.index, LaneType::fp32, NextReader::edge);
  VectorChain chain;
  Operand most = chain.apply(AluOp::maximum, chain.from(values[0]), chain.from(values[1], Hemisphere::west));
  for (std::size_t t = 2; t < values.size(); ++t) {
    most = chain.apply(AluOp::maximum, most,
                       chain.from(values[t], t % 2 == 0 ? Hemisphere::east : Hemisphere::west));
  }
  chain.write(most, top);
  s_->run(chip.index, chain);
  return top;
}

LaneVector LayerCompiler::lane_maximum_step(Chip& chip, const LaneVector& value, int stride,
                                            NextReader reader, std::size_t followers) {
  LaneVector top = s_->allocate(chip.index, LaneType::fp32, reader, followers);
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

void LayerCompiler::softmax(Chip& chip, std::vector<Head>& heads) {
  s_->set_label(s_->label("softmax"));
  for (Head& head : heads) {
    head.top = maximum(chip, head.scores);
  }
  for (int step = 0, stride = 1; step < g_.rotation_steps(); ++step, stride *= g_.rotation_radix()) {
    const NextReader reader = step + 1 < g_.rotation_steps() ? NextReader::edge : NextReader::vxm;
    for (std::size_t h = 0; h < heads.size(); ++h) {
      heads[h].top = lane_maximum_step(chip, heads[h].top, stride % g_.lanes(), reader, heads.size() - 1 - h);
    }
  }
  for (Head& head : heads) {
    for (int t = 0; t < tiles_; ++t) {
      head.weights.push_back(s_->allocate(chip.index, LaneType::fp16, NextReader::edge));
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
      heads[h].denominator = s_->allocate(chip.index, LaneType::fp32, NextReader::vxm, heads.size() - 1 - h);
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

Values LayerCompiler::weighted_sums(Chip& chip, std::vector<Head>& heads) {
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
          head.out = s_->allocate(chip.index, LaneType::fp16, NextReader::vxm, sharing.size() - 1 - h);
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
        joined.back().push_back(s_->allocate(chip.index, linear_type(), NextReader::edge));
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

}  // namespace memwall
