// machine_state.h - inside of the fast mesh machine: what machine_compile.cpp builds and machine_part.cpp
// runs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "memwall/processors/wafer/machine.h"
#include "memwall/processors/wafer/mesh_parts.h"
#include "memwall/processors/wafer/mesh_queues.h"
#include "memwall/processors/wafer/value_moves.h"

namespace memwall {
namespace mesh {

inline constexpr int kWheel = 1 << 12;  // cycles ahead that timers are sorted for

// One colour of one router.
struct alignas(64) RouterQueue : MeshQueue {
  std::uint8_t input = 0, outputs = 0;                                 // of the current switch position
  bool from_ramp = false;                                              // some position listens to the ramp
  std::array<std::int32_t, kNeighbours> neighbour = {-1, -1, -1, -1};  // its queue in direction d
};
static_assert(sizeof(RouterQueue) == 64);
struct Switch {
  std::vector<SwitchPosition> positions;
  std::size_t position = 0;
};
struct SwitchChange {
  std::int32_t slot = 0;
  SwitchCommand command = SwitchCommand::none;
};

// An instruction with colours replaced by queues.
struct Compiled {
  MemoryOperation operation;
  std::int32_t in = -1, out = -1;  // slot: queue of the core, queue of the router
  std::uint16_t commands = 0;
  std::uint8_t thread = 0;
};
struct Bound {
  std::int32_t slot = 0, begin = 0, end = 0;
};

enum class CoreState : std::uint8_t { idle, setup, compute, fabric, waiting };
struct Thread {
  std::int32_t compiled = -1;
  std::int32_t done = 0;  // values
};
struct Core {
  std::int64_t due = 0;            // setup or compute is over
  std::int32_t next = 0, end = 0;  // of the list that runs
  std::int32_t repeats_left = 0;   // of the start list
  CoreState state = CoreState::idle;
  std::uint8_t busy = 0;  // mask of the threads beside the main one
  bool is_awake = false;
  std::array<Thread, kThreads> threads;
};

// What happens at later cycles; empty between parts.
struct Timers {
  std::vector<std::vector<std::int32_t>> wakes;  // cores, by cycle, modulo
  std::vector<std::vector<std::pair<std::int64_t, std::int32_t>>> wheel;
  std::int64_t timers = 0, waking = 0;
};

// A part of the mesh that no wavelet enters or leaves, cycle by cycle; and its copies: parts of the same
// shape and program elsewhere, which do the same in the same cycles to their own values. Cores are numbered
// within the part. Slots of a core are consecutive, in order of colour; a slot has a queue of the router and
// one of the core.
struct Part {
  MeshMachineTiming timing;
  int count = 0, memory_values = 0;
  std::vector<std::int32_t> global;  // of a core: its number on the mesh, ascending
  ValueMoves values;

  std::vector<std::int32_t> first_slot, owner;  // per core, one more at the end; per slot
  std::vector<RouterQueue> router_queues;
  std::vector<MeshQueue> core_queues;
  std::vector<Switch> switches;

  std::vector<Compiled> code;
  std::vector<std::int32_t> start, start_end, first_bound;  // per core
  std::vector<Bound> bound;
  std::vector<Core> cores;

  std::vector<std::uint32_t> router_work;  // mask of a core's slots whose router queue holds wavelets
  std::vector<std::int32_t> routers, new_routers, awake;
  std::vector<SwitchChange> changes;
  Timers* timers = nullptr;
  std::uint16_t* memory = nullptr;  // of the mesh

  std::int64_t now = 0;
  MeshResult result;  // of one copy

  // `locals`: of a core on the mesh, its number in its part.
  Part(const MeshProgram& program, const MeshMachineTiming& machine_timing, const SamePart& same,
       const std::vector<std::int32_t>& locals);
  void compile_routes(const MeshProgram& program, const std::vector<std::int32_t>& locals);
  void compile_code(const MeshProgram& program);
  void compile_list(const CoreProgram& program, int core, const std::vector<Instruction>& list);

  void wake(std::int32_t core) {
    if (!cores[core].is_awake) {
      cores[core].is_awake = true;
      awake.push_back(core);
    }
  }
  void wake_in(int cycles, std::int32_t core) {
    timers->wakes[(now + cycles) % static_cast<std::int64_t>(timers->wakes.size())].push_back(core);
    ++timers->waking;
  }
  void set_timer(std::int64_t due, std::int32_t core) {
    timers->wheel[std::min(due, now + kWheel - 1) % kWheel].emplace_back(due, core);
    ++timers->timers;
  }
  void send_to_router(std::int32_t slot, std::uint32_t word, bool is_control, int delay) {
    router_queues[slot].push(word, is_control, delay, now);
    const std::int32_t core = owner[slot];
    if (router_work[core] == 0) {
      new_routers.push_back(core);
    }
    router_work[core] |= 1U << (slot - first_slot[core]);
  }

  // To the end, on the mesh's memory.
  void run(Timers& shared, std::uint16_t* mesh_memory);
  void flush_values();
  void start_cycle();
  bool router_can(std::int32_t slot) const;
  void step_router(std::int32_t core);
  void step_routers();
  void fetch_router(std::size_t i) const;
  void fetch_core(std::size_t i) const;
  void step_cores();
  bool can_beat(const Compiled& compiled) const;
  bool beat(const Compiled& compiled, std::int32_t core, Thread& thread);
  void begin(Core& core, std::int32_t at, bool stolen, bool is_first);
  bool run_main(std::int32_t at, bool beaten, bool& again);
  bool step_core(std::int32_t at);
  void turn_switches();
  std::int64_t next_cycle() const;
  // What the first core that is not done waits for; nothing when all are.
  std::string_view unfinished(int& core) const;
};

}  // namespace mesh

struct MeshMachine::State {
  int columns = 0, count = 0, memory_values = 0;
  std::vector<std::uint16_t> memory;
  std::vector<mesh::Part> parts;
  mesh::Timers timers;

  State(const MeshProgram& program, const MeshMachineTiming& timing);
};

}  // namespace memwall
