// layer_build.h - the state of one compilation of a decoder layer (layer_compiler.h); internal to that.
//
// Sections in layer_sections.cpp, attention in layer_attention.cpp, the memory that a schedule starts from in
// layer_memory.cpp.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "memwall/processors/lpu/layer_compiler.h"
#include "memwall/processors/lpu/list_scheduler.h"

namespace memwall {

using Operand = VectorChain::Operand;
using Values = std::vector<std::vector<LaneVector>>;  // [vector of lanes][sequence]

inline int vectors_for(int amount, int lanes) { return (amount + lanes - 1) / lanes; }
inline std::size_t at(int i) { return static_cast<std::size_t>(i); }

// Which rows and columns of a matrix stand in which lanes; -1: none.
using Lanes = std::vector<int>;
struct LaneMatrix {
  const std::vector<float>* matrix = nullptr;
  int columns = 0;  // of the matrix
  std::vector<Lanes> in, out;
  float step = 1;  // of an int8 weight
};

class LayerCompiler {
 public:
  LayerCompiler(const LpuGeometry& geometry, const LinkTiming& timing, int chips,
                const DecoderLayerShape& shape, const DecoderLayerData& data);

  CompiledLayer compile();

 private:
  struct Chip {
    int index = 0;
    Values x;                      // the residual stream
    std::vector<WeightTile> ones;  // by side
    std::vector<LaneVector> attention_gain, feed_forward_gain;
    std::vector<LaneVector> query_cos, query_sin, slot_mask;  // by slot
    LaneVector key_cos, key_sin, tail_mask, no_mask;
    std::vector<std::vector<std::vector<WeightTile>>> keys, values;  // [sequence][row][tile]
    Values parts;                                                    // of a sum over chips
  };

  // Everybody linked with everybody: chip a reaches b by link b, less one beyond itself.
  std::vector<LinkEnd> mesh() const;

  LaneType linear_type() const { return shape_.bytes ? LaneType::int8 : LaneType::fp16; }
  int hidden_vectors() const { return vectors_for(shape_.hidden, g_.lanes()); }

  // Memory that the schedule starts from.
  void put(const std::vector<VectorAddress>& planes, LaneType type, const std::vector<float>& lanes);
  LaneVector constant(int chip, LaneType type, const std::vector<float>& lanes, int bank = 1);
  void put_tile(const WeightTile& tile, int vector, const std::vector<float>& lanes);
  std::vector<float> lanes_of(const std::function<float(int)>& value) const;

  int kv_head(int chip, int row, int slot) const {  // -1 when the row has fewer
    const int local = row * slots_ + slot;
    return local < local_kv_ ? chip * local_kv_ + local : -1;
  }
  int slot_of(int lane) const { return lane / shape_.head_dim; }

  Chip prepare(int c);

  void prepare_cache(const Chip& chip, std::vector<std::vector<std::vector<WeightTile>>>& tiles,
                     const std::vector<float>& cache, bool columns);

  Hemisphere attention_side(int sequence, int row) const;

  using Epilogue =
      std::function<void(int round, int sequence, const std::vector<Operand>& results, VectorChain& chain)>;

  void linear(const Chip& chip, const LaneMatrix& linear, const Values& x, const Epilogue& epilogue);

  WeightTile weight_tile(int chip, const LaneMatrix& linear, const Lanes& in, const Lanes& out,
                         Hemisphere side, int plane);

  Lanes range(int first, int vector, int count) const {  // lanes of a contiguous range of rows or columns
    Lanes lanes;
    for (int l = 0; l < g_.lanes(); ++l) {
      const int i = vector * g_.lanes() + l;
      lanes.push_back(i < count ? first + i : -1);
    }
    return lanes;
  }
  std::vector<Lanes> ranges(int first, int count) const;
  Lanes head_lanes(int chip, int row, int member) const {  // member of the group of each slot's KV head
    Lanes lanes;
    for (int l = 0; l < g_.lanes(); ++l) {
      const int head = slot_of(l) < slots_ ? kv_head(chip, row, slot_of(l)) : -1;
      lanes.push_back(head < 0 ? -1 : (head * group_ + member) * shape_.head_dim + l % shape_.head_dim);
    }
    return lanes;
  }

  Values norm(const Chip& chip, const std::vector<LaneVector>& gain);

  // q rotated, scaled and alone in its slot: [row][member][slot][sequence].
  using Queries = std::vector<std::vector<std::vector<std::vector<LaneVector>>>>;

  Queries project_and_rotate(Chip& chip, const Values& x);

  // The place of the new token in its tile of the cache.
  LaneVector cache_entry(const WeightTile& tile) const;

  // One head of one sequence.
  struct Head {
    int sequence = 0, row = 0, member = 0, slot = 0;
    std::vector<LaneVector> scores, weights;  // by tile
    LaneVector top, denominator, out;
  };

  Values attend(Chip& chip, const Queries& queries);

  // Calls visit with the heads that share one sequence's row of the cache.
  void for_each_row(std::vector<Head>& heads,
                    const std::function<void(int, int, std::vector<Head*>&)>& visit);

  void scores(Chip& chip, const Queries& queries, std::vector<Head>& heads);

  LaneVector maximum(Chip& chip, const std::vector<LaneVector>& values);

  // One step of the reduction over lanes: the largest of as many rotations as there are switch units.
  LaneVector lane_maximum_step(Chip& chip, const LaneVector& value, int stride, NextReader reader,
                               std::size_t followers);

  void softmax(Chip& chip, std::vector<Head>& heads);

  Values weighted_sums(Chip& chip, std::vector<Head>& heads);

  // A matrix whose result is added to the residual stream, by way of a sum over chips where there are
  // several.
  void into_residual(Chip& chip, const LaneMatrix& matrix, const Values& x, float activation_step);

  // Sum of a vector's parts on one chip, in the order of the chips, and of the residual stream where it is
  // asked for.
  LaneVector sum_of(int chip, std::vector<const LaneVector*> parts, NextReader reader);
  std::vector<std::int32_t> others(int chip) const;

  void all_reduce();

  void attention_block();

  void feed_forward_block();

  const LpuGeometry& g_;
  LinkTiming timing_;
  int chips_;
  const DecoderLayerShape& shape_;
  const DecoderLayerData& data_;
  int local_kv_ = 1, group_ = 1, slots_ = 1, rows_ = 1, tiles_ = 1;
  LpuSchedule schedule_;
  ListScheduler* s_ = nullptr;
  std::vector<Chip> chip_;
};

}  // namespace memwall
