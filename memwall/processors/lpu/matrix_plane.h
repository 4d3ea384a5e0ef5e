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
  MatrixPlane(const LpuGeometry& geometry, bool wide)
      : lanes_(geometry.lanes()),
        lag_(geometry.matrix_delay + geometry.superlanes),
        delay_(geometry.matrix_delay),
        wide_(wide) {}

  // Lanes [begin, end) of the vectors that follow those loaded before; planes[j] holds vector j, for 16-bit
  // types its low byte, and planes[count + j] the high one. False: a load of another type or orientation is
  // not yet installed, or the buffer is full.
  bool load(LaneType type, bool columns, const std::uint8_t* const* planes, int count, int begin, int end,
            bool last);
  // Weights that multiply operand lanes [begin, end) become the array's. False: nothing was loaded.
  bool install(int begin, int end, bool last);
  // Multiplies operand lanes [begin, end); the result is due at `due`. False: no array of this type is
  // installed.
  bool pass(LaneType type, const std::uint8_t* const* planes, int begin, int end, std::int64_t due,
            bool last);
  // The result that is due now, into an accumulator, for result lanes [begin, end): 4 bytes each into planes.
  // False: none is due, or the slot holds a sum of another type.
  bool accumulate(std::int64_t cycle, int slot, bool adds, int begin, int end, std::uint8_t* const* planes);

  std::int64_t last_pass() const { return last_pass_; }  // its cycle
  std::int64_t macs() const { return macs_; }

 private:
  struct Array {
    bool filled = false, columns = true;
    LaneType type = LaneType::int8;
    int count = 0;                   // vectors
    std::vector<std::int8_t> bytes;  // [vector][lane], int8
    std::vector<float> values;       // [vector][lane], other types
  };
  struct Result {
    std::int64_t due = 0;
    bool whole_numbers = false;
    std::vector<std::int32_t> sums;
    std::vector<float> values;
    std::vector<double> partial;  // while tiles are still to come
    bool by_rows = false;
    int count = 0;
  };
  struct Slot {
    bool whole_numbers = false;
    std::vector<std::int32_t> sums;
    std::vector<float> values;
  };

  Result& result_due(std::int64_t due);
  void multiply(const Array& array, int begin, int end, Result& result);
  void finish(Result& result) const;

  int lanes_;
  int lag_;    // cycles after which a result cannot be taken any more
  int delay_;  // from a pass to its result
  bool wide_;  // the SIMD kernels, for whole vectors
  Array loading_, installed_;
  std::deque<Result> results_;
  std::vector<Slot> slots_;
  std::vector<std::int8_t> operand_bytes_;
  std::vector<float> operand_values_;
  std::int64_t macs_ = 0, last_pass_ = -2;
};

}  // namespace memwall
