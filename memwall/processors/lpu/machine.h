// machine.h - chips that execute a schedule cycle by cycle, on real numbers.
//
// In a cycle, first the results that are due reach stream registers, ALU registers and memory banks; then
// every queue dispatches; then the values that were read for the last time leave their streams. No result is
// due in the cycle that made it, so nothing depends on the order of units. There is no arbiter and no stall:
// a missing operand, a second writer of a stream register, a busy link or a bank that is taken ends the run
// with a LpuScheduleError.
//
// Folded, an instruction acts on all lanes in its dispatch cycle; tile by tile, on superlane s in cycle + s,
// as the chip does. Both give the same bytes and the same errors, because everything is late by the same s: a
// test holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "memwall/processors/lpu/schedule.h"

namespace memwall {

struct LpuMachineOptions {
  bool tile_by_tile = false;
  bool wide = true;  // SIMD kernels in the arrays; off: the plain ones
  // A vector reaches the other end of a link up to so many cycles late, by chance of `seed`; the link holds a
  // vector until it is received, and flight_cycles contain `deskew` cycles for that.
  int drift_cycles = 0, deskew_cycles = 4;
  std::uint64_t seed = 1;
};

struct LpuRun {
  std::optional<LpuScheduleError> error;
  std::int64_t cycles = 0;  // until the last result of the southernmost tile has arrived
  std::int64_t instructions = 0, macs = 0;
};

class LpuMachine {
 public:
  // Copies nothing: `schedule`, sorted, outlives the machine.
  LpuMachine(const LpuSchedule& schedule, const LpuMachineOptions& options);
  ~LpuMachine();
  LpuMachine(const LpuMachine&) = delete;
  LpuMachine& operator=(const LpuMachine&) = delete;

  // Writes the schedule's memory image and runs to the end or the first error.
  LpuRun run();
  // The bytes of a vector after the run, one per lane; zeros where nothing was written.
  std::vector<std::uint8_t> memory(const VectorAddress& address) const;

 private:
  class Chips;
  std::unique_ptr<Chips> chips_;
};

}  // namespace memwall
