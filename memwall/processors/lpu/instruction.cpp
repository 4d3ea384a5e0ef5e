#include "memwall/processors/lpu/instruction.h"

#include <array>

#include <fmt/format.h>

namespace memwall {
namespace {

constexpr int kMatrixQueues = 4;  // per plane
constexpr std::array<const char*, kMatrixQueues> kMatrixQueueNames = {"install", "load", "pass",
                                                                      "accumulate"};
constexpr int kLinksPerSide = 8;

struct QueueBases {
  int mem, vxm, mxm, sxm, c2c, end;
};
QueueBases bases(const LpuGeometry& g) {
  QueueBases b{};
  b.vxm = b.mem + 2 * g.mem_slices;
  b.mxm = b.vxm + g.alus;
  b.sxm = b.mxm + LpuGeometry::kPlanes * kMatrixQueues;
  b.c2c = b.sxm + 2 * g.switch_units;
  b.end = b.c2c + 2 * kLinksPerSide;
  return b;
}

const char* side_name(int side) { return side == 0 ? "W" : "E"; }

const char* alu_name(AluOp op) {
  switch (op) {
    case AluOp::copy:
      return "copy";
    case AluOp::add:
      return "add";
    case AluOp::subtract:
      return "sub";
    case AluOp::multiply:
      return "mul";
    case AluOp::maximum:
      return "max";
    case AluOp::exponential:
      return "exp";
    case AluOp::sigmoid:
      return "sigmoid";
    case AluOp::inverse_root:
      return "rsqrt";
    case AluOp::reciprocal:
      return "recip";
  }
  return "";
}

std::string input_text(const AluInput& input) {
  switch (input.kind) {
    case AluInput::Kind::none:
      return "";
    case AluInput::Kind::streams:
      return fmt::format(" {}:{}{}", to_text(input.streams), name(input.type), input.keep ? "+" : "");
    case AluInput::Kind::result:
      return fmt::format(" alu{}", input.alu);
    case AluInput::Kind::constant:
      return fmt::format(" {:g}", input.value);
  }
  return "";
}

std::string arrow(const StreamRange& out) { return out.count == 0 ? "" : " -> " + to_text(out); }

}  // namespace

int position(const LpuGeometry& g, const LpuInstruction& instruction) {
  switch (instruction.opcode) {
    case LpuOpcode::read:
    case LpuOpcode::write:
      return g.at(instruction.side, instruction.unit);
    case LpuOpcode::alu:
      return g.vxm();
    case LpuOpcode::load:
    case LpuOpcode::install:
    case LpuOpcode::pass:
    case LpuOpcode::accumulate:
      return g.at(instruction.side, g.mxm_distance());
    case LpuOpcode::permute:
      return g.at(instruction.side, g.sxm_distance());
    case LpuOpcode::send:
    case LpuOpcode::receive:
      return g.at(instruction.side, g.c2c_distance());
  }
  return 0;
}

int queue_count(const LpuGeometry& g) { return bases(g).end; }

int queue_of(const LpuGeometry& g, const LpuInstruction& instruction) {
  const QueueBases b = bases(g);
  const int side = instruction.side == Hemisphere::west ? 0 : 1;
  const auto matrix = [&](int kind) {
    return b.mxm + ((side * LpuGeometry::kPlanesPerHemisphere + instruction.unit) * kMatrixQueues) + kind;
  };
  switch (instruction.opcode) {
    case LpuOpcode::read:
    case LpuOpcode::write:
      return b.mem + side * g.mem_slices + instruction.unit - 1;
    case LpuOpcode::alu:
      return b.vxm + instruction.unit;
    case LpuOpcode::install:
      return matrix(0);
    case LpuOpcode::load:
      return matrix(1);
    case LpuOpcode::pass:
      return matrix(2);
    case LpuOpcode::accumulate:
      return matrix(3);
    case LpuOpcode::permute:
      return b.sxm + side * g.switch_units + instruction.unit;
    case LpuOpcode::send:
    case LpuOpcode::receive:
      return b.c2c + side * kLinksPerSide + instruction.unit;
  }
  return 0;
}

std::string queue_name(const LpuGeometry& g, int queue) {
  const QueueBases b = bases(g);
  if (queue < b.vxm) {
    return fmt::format("MEM_{}{}", side_name(queue / g.mem_slices), queue % g.mem_slices + 1);
  }
  if (queue < b.mxm) {
    return fmt::format("VXM {}", queue - b.vxm);
  }
  if (queue < b.sxm) {
    const int plane = (queue - b.mxm) / kMatrixQueues;
    return fmt::format("MXM_{}{} {}", side_name(plane / LpuGeometry::kPlanesPerHemisphere),
                       plane % LpuGeometry::kPlanesPerHemisphere,
                       kMatrixQueueNames[static_cast<std::size_t>((queue - b.mxm) % kMatrixQueues)]);
  }
  if (queue < b.c2c) {
    return fmt::format("SXM_{}{}", side_name((queue - b.sxm) / g.switch_units),
                       (queue - b.sxm) % g.switch_units);
  }
  return fmt::format("C2C_{}{}", side_name((queue - b.c2c) / kLinksPerSide), (queue - b.c2c) % kLinksPerSide);
}

std::string to_text(const StreamRange& streams) {
  if (streams.count == 0) {
    return "-";
  }
  const char* direction = streams.direction == StreamDirection::east ? "E" : "W";
  return streams.count == 1
             ? fmt::format("{}{}", direction, streams.first)
             : fmt::format("{}{}..{}", direction, streams.first, streams.first + streams.count - 1);
}

std::string to_text(const LpuInstruction& i) {
  const std::string in = to_text(i.in) + (i.keep ? "+" : "");
  switch (i.opcode) {
    case LpuOpcode::read:
      return fmt::format("read b{} r{}{}", i.bank, i.row, arrow(i.out));
    case LpuOpcode::write:
      return fmt::format("write {} -> b{} r{}", in, i.bank, i.row);
    case LpuOpcode::alu:
      return fmt::format("{}{}{}{}{}{}", alu_name(i.alu_op), input_text(i.a), input_text(i.b), arrow(i.out),
                         arrow(i.out2), i.out.count > 0 ? ":" + std::string(name(i.type)) : "");
    case LpuOpcode::load:
      return fmt::format("load {} as {} {}", in, name(i.type), i.columns ? "columns" : "rows");
    case LpuOpcode::install:
      return i.is_pair() ? "install pair" : "install";
    case LpuOpcode::pass:
      return fmt::format("pass {}:{}", in, name(i.type));
    case LpuOpcode::accumulate:
      return fmt::format("{} a{}{}", i.adds ? "add" : "set", i.slot, arrow(i.out));
    case LpuOpcode::permute:
      return fmt::format("permute t{} {}{}", i.table, in, arrow(i.out));
    case LpuOpcode::send:
      return fmt::format("send {}", in);
    case LpuOpcode::receive:
      return fmt::format("receive{}", arrow(i.out));
  }
  return "";
}

}  // namespace memwall
