// matrix_plane.h - one MXM array (or a pair of them) with its second weight buffer, results in flight and
// accumulators.
//
// lanes x lanes weights. A load fills the second buffer vector by vector, from the first; what a load did not
// fill is zero. Accumulators add in int32 or fp32, one rounding per tile.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "memwall/processors/lpu/geometry.h"
#include "memwall/processors/lpu/lane_type.h"

namespace memwall {

class MatrixPlane {
 public:
  // `tiles`: how many parts of an instruction act one after another; 1 when all lanes act together. Every
  // part does the same instructions in the same order, the last one latest.
  MatrixPlane(const LpuGeometry& geometry, bool wide, int tiles);

  // Lanes of `tile` of the vectors that follow those loaded before; planes[j] holds vector j, for 16-bit
  // types its low byte, and planes[count + j] the high one. False: a load of another type or orientation is
  // not yet installed, or the buffer is full.
  bool load(LaneType type, bool columns, const std::uint8_t* const* planes, int count, int tile);
  bool install(int tile);  // false: nothing was loaded
  // The result is due at `due`. False: no array of this type is installed.
  bool pass(LaneType type, const std::uint8_t* const* planes, std::int64_t due, int tile);
  // The result that is due now, into an accumulator, for result lanes of `tile`: 4 bytes each into planes.
  // False: none is due, or the slot holds a sum of another type.
  bool accumulate(std::int64_t cycle, int slot, bool adds, std::uint8_t* const* planes, int tile);

  std::int64_t last_pass() const { return last_pass_; }  // its cycle
  std::int64_t macs() const { return macs_; }

 private:
  struct Array {
    bool columns = true;
    LaneType type = LaneType::int8;
    int count = 0;                   // vectors
    std::vector<std::int8_t> bytes;  // [vector][lane], int8
    std::vector<float> values;       // [vector][lane], other types
  };
  struct Result {
    std::int64_t due = 0;
    bool whole_numbers = false;
    std::vector<std::int8_t> operand_bytes;
    std::vector<float> operand_values;
    std::vector<std::int32_t> sums;
    std::vector<float> values;
  };
  struct Slot {
    bool whole_numbers = false;
    std::vector<std::int32_t> sums;
    std::vector<float> values;
  };
  // What one tile sees: which array it loads, how far, and which is installed.
  struct TileState {
    std::int64_t loading = 0, installed = -1;
    int count = 0;
  };

  Array& array(std::int64_t number) { return arrays_[static_cast<std::size_t>(number - first_array_)]; }
  Result& result_due(std::int64_t due);
  void multiply(const Array& array, Result& result) const;
  int begin(int tile) const { return tile * lanes_ / tiles_; }
  int end(int tile) const { return (tile + 1) * lanes_ / tiles_; }

  int lanes_;
  int lag_;    // cycles after which a result cannot be taken any more
  int delay_;  // from a pass to its result
  bool wide_;  // the SIMD kernels
  int tiles_;
  std::deque<Array> arrays_;  // from the oldest that some tile has installed
  std::int64_t first_array_ = 0;
  std::vector<Array> spare_;
  std::vector<TileState> states_;  // by tile
  std::deque<Result> results_;
  std::vector<Slot> slots_;
  std::int64_t macs_ = 0, last_pass_ = -2;
};

}  // namespace memwall
