// machine.h - the mesh, cycle by cycle, on fp16 values.
//
// A cycle has two phases: every core and router decides by what stood at its start, then all moves happen.
//   router   per output port one wavelet, of the lowest colour that can go to all its outputs; a queue per
//   colour
//            with back-pressure: nothing enters a full one. One cycle per hop, T_R between core and router.
//   core     one beat: a thread beside the main one if one can go on (lowest first), else the main thread. A
//   beat is
//            one wavelet in, out, or in and out, or `simd` values of memory. An instruction is set up for c_i
//            cycles, a mac takes c_r more per instruction of its loop; a bound task takes c_t to start. Beats
//            of other threads push these cycles back.
// What is not modelled: conflicts of banks (the card's ports suffice for one beat), clock domains, defects.
//
// The machine skips what cannot change anything: routers without wavelets, cores that wait for a wavelet, for
// room or for the end of a mac (whose values are computed at its end), and cycles in which all do. Parts of
// the mesh that no route joins run one after another, and of parts with the same program one is stepped, its
// values moved for all (mesh_parts.h, value_moves.h). PlainMachine (plain_machine.h) ticks everything;
// machine_test.cpp holds both together.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "memwall/processors/wafer/mesh_program.h"

namespace memwall {

struct MeshResult {
  bool finished = false;         // every core has run its instructions and no wavelet is left
  std::string stuck;             // when not: the first core that waits, and for what
  std::int64_t cycles = 0;       // until the last beat
  std::int64_t hops = 0;         // wavelets over links between routers
  std::int64_t beats = 0;        // wavelets into and out of cores, one per beat
  std::int64_t core_cycles = 0;  // simulated: cores times cycles
  std::int64_t steps = 0;  // of routers and cores that were looked at: core_cycles * 2 less what was skipped
                           // and what copies of a part did as it did
  bool operator==(const MeshResult&) const = default;
};

// What cycles follow from, as whole numbers.
struct MeshMachineTiming {
  int ramp = 1, instruction = 0, repeat = 0, task = 0, simd = 1, queue_depth = 4;
};
MeshMachineTiming machine_timing(const WaferCard& card);

class MeshMachine {
 public:
  // REQUIRES: the program passes verify.
  MeshMachine(const MeshProgram& program, const MeshMachineTiming& timing);
  ~MeshMachine();
  MeshMachine(MeshMachine&&) noexcept;

  MeshResult run();
  // Of one core, after the run.
  std::span<const std::uint16_t> memory(int row, int column) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace memwall
