// instruction.h - what one of the chip's instruction queues dispatches in a cycle.
//
// A chip of v1's shape has 144 queues: one per MEM slice (88; one instruction may hold an access to each
// bank), one per VXM ALU (16), per MXM plane four (load, install, pass, accumulate: 16), four per SXM (8) and
// one per C2C link (16). The paper gives the sum; this division of it is ours.
//
// All cycles are those of the southernmost tile: tile s does the same s cycles later, to operands that are as
// late.
#pragma once

#include <cstdint>
#include <string>

#include "memwall/processors/lpu/geometry.h"
#include "memwall/processors/lpu/lane_type.h"

namespace memwall {

enum class StreamDirection : std::uint8_t { east, west };

// `count` streams of one direction side by side; none when count is 0.
struct StreamRange {
  StreamDirection direction = StreamDirection::east;
  std::int16_t first = 0, count = 0;
  bool operator==(const StreamRange&) const = default;
};

enum class LpuOpcode : std::uint8_t {
  read,     // MEM: bank, row -> out
  write,    // MEM: in -> bank, row
  alu,      // VXM: a, b -> out, out2 (and the ALU's result register)
  load,     // MXM: in -> the next in.count (pair: in.count / 2) vectors of the plane's second buffer
  install,  // MXM: the second buffer becomes the array, an empty one the second buffer; before load and pass
            // of its cycle
  pass,     // MXM: activations in -> a result of the array, matrix_delay later
  accumulate,  // MXM: the result -> accumulator `slot`, overwritten or added to, and out
  permute,     // SXM: lane i of out is lane table[i] of in
  send,        // C2C: in -> link
  receive,     // C2C: link -> out
};

enum class AluOp : std::uint8_t {
  copy,
  add,
  subtract,
  multiply,
  maximum,
  exponential,
  sigmoid,
  inverse_root,
  reciprocal
};

struct AluInput {
  enum class Kind : std::uint8_t { none, streams, result, constant };
  Kind kind = Kind::none;
  LaneType type = LaneType::fp32;  // of streams
  bool keep = false;               // the value flows on behind the VXM
  StreamRange streams;
  std::int16_t alu = 0;  // whose result register
  float value = 0;       // of a constant
};

struct LpuInstruction {
  std::int64_t cycle = 0;
  std::int32_t chip = 0;
  std::int32_t label = 0;  // index into LpuSchedule::labels: what it works for
  LpuOpcode opcode = LpuOpcode::read;
  Hemisphere side = Hemisphere::east;
  std::int16_t unit =
      0;  // MEM: distance from the VXM, from 1; VXM: ALU; MXM: plane; SXM: unit; C2C: link of the side
  std::int16_t bank = 0;
  std::int32_t row = 0;
  StreamRange in, out, out2;
  bool keep = false;               // `in` flows on behind the unit for another reader
  LaneType type = LaneType::fp32;  // alu: of out; load and pass: of weights and activations
  AluOp alu_op = AluOp::copy;
  AluInput a, b;
  bool columns = true;  // load: a vector is what one result lane multiplies, else what one operand lane does
  bool adds = false;    // accumulate: to what the slot holds
  std::int32_t slot = 0;   // accumulate
  std::int32_t table = 0;  // permute: index into LpuSchedule::tables

  // 16-bit operands take both planes of a hemisphere together; `unit` is then 0.
  bool is_pair() const { return type == LaneType::fp16; }
};

int position(const LpuGeometry& geometry, const LpuInstruction& instruction);
int queue_count(const LpuGeometry& geometry);
int queue_of(const LpuGeometry& geometry, const LpuInstruction& instruction);
std::string queue_name(const LpuGeometry& geometry,
                       int queue);                       // "MEM_W12", "VXM 3", "MXM_E0 load", "C2C_W2"
std::string to_text(const StreamRange& streams);         // "E4..7", "-"
std::string to_text(const LpuInstruction& instruction);  // "read b1 r17 -> E4": without cycle and queue

}  // namespace memwall
