// list_scheduler.h - puts groups of instructions at the first cycle in which everything meets.
//
// A group is scheduled as a whole: its reads, transits, unit operations and writes have fixed distances in
// time, and the whole pattern moves to the earliest cycle at which its operands are ready and no queue, bank
// or stream register on any of its ways is taken.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "memwall/processors/lpu/reservations.h"
#include "memwall/processors/lpu/schedule.h"
#include "memwall/processors/lpu/sections.h"
#include "memwall/processors/lpu/vector_chain.h"

namespace memwall {

// Weights or cache of one array: up to `lanes` vectors, vector v in the slice of weight stream v mod
// weight_streams().
struct WeightTile {
  std::int32_t chip = 0;
  Hemisphere side = Hemisphere::east;
  int plane = 0;  // 0 for a pair
  LaneType type = LaneType::fp16;
  bool columns = true;
  int count = 0;          // vectors
  int bank = 0, row = 0;  // of vector 0
  // By byte, first cycle in which the last vector can be read; the others always can.
  std::array<std::int64_t, LaneVector::kMostBytes> last_ready = {};
};

// Where a value is read next. What the VXM reads again goes to the closest place beside it that is free when
// the value comes: the way there and back is short. What a unit at the edge reads may lie anywhere: the
// longer the way out to its slice, the shorter the way on. Such values are dealt over all scratch slices.
enum class NextReader { vxm, edge };

// One activation through the arrays of a group of tiles, and what happens to the results.
struct ArrayPass {
  const LaneVector* operand = nullptr;
  int slot = 0;
  bool adds = false;
  const VectorChain* then = nullptr;  // null: the sums stay in the accumulators
};

class ListScheduler {
 public:
  ListScheduler(LpuSchedule& schedule, const std::vector<LinkEnd>& links);

  int label(const std::string& text);
  void set_label(int label) { label_ = label; }

  // A vector that will be computed, on both sides: in bank 0, constants in bank 1, so that an operand and a
  // constant never need the same bank. `followers` of its kind come right behind it: places beside the VXM
  // take turns in such a row, so that the first can be read while others come, and the last lies closest.
  LaneVector allocate(std::int32_t chip, LaneType type, NextReader reader, std::size_t followers = 0);
  // For a unit at the edge, on the sides asked for.
  LaneVector allocate_on(std::int32_t chip, LaneType type, bool west, bool east);
  // One that is there when the schedule starts; the VXM reads it. Places take turns.
  LaneVector allocate_constant(std::int32_t chip, LaneType type, int bank);
  WeightTile allocate_tile(std::int32_t chip, Hemisphere side, int plane, LaneType type, bool columns,
                           int count, int bank);
  VectorAddress tile_address(const WeightTile& tile, int vector, int byte) const;
  int table(const std::vector<std::int16_t>& lanes);

  void run(std::int32_t chip, const VectorChain& chain);
  // Loads the tiles (one per array, arrays of one chip) while what was installed before is still used,
  // installs them together and passes the operands through all of them.
  void run_passes(const std::vector<WeightTile>& tiles, const std::vector<ArrayPass>& passes);
  // Sends a vector to the same scratch place of other chips: received[i] belongs to peers[i].
  void run_send(const LaneVector& value, const std::vector<std::int32_t>& peers,
                std::vector<LaneVector>& received);

 private:
  struct ArrayState {
    std::int64_t buffer_free = 0;  // the second buffer can be loaded from here
    std::int64_t array_free = 0;   // the next install can happen here
    std::int64_t loaded = 0;       // the second buffer is full
  };
  struct Written {
    LaneVector* value = nullptr;
    Hemisphere side = Hemisphere::east;
    std::size_t plane = 0;
    VectorAddress address;
    std::int64_t ready = 0;
  };
  struct Group {  // of instructions being tried, for the attempt-th time
    unsigned attempt = 0;
    std::vector<LpuInstruction> instructions;
    std::vector<Written> written;
  };

  struct Arrived {  // a chain's source at the VXM: on streams, or in the ALU where it waited
    StreamRange streams;
    int alu = -1;
  };

  ArrayState& array(std::int32_t chip, Hemisphere side, int plane);
  LpuInstruction instruction(std::int32_t chip, LpuOpcode opcode, std::int64_t cycle) const;
  bool add(Group& group, const LpuInstruction& instruction);
  StreamRange take_streams(std::int32_t chip, StreamDirection direction, const std::vector<int>& from,
                           std::int64_t cycle_at_to, int to);
  bool bring(Group& group, const LaneVector& value, Hemisphere side, int to, std::int64_t arrival,
             StreamRange& streams);
  bool add_chain(Group& group, std::int32_t chip, const VectorChain& chain, std::int64_t cycle,
                 const ArrayPass* pass);
  bool add_source(Group& group, std::int32_t chip, const ChainSource& source, std::size_t source_index,
                  std::int64_t arrival, const ArrayPass* pass, Arrived& arrived);
  bool add_value(Group& group, const ChainSource& source, std::size_t source_index, std::int64_t arrival,
                 Arrived& arrived);
  int add_alu(Group& group, LpuInstruction alu);
  bool add_output(Group& group, LpuInstruction& alu, LaneVector& value, std::int64_t cycle);
  bool add_writes(Group& group, LpuInstruction& alu, LaneVector& value, Hemisphere side,
                  const std::vector<VectorAddress>& planes, std::int64_t cycle);
  // A place at a distance of `first` + 1 and on, in the next rows; take_places makes them used.
  std::vector<VectorAddress> places(std::int32_t chip, Hemisphere side, int first, int bytes, int bank);
  std::vector<VectorAddress> take_places(std::int32_t chip, Hemisphere side, int first, int bytes, int bank);
  int& next_row(const VectorAddress& address);
  void undo(Group& group, std::size_t mark, std::size_t instructions, std::size_t written);
  bool add_pass(Group& group, const std::vector<WeightTile>& tiles, const ArrayPass& pass,
                std::int64_t cycle);
  bool add_load(Group& group, const WeightTile& tile, std::int64_t cycle);
  std::int64_t earliest(const VectorChain& chain) const;
  void load(const WeightTile& tile);
  void accept(Group& group);
  template <class Try>
  std::int64_t first_cycle(std::int64_t from, Try&& attempt);

  LpuSchedule& schedule_;
  const LpuGeometry& g_;
  Reservations taken_;
  std::vector<ArrayState> arrays_;              // [chip][side][plane]
  std::vector<int> next_scratch_;               // [chip][side]: for the edge
  std::vector<std::array<int, 5>> next_place_;  // [chip][bank] -> by bytes: of constants beside the VXM
  std::vector<int> scratch_rows_;               // [chip][side][bank][slice]
  std::vector<std::array<int, 2>> tile_rows_;   // [chip][side][plane] -> by bank
  std::vector<std::int64_t> link_free_;         // [chip][link]
  int label_ = 0;
};

}  // namespace memwall
