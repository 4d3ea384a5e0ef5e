// vector_chain.h - what the VXM does to vectors that meet there: a chain of ALU operations with exact
// arrival.
//
// Level l of a chain runs l * alu_delay cycles after its first. An operation takes results of the level
// before; what comes earlier is handed on by copies. Operands from memory can be made to arrive at any level,
// those from an array or a switch arrive at level 0.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "memwall/processors/lpu/instruction.h"
#include "memwall/processors/lpu/schedule.h"

namespace memwall {

// One vector, its bytes in as many slices, on one side or on both.
struct LaneVector {
  static constexpr std::size_t kMostBytes = 4;
  struct Copy {
    std::vector<VectorAddress> planes;                // empty: not on this side
    std::array<std::int64_t, kMostBytes> ready = {};  // by plane: first cycle in which it can be read
  };
  std::int32_t chip = 0;
  LaneType type = LaneType::fp16;
  std::array<Copy, 2> copies;  // by Hemisphere
  bool is_placed = true;       // else the scheduler chooses where it lies when it is made, on both sides,
  int preferred_place = 0;     // of those beside the VXM
  bool is_on(Hemisphere side) const { return !copies[static_cast<std::size_t>(side)].planes.empty(); }
  const Copy& on(Hemisphere side) const { return copies[static_cast<std::size_t>(side)]; }
  Copy& on(Hemisphere side) { return copies[static_cast<std::size_t>(side)]; }
};

struct ChainSource {
  enum class Kind { value, array, permuted };
  Kind kind = Kind::value;
  const LaneVector* value = nullptr;  // value, permuted
  Hemisphere side = Hemisphere::east;
  int unit = 0;  // array: plane; permuted: SXM unit
  LaneType type = LaneType::fp32;
  int table = 0;  // permuted
  int level = 0;
};

struct ChainNode {
  AluOp op = AluOp::copy;
  int level = 0;
  // Exactly one of source, node >= 0, or the constant.
  struct Operand {
    int source = -1, node = -1;
    bool is_constant = false;
    float constant = 0;
    bool is_none() const { return source < 0 && node < 0 && !is_constant; }
  };
  Operand a, b;
};

struct ChainOutput {
  int node = 0;
  LaneVector* value = nullptr;  // its planes are where to write; ready is set when the chain is scheduled
};

class VectorChain {
 public:
  using Operand = ChainNode::Operand;

  Operand from(const LaneVector& value, Hemisphere preferred = Hemisphere::east);
  Operand from_array(Hemisphere side, int plane, LaneType type);
  Operand permuted(const LaneVector& value, Hemisphere side, int unit, int table);
  static Operand constant(float value);
  Operand apply(AluOp op, Operand a, Operand b = {});
  void write(Operand node, LaneVector& value);

  const std::vector<ChainSource>& sources() const { return sources_; }
  const std::vector<ChainNode>& nodes() const { return nodes_; }
  const std::vector<ChainOutput>& outputs() const { return outputs_; }

 private:
  int level_of(const Operand& operand) const;
  Operand raised(Operand operand, int level);

  std::vector<ChainSource> sources_;
  std::vector<ChainNode> nodes_;
  std::vector<ChainOutput> outputs_;
};

}  // namespace memwall
