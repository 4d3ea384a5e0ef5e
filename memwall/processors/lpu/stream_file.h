// stream_file.h - the stream registers of one chip, at every slice and in both directions.
//
// A value moves one slice per cycle, so position minus cycle (eastward; plus, westward) stays the same while
// it flows. Registers are stored by that number: nothing is copied when time passes.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/lpu/geometry.h"
#include "memwall/processors/lpu/instruction.h"

namespace memwall {

class StreamFile {
 public:
  explicit StreamFile(const LpuGeometry& geometry);

  // Bit s of a mask is tile s. Lanes [begin, end) of `bytes` become the register's value at `position` in
  // `cycle` (of the southernmost tile). False: a value is already there, which flowed in or another unit
  // wrote.
  bool write(StreamDirection direction, int stream, int position, std::int64_t cycle, std::uint32_t tiles,
             int begin, int end, const std::uint8_t* bytes);
  // All lanes of the value at a place, of which those of `tiles` are valid; null when they are not.
  const std::uint8_t* read(StreamDirection direction, int stream, int position, std::int64_t cycle,
                           std::uint32_t tiles) const;
  // Takes the value off its stream. REQUIRES: read() found it.
  void consume(StreamDirection direction, int stream, int position, std::int64_t cycle, std::uint32_t tiles);

 private:
  struct Slot {
    std::int64_t diagonal = 0;
    std::uint32_t valid = 0;
  };
  std::size_t slot_of(StreamDirection direction, int stream, std::int64_t diagonal) const;

  int streams_, lanes_, ring_;
  std::vector<Slot> slots_;          // [direction][stream][ring]
  std::vector<std::uint8_t> bytes_;  // [slot][lane]
};

}  // namespace memwall
