// mesh_program.h - a program for the mesh machine: routes of colours, instructions of cores, start values.
//
// Routing. A wavelet carries a colour. For each of its colours a router has 1 to 4 switch positions, each
// with one input port and one or more output ports; it takes wavelets of that colour from that input only,
// and copies them to all outputs at once. A control wavelet carries commands, two bits per router on its way:
// it moves the switch of the router that it leaves.
//
// Cores. An instruction works on a vector in memory, from the fabric or to it; `thread` 0 runs in order,
// others are started and run beside it. A bound task starts when a wavelet of its colour is there and the
// core is free.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "memwall/processors/wafer/card.h"

namespace memwall {

enum class Port : std::uint8_t { north, east, south, west, ramp };
inline constexpr int kPorts = 5, kNeighbours = 4, kMostPositions = 4;
inline constexpr int kThreads = 5;    // of a core: the main one and four beside it
constexpr Port opposite(Port port) {  // of a neighbour's
  return static_cast<Port>((static_cast<int>(port) + 2) % kNeighbours);
}
constexpr std::uint8_t mask(Port port) { return static_cast<std::uint8_t>(1U << static_cast<int>(port)); }

struct SwitchPosition {
  Port input = Port::ramp;
  std::uint8_t outputs = 0;  // mask of ports
  bool operator==(const SwitchPosition&) const = default;
};
struct Route {
  int color = 0;
  std::vector<SwitchPosition> positions;  // the first is where it starts
  bool operator==(const Route&) const = default;
};

// Commands of a control wavelet: the lowest two bits are for the router that it leaves first.
enum class SwitchCommand : std::uint8_t { none, advance, reset };

struct Operand {
  enum class Kind : std::uint8_t { none, memory, fabric };
  Kind kind = Kind::none;
  int where = 0;  // address in values, or colour
  bool operator==(const Operand&) const = default;
};
constexpr Operand in_memory(int address) { return {Operand::Kind::memory, address}; }
constexpr Operand on_fabric(int color) { return {Operand::Kind::fabric, color}; }

struct Instruction {
  // move: to = from. add: to = from + other. mac: to[n][m] += sum over k of from[k][m] * other[k][n], as k *
  // n instructions of length m, memory only. control: a wavelet of `commands` to `to`. wait: for all threads.
  enum class Kind : std::uint8_t { move, add, mac, control, wait };
  Kind kind = Kind::move;
  std::uint8_t thread = 0;
  Operand to = {}, from = {}, other = {};
  int length = 0;              // values; of mac: m
  int columns = 1, depth = 1;  // of mac: n and k
  std::uint16_t commands = 0;
  bool operator==(const Instruction&) const = default;
};

struct BoundTask {
  int color = 0;
  std::vector<Instruction> instructions;
  bool operator==(const BoundTask&) const = default;
};
struct CoreProgram {
  std::vector<Instruction> start;
  int repeat = 1;  // times that `start` runs
  std::vector<BoundTask> bound;
  std::vector<Route> routes;
  bool operator==(const CoreProgram&) const = default;
};

struct MeshProgram {
  int rows = 0, columns = 0;
  int memory_values = 0;              // per core
  std::vector<CoreProgram> cores;     // row-major
  std::vector<std::uint16_t> memory;  // start values, fp16, memory_values per core
  int core(int row, int column) const { return row * columns + column; }
  int count() const { return rows * columns; }
};

// Throws ConfigError, one line that names core and colour: a colour or switch position that the card does not
// have, a colour led into a wall or into a router that does not take it from there, a route that loops, an
// operand outside memory or on a colour without a route to the core, more memory than a core has.
void verify(const MeshProgram& program, const WaferCard& card);

}  // namespace memwall
