// line_programs.h - collectives as programs of the mesh machine: what mesh_cost.h has in closed form,
// executed.
//
// Every function adds to all rows (Axis::rows: lines run east) or all columns (lines run south) of a mesh at
// once, to what its cores do already. `address` is a vector of `values` in each core's memory.
#pragma once

#include <vector>

#include "memwall/processors/wafer/mesh_program.h"

namespace memwall {

enum class Axis { rows, columns };

class MeshBuilder {
 public:
  MeshBuilder(int rows, int columns, int memory_values);

  int length(Axis axis) const { return axis == Axis::rows ? program_.columns : program_.rows; }
  int lines(Axis axis) const { return axis == Axis::rows ? program_.rows : program_.columns; }
  int core(Axis axis, int line, int index) const {
    return axis == Axis::rows ? program_.core(line, index) : program_.core(index, line);
  }
  MeshProgram& program() { return program_; }
  void add(int core, Instruction instruction) {
    program_.cores[core].start.push_back(std::move(instruction));
  }

  // A colour that no router from `from` to `to` of a line has a route for yet, routed from one core to the
  // other.
  int connect(Axis axis, int line, int from, int to);
  // From `root` to every core of the line.
  int spread(Axis axis, int line, int root);
  void send(int core, int color, int address, int values, std::uint8_t thread = 0);
  void receive(int core, int color, int address, int values, std::uint8_t thread = 0);
  // address += what arrives; and the same, handed on instead of kept.
  void accumulate(int core, int color, int address, int values);
  void accumulate_on(int core, int from_color, int to_color, int address, int values);

 private:
  int free_color(Axis axis, int line, int first, int last) const;
  void route(int core, int color, Port input, std::uint8_t outputs);
  MeshProgram program_;
};

void broadcast(MeshBuilder& builder, Axis axis, int root, int address, int values);
// Sums end at the first core of the line; returns where they end for the K-tree.
void chain_reduce(MeshBuilder& builder, Axis axis, int address, int values);
void tree_reduce(MeshBuilder& builder, Axis axis, int address, int values);
void two_phase_reduce(MeshBuilder& builder, Axis axis, int group, int address, int values);
int ktree_reduce(MeshBuilder& builder, Axis axis, int levels, int address, int values);
void all_reduce_chain(MeshBuilder& builder, Axis axis, int address, int values);
void all_reduce_ktree(MeshBuilder& builder, Axis axis, int levels, int address, int values);
// Each core in turn sends its vector to those after it, on one colour: switches turn from listening to
// sending. Core i receives the vectors of cores 0 to i - 1 at address + values, + 2 values, ...
void take_turns(MeshBuilder& builder, Axis axis, int address, int values);

// Neighbours of the ring that is folded onto a line of n: 0 2 4 ... 5 3 1, at most two hops apart.
std::vector<int> folded_ring(int n);
// Colours of one step along it, per line index: where a core sends to the one before it, and hears of the one
// after.
struct RingColors {
  std::vector<int> send, receive;
};
RingColors ring_colors(MeshBuilder& builder, Axis axis, int line);
// Every core's vector moves to the one before it in the ring: from `address` to `arrival`.
void cyclic_shift(MeshBuilder& builder, Axis axis, int address, int arrival, int values);

// Rows of the cache move up by one: a bound task takes what comes from below. From `address` to `arrival`.
void kv_shift(MeshBuilder& builder, int address, int arrival, int values);

}  // namespace memwall
