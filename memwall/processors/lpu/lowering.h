// lowering.h - a step on LPUs: one task per section of a layer's schedule, one after another.
//
// A section's length in cycles is a closed form (sections.h). Its task demands the SRAM bytes, stream cycles
// and array operations of the section and a delay that fills them up to that length. A pipeline of stages
// serves one batch per stage; tokens of a prefill are cut into chunks that follow one another through it, so
// that a step is a passage of one chunk and a pace, the slowest stage, for every further one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memwall/processors/lpu/card.h"
#include "memwall/processors/lpu/resources.h"
#include "memwall/processors/lpu/sections.h"
#include "memwall/processors/lpu/shard.h"
#include "memwall/processors/processor.h"

namespace memwall {

class LpuModel : public PlacedModel {
 public:
  LpuModel(const Model& model, const LpuCard& card, const Plan& plan);
  void lower(const Step& step, Program& program) const override;
  double batches_in_flight() const override { return plan_.pp; }

 private:
  struct PlacedOp {
    Operator op;
    std::int32_t label = 0;
    double n = 0, k = 0;  // of a Linear on one chip; of attention: of that which makes its queries and keys,
    ArrayMode feeding;    // and its mode
    // Where heads lie side by side (LinearShape), and whether its operand comes from the matrix before.
    double tile_columns = 0, tile_rows = 0;
    bool follows = false;
    double parts = 1;      // gate and up in one
    bool reduces = false;  // its result is a part of a sum over the chips of a stage
  };
  struct PlacedGroup {
    std::string name;
    std::int64_t repeat = 1;
    std::vector<PlacedOp> ops;
  };
  // A step's tokens in equal chunks.
  struct Chunk {
    const Step& step;
    double parts = 1;
    double tokens = 0, sequences = 0;  // of one chunk on one copy
    double share = 1;                  // of the step's work that a chunk on one chip's copy is
  };

  void place_operators(const std::vector<Operator>& operators, std::vector<PlacedOp>& placed);
  void place_heads(const std::vector<Operator>& operators, std::size_t index, PlacedOp& placed) const;
  std::int32_t label(const std::string& text);
  Chunk chunk_of(const Step& step, double parts) const;
  double best_parts(const Step& step, Block& scratch) const;
  double stage_seconds(const Chunk& chunk, Block& scratch) const;

  void add_group(const std::vector<PlacedOp>& ops, const Chunk& chunk, Block& block) const;
  void add_op(const PlacedOp& placed, const Chunk& chunk, Block& block) const;
  void add_linear(const PlacedOp& placed, const Chunk& chunk, Block& block) const;
  // A matrix and, where it makes parts of a sum, their exchange, which hides behind it in part.
  void add_matrix(const PlacedOp& placed, SectionLength length, const ArrayMode& mode,
                  const Emission& emission, double bytes, double macs, const Chunk& chunk,
                  Block& block) const;
  void add_attention(const PlacedOp& placed, const Chunk& chunk, Block& block) const;
  void add_experts(const PlacedOp& placed, const Chunk& chunk, Block& block) const;
  void add_section(std::int32_t label, const SectionLength& length, const ArrayMode& mode, Category category,
                   double bytes, double macs, Block& block) const;
  void add_exchange(std::int32_t label, const ExchangeLength& length, Block& block) const;
  void add_host(std::int32_t label, Block& block) const;
  ArrayMode mode_of(Format weight, Format activation) const;
  double vectors_of(double width) const;

  LpuCard card_;
  Plan plan_;
  bool embeds_ = true;  // a part of a model may begin behind the embedding
  LpuStages stages_;
  LinkTiming links_;
  LpuResources resources_;
  std::vector<std::string> labels_;
  std::vector<PlacedGroup> groups_;
  std::vector<PlacedOp> head_;
  double hidden_ = 0;
  std::int32_t all_reduce_ = 0, hand_over_ = 0, host_ = 0;
};

// One kernel on one chip.
Program lower_lpu_kernel(const KernelOp& op, const LpuCard& card);

}  // namespace memwall
