// reservations.h - which queue, bank and stream register is taken in which cycle, while a schedule grows.
//
// Takes are kept in a log, so that a group of instructions that turns out not to fit is taken back as a
// whole.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "memwall/processors/lpu/geometry.h"
#include "memwall/processors/lpu/instruction.h"

namespace memwall {

class Reservations {
 public:
  explicit Reservations(const LpuGeometry& geometry) : geometry_(geometry) {}

  // The queue (and bank) that an instruction dispatches from, in its cycle. False when it is taken.
  bool take(const LpuInstruction& instruction);
  // One stream from `from` in `cycle` to `to`, where it is read last. False when another value is on the way.
  bool take_stream(std::int32_t chip, StreamDirection direction, int stream, int from, std::int64_t cycle,
                   int to);

  std::size_t mark() const { return log_.size(); }
  void undo_to(std::size_t mark);

 private:
  struct Interval {
    std::int16_t low = 0, high = 0;
  };
  struct Entry {
    bool is_stream = false;
    std::uint64_t key = 0;
  };
  bool take_slot(std::uint64_t key);

  const LpuGeometry& geometry_;
  std::unordered_set<std::uint64_t> slots_;
  std::unordered_map<std::uint64_t, std::vector<Interval>> streams_;
  std::vector<Entry> log_;
};

}  // namespace memwall
