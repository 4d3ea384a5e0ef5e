#include "memwall/processors/wafer/machine.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "memwall/processors/wafer/half.h"
#include "memwall/processors/wafer/mac_kernel.h"
#include "memwall/processors/wafer/mesh_queues.h"

namespace memwall {
namespace {

constexpr int kValuesPerWavelet = 2, kBitsPerValue = 16;
constexpr int kCommandBits = 2, kCommandMask = 3;
constexpr int kWheel = 1 << 12;  // cycles ahead that timers are sorted for
constexpr int kSpanBits = 16;    // of the times in queues
constexpr int kSortPeriod = 32;  // cycles

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

int local_rank(const std::vector<Route>& routes, int color) {
  return static_cast<int>(
      std::count_if(routes.begin(), routes.end(), [&](const Route& route) { return route.color < color; }));
}

}  // namespace

MachineTiming machine_timing(const WaferCard& card) {
  return {static_cast<int>(card.ramp_cycles),
          static_cast<int>(card.instruction_cycles),
          static_cast<int>(card.repeat_cycles),
          static_cast<int>(card.task_cycles),
          card.simd,
          card.queue_depth};
}

// Slots of a core are consecutive, in order of colour; a slot has a queue of the router and one of the core.
struct MeshMachine::State {
  MachineTiming timing;
  int columns = 0, count = 0, memory_values = 0;
  std::vector<std::uint16_t> memory;

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
  std::vector<std::vector<std::int32_t>> wakes;  // cores, by cycle, modulo
  std::vector<std::vector<std::pair<std::int64_t, std::int32_t>>> wheel;
  std::vector<SwitchChange> changes;
  std::int64_t timers = 0, waking = 0;

  std::int64_t now = 0;
  MachineResult result;

  State(const MeshProgram& program, const MachineTiming& machine_timing);
  void compile_routes(const MeshProgram& program);
  void compile_code(const MeshProgram& program);
  void compile_list(const MeshProgram& program, int core, const std::vector<Instruction>& list);

  void wake(std::int32_t core) {
    if (!cores[core].is_awake) {
      cores[core].is_awake = true;
      awake.push_back(core);
    }
  }
  void wake_in(int cycles, std::int32_t core) {
    wakes[(now + cycles) % static_cast<std::int64_t>(wakes.size())].push_back(core);
    ++waking;
  }
  void set_timer(std::int64_t due, std::int32_t core) {
    wheel[std::min(due, now + kWheel - 1) % kWheel].emplace_back(due, core);
    ++timers;
  }
  void send_to_router(std::int32_t slot, std::uint32_t word, bool is_control, int delay) {
    router_queues[slot].push(word, is_control, delay, now);
    const std::int32_t core = owner[slot];
    if (router_work[core] == 0) {
      new_routers.push_back(core);
    }
    router_work[core] |= 1U << (slot - first_slot[core]);
  }

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
  void finish();
};

MeshMachine::State::State(const MeshProgram& program, const MachineTiming& machine_timing)
    : timing(machine_timing),
      columns(program.columns),
      count(program.count()),
      memory_values(program.memory_values),
      memory(program.memory) {
  memory.resize(static_cast<std::size_t>(memory_values) * count);
  compile_routes(program);
  compile_code(program);
  router_work.resize(count);
  wakes.resize(timing.ramp + 2);
  wheel.resize(kWheel);
}

void MeshMachine::State::compile_routes(const MeshProgram& program) {
  first_slot.resize(count + 1);
  for (int core = 0; core < count; ++core) {
    first_slot[core + 1] = first_slot[core] + static_cast<std::int32_t>(program.cores[core].routes.size());
  }
  const std::int32_t slots = first_slot[count];
  owner.resize(slots);
  router_queues.resize(slots);
  core_queues.resize(slots);
  switches.resize(slots);
  const std::array<int, kNeighbours> step = {-columns, 1, columns, -1};
  // What is under way on a ramp has its own place.
  const int with_ramp = timing.queue_depth + timing.ramp;
  for (int core = 0; core < count; ++core) {
    for (const Route& route : program.cores[core].routes) {
      const int slot = first_slot[core] + local_rank(program.cores[core].routes, route.color);
      owner[slot] = core;
      switches[slot].positions = route.positions;
      RouterQueue& queue = router_queues[slot];
      queue.input = static_cast<std::uint8_t>(route.positions.front().input);
      queue.outputs = route.positions.front().outputs;
      for (const SwitchPosition& position : route.positions) {
        queue.from_ramp = queue.from_ramp || position.input == Port::ramp;
        for (int d = 0; d < kNeighbours; ++d) {
          if ((position.outputs & (1U << d)) != 0) {
            const int next = core + step[d];
            queue.neighbour[d] = first_slot[next] + local_rank(program.cores[next].routes, route.color);
          }
        }
      }
      queue.capacity = static_cast<std::uint8_t>(queue.from_ramp ? with_ramp : timing.queue_depth);
      core_queues[slot].capacity = static_cast<std::uint8_t>(with_ramp);
    }
  }
}

void MeshMachine::State::compile_list(const MeshProgram& program, int core,
                                      const std::vector<Instruction>& list) {
  const std::vector<Route>& routes = program.cores[core].routes;
  for (const Instruction& instruction : list) {
    Compiled compiled;
    compiled.operation = memory_operation(instruction);
    compiled.commands = instruction.commands;
    compiled.thread = instruction.thread;
    if (instruction.from.kind == Operand::Kind::fabric) {
      compiled.in = first_slot[core] + local_rank(routes, instruction.from.where);
    }
    if (instruction.to.kind == Operand::Kind::fabric) {
      compiled.out = first_slot[core] + local_rank(routes, instruction.to.where);
    }
    code.push_back(compiled);
  }
}

void MeshMachine::State::compile_code(const MeshProgram& program) {
  cores.resize(count);
  first_bound.resize(count + 1);
  const auto position = [&] { return static_cast<std::int32_t>(code.size()); };
  for (int core = 0; core < count; ++core) {
    const CoreProgram& each = program.cores[core];
    start.push_back(position());
    compile_list(program, core, each.start);
    start_end.push_back(position());
    for (const BoundTask& task : each.bound) {
      Bound entry{first_slot[core] + local_rank(each.routes, task.color), position(), 0};
      compile_list(program, core, task.instructions);
      entry.end = position();
      bound.push_back(entry);
    }
    first_bound[core + 1] = static_cast<std::int32_t>(bound.size());
    cores[core].repeats_left = each.start.empty() ? 0 : each.repeat;
  }
}

void MeshMachine::State::start_cycle() {
  std::vector<std::int32_t>& to_wake = wakes[now % static_cast<std::int64_t>(wakes.size())];
  for (const std::int32_t core : to_wake) {
    wake(core);
  }
  waking -= static_cast<std::int64_t>(to_wake.size());
  to_wake.clear();
  auto& due_now = wheel[now % kWheel];
  for (const auto& [due, core] : due_now) {
    --timers;
    if (due > now) {
      set_timer(due, core);
    } else {
      wake(core);
    }
  }
  due_now.clear();
}

// Room behind every output, and a router there that listens.
bool MeshMachine::State::router_can(std::int32_t slot) const {
  const RouterQueue& queue = router_queues[slot];
  for (unsigned left = queue.outputs & 0xFU; left != 0; left &= left - 1) {
    const int direction = std::countr_zero(left);
    const RouterQueue& next = router_queues[queue.neighbour[direction]];
    if (!next.has_room(now) ||
        next.input != static_cast<std::uint8_t>(opposite(static_cast<Port>(direction)))) {
      return false;
    }
  }
  return (queue.outputs & mask(Port::ramp)) == 0 || queue.front_is_control() ||
         core_queues[slot].has_room(now);
}

void MeshMachine::State::step_router(std::int32_t core) {
  ++result.steps;
  std::uint8_t used = 0;
  for (std::uint32_t left = router_work[core]; left != 0; left &= left - 1) {
    const int local = std::countr_zero(left);
    const std::int32_t slot = first_slot[core] + local;
    RouterQueue& queue = router_queues[slot];
    if ((queue.outputs & used) != 0 || queue.visible(now) == 0 || !router_can(slot)) {
      continue;
    }
    used |= queue.outputs;
    const bool is_control = queue.front_is_control();
    std::uint32_t word = queue.pop(now);
    if (queue.held == 0) {
      router_work[core] &= ~(1U << local);
    }
    if (queue.from_ramp) {
      wake_in(1, core);  // it may wait for room
    }
    if (is_control) {
      const auto command = static_cast<SwitchCommand>(word & kCommandMask);
      word >>= kCommandBits;
      if (command != SwitchCommand::none) {
        changes.push_back({slot, command});
      }
    }
    for (unsigned ports = queue.outputs & 0xFU; ports != 0; ports &= ports - 1) {
      send_to_router(queue.neighbour[std::countr_zero(ports)], word, is_control, 1);
      ++result.hops;
    }
    if ((queue.outputs & mask(Port::ramp)) != 0 && !is_control) {
      core_queues[slot].push(word, false, timing.ramp, now);
      wake_in(timing.ramp, core);
    }
  }
}

void MeshMachine::State::step_routers() {
  // Routers that cores have just sent to have nothing visible yet.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < routers.size(); ++i) {
    fetch_router(i);
    const std::int32_t core = routers[i];
    step_router(core);
    if (router_work[core] != 0) {
      routers[kept++] = core;
    }
  }
  routers.resize(kept);
  routers.insert(routers.end(), new_routers.begin(), new_routers.end());
  new_routers.clear();
}

bool MeshMachine::State::can_beat(const Compiled& compiled) const {
  if (compiled.in >= 0 && core_queues[compiled.in].visible(now) == 0) {
    return false;
  }
  if (compiled.out < 0) {
    return true;
  }
  const RouterQueue& out = router_queues[compiled.out];
  return out.has_room(now) && out.input == static_cast<std::uint8_t>(Port::ramp);
}

// True when the instruction is complete.
bool MeshMachine::State::beat(const Compiled& compiled, std::int32_t core, Thread& thread) {
  const MemoryOperation& each = compiled.operation;
  result.beats += (compiled.in >= 0 ? 1 : 0) + (compiled.out >= 0 ? 1 : 0);
  result.cycles = now + 1;
  if (each.kind == Instruction::Kind::control) {
    send_to_router(compiled.out, compiled.commands, true, 1 + timing.ramp);
    return true;
  }
  std::uint16_t* values = &memory[static_cast<std::size_t>(core) * memory_values];
  const std::uint32_t in = compiled.in >= 0 ? core_queues[compiled.in].pop(now) : 0;
  std::uint32_t out = 0;
  const int count_now = std::min(kValuesPerWavelet, each.length - thread.done);
  for (int i = 0; i < count_now; ++i) {
    const int at = thread.done + i;
    std::uint16_t value =
        compiled.in >= 0 ? static_cast<std::uint16_t>(in >> (kBitsPerValue * i)) : values[each.from + at];
    if (each.kind == Instruction::Kind::add) {
      value = half_add(value, values[each.other + at]);
    }
    if (compiled.out >= 0) {
      out |= static_cast<std::uint32_t>(value) << (kBitsPerValue * i);
    } else {
      values[each.to + at] = value;
    }
  }
  if (compiled.out >= 0) {
    send_to_router(compiled.out, out, false, 1 + timing.ramp);
  }
  thread.done += count_now;
  return thread.done >= each.length;
}

// The next instruction of the list, or of its repetition; idle when there is none.
void MeshMachine::State::begin(Core& core, std::int32_t at, bool stolen, bool is_first) {
  if (core.next == core.end && core.repeats_left > 0) {
    --core.repeats_left;
    core.next = start[at];
    core.end = start_end[at];
  }
  if (core.next == core.end) {
    core.state = CoreState::idle;
  } else if (code[core.next].operation.kind == Instruction::Kind::wait) {
    core.state = CoreState::waiting;
  } else {
    core.state = CoreState::setup;
    core.due = now + timing.instruction + (is_first ? timing.task : 0) + (stolen ? 1 : 0);
  }
}

// The main thread; `beaten`: another one took this cycle. Returns whether the main one took it.
bool MeshMachine::State::run_main(std::int32_t at, bool beaten, bool& again) {
  Core& core = cores[at];
  for (;;) {
    switch (core.state) {
      case CoreState::idle: {
        std::int32_t ready = -1;
        for (std::int32_t b = first_bound[at]; b < first_bound[at + 1] && ready < 0; ++b) {
          ready = core_queues[bound[b].slot].visible(now) > 0 ? b : -1;
        }
        if (ready < 0) {
          return false;
        }
        core.next = bound[ready].begin;
        core.end = bound[ready].end;
        begin(core, at, beaten, true);
        break;
      }
      case CoreState::setup: {
        if (now < core.due) {
          return false;
        }
        const Compiled& compiled = code[core.next];
        if (compiled.thread > 0) {
          if ((core.busy & (1U << compiled.thread)) != 0) {
            return false;  // until that thread is free; every beat of it comes by here
          }
          core.busy |= static_cast<std::uint8_t>(1U << compiled.thread);
          core.threads[compiled.thread] = {core.next, 0};
          ++core.next;
          again = true;
          begin(core, at, beaten, false);
        } else if (compiled.in < 0 && compiled.out < 0) {
          core.state = CoreState::compute;
          core.due = now + memory_cycles(compiled.operation, timing.repeat, timing.simd) + (beaten ? 1 : 0);
        } else {
          core.state = CoreState::fabric;
          core.threads[0] = {core.next, 0};
        }
        break;
      }
      case CoreState::compute:
        if (now < core.due) {
          return false;
        }
        run_in_memory(code[core.next].operation, {&memory[static_cast<std::size_t>(at) * memory_values],
                                                  static_cast<std::size_t>(memory_values)});
        result.cycles = std::max(result.cycles, now);
        ++core.next;
        begin(core, at, beaten, false);
        break;
      case CoreState::fabric: {
        const Compiled& compiled = code[core.next];
        if (beaten || !can_beat(compiled)) {
          return false;
        }
        if (beat(compiled, at, core.threads[0])) {
          ++core.next;
          begin(core, at, true, false);  // this cycle is spent
        }
        return true;
      }
      case CoreState::waiting:
        if (core.busy != 0) {
          return false;
        }
        ++core.next;
        begin(core, at, beaten, false);
        break;
    }
  }
}

// False: nothing will change before something arrives, leaves or is due.
bool MeshMachine::State::step_core(std::int32_t at) {
  ++result.steps;
  Core& core = cores[at];
  bool beaten = false, again = false;
  for (unsigned left = core.busy; left != 0 && !beaten; left &= left - 1) {
    const int number = std::countr_zero(left);
    Thread& thread = core.threads[number];
    const Compiled& compiled = code[thread.compiled];
    if (can_beat(compiled)) {
      beaten = true;
      if (beat(compiled, at, thread)) {
        core.busy &= static_cast<std::uint8_t>(~(1U << number));
      }
    }
  }
  const auto is_timed = [&] { return core.state == CoreState::setup || core.state == CoreState::compute; };
  if (beaten && is_timed() && now < core.due) {
    ++core.due;
  }
  const bool main_beat = run_main(at, beaten, again);
  if (beaten || main_beat || again) {
    return true;
  }
  if (is_timed() && now < core.due) {
    set_timer(core.due, at);
  }
  return false;
}

void MeshMachine::State::step_cores() {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < awake.size(); ++i) {
    fetch_core(i);
    const std::int32_t core = awake[i];
    if (step_core(core)) {
      awake[kept++] = core;
    } else {
      cores[core].is_awake = false;
    }
  }
  awake.resize(kept);
}

// Queues of large meshes are not in the first caches: those that are due soon are asked for ahead of time.
void MeshMachine::State::fetch_router(std::size_t i) const {
  constexpr std::size_t kFar = 8, kNear = 4;
  const auto first_queue = [&](std::size_t at) {
    return &router_queues[first_slot[routers[at]] + std::countr_zero(router_work[routers[at]])];
  };
  if (i + kFar < routers.size()) {
    __builtin_prefetch(first_queue(i + kFar));
    const RouterQueue* near = first_queue(i + kNear);
    const unsigned outputs = near->outputs & 0xFU;
    if (outputs != 0) {
      __builtin_prefetch(&router_queues[near->neighbour[std::countr_zero(outputs)]]);
    }
  }
}
void MeshMachine::State::fetch_core(std::size_t i) const {
  constexpr std::size_t kFar = 8, kNear = 4;
  if (i + kFar < awake.size()) {
    __builtin_prefetch(&cores[awake[i + kFar]]);
    const Core& near = cores[awake[i + kNear]];
    const std::int32_t running =
        near.busy != 0 ? near.threads[std::countr_zero(near.busy)].compiled : near.next;
    if (running < near.end || near.busy != 0) {
      const Compiled& compiled = code[running];
      __builtin_prefetch(compiled.in >= 0 ? static_cast<const void*>(&core_queues[compiled.in])
                                          : &router_queues[std::max(compiled.out, 0)]);
    }
  }
}

void MeshMachine::State::turn_switches() {
  for (const SwitchChange& change : changes) {
    Switch& turned = switches[change.slot];
    turned.position =
        change.command == SwitchCommand::reset ? 0 : (turned.position + 1) % turned.positions.size();
    const SwitchPosition& position = turned.positions[turned.position];
    router_queues[change.slot].input = static_cast<std::uint8_t>(position.input);
    router_queues[change.slot].outputs = position.outputs;
    wake(owner[change.slot]);
  }
  changes.clear();
}

// When something can happen next; -1: never.
std::int64_t MeshMachine::State::next_cycle() const {
  if (!routers.empty() || !awake.empty() || waking > 0) {
    return now + 1;
  }
  for (std::int64_t at = now + 1; timers > 0 && at < now + kWheel; ++at) {
    if (!wheel[at % kWheel].empty()) {
      return at;
    }
  }
  return -1;
}

void MeshMachine::State::finish() {
  result.core_cycles = result.cycles * count;
  result.finished = true;
  for (int at = 0; at < count && result.finished; ++at) {
    std::string_view what;
    if (cores[at].state != CoreState::idle || cores[at].busy != 0) {
      what = "waits for the fabric";
    }
    for (std::int32_t slot = first_slot[at]; slot < first_slot[at + 1] && what.empty(); ++slot) {
      const bool is_empty = router_queues[slot].held == 0 && core_queues[slot].held == 0;
      what = is_empty ? "" : "holds wavelets that nobody takes";
    }
    if (!what.empty()) {
      result.finished = false;
      result.stuck = fmt::format("core ({}, {}) {}", at / columns, at % columns, what);
    }
  }
}

MeshMachine::MeshMachine(const MeshProgram& program, const MachineTiming& timing)
    : state_(std::make_unique<State>(program, timing)) {}
MeshMachine::~MeshMachine() = default;
MeshMachine::MeshMachine(MeshMachine&&) noexcept = default;

MachineResult MeshMachine::run() {
  State& s = *state_;
  for (int core = 0; core < s.count; ++core) {
    s.begin(s.cores[core], core, false, false);
    if (s.cores[core].state != CoreState::idle) {
      s.wake(core);
    }
  }
  for (std::int64_t next = 0; next >= 0; next = s.next_cycle()) {
    const bool is_new_span = next >> kSpanBits != s.now >> kSpanBits;
    s.now = next;
    if (is_new_span) {
      std::for_each(s.router_queues.begin(), s.router_queues.end(), [&](RouterQueue& q) { q.forget(next); });
      std::for_each(s.core_queues.begin(), s.core_queues.end(), [&](MeshQueue& q) { q.forget(next); });
    }
    s.start_cycle();
    if (s.now % kSortPeriod == 0) {  // neighbours in memory one after another; the order changes no result
      std::sort(s.awake.begin(), s.awake.end());
      std::sort(s.routers.begin(), s.routers.end());
    }
    s.step_cores();
    s.step_routers();
    s.turn_switches();
  }
  s.finish();
  return s.result;
}

std::span<const std::uint16_t> MeshMachine::memory(int row, int column) const {
  const auto values = static_cast<std::size_t>(state_->memory_values);
  return {&state_->memory[(static_cast<std::size_t>(row) * state_->columns + column) * values], values};
}

}  // namespace memwall
