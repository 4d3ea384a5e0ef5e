#include "memwall/processors/wafer/machine.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "memwall/processors/wafer/half.h"
#include "memwall/processors/wafer/mac_kernel.h"

namespace memwall {
namespace {

constexpr int kValuesPerWavelet = 2;
constexpr int kCommandBits = 2, kCommandMask = 3;
constexpr int kWheel = 1 << 12;  // cycles ahead that timers are sorted for

struct Wavelet {
  std::uint32_t data = 0;
  std::uint32_t is_control = 0;
};
struct Delivery {
  std::int32_t queue = 0;
  Wavelet wavelet;
};
struct SwitchChange {
  std::int32_t slot = 0;
  SwitchCommand command = SwitchCommand::none;
};
// A position with its neighbours' slots, so that a move looks nothing up.
struct Hop {
  Port input = Port::ramp;
  std::uint8_t outputs = 0;
};

// An instruction with colours replaced by queues.
struct Compiled {
  Instruction instruction;
  std::int32_t in = -1;   // queue of the core
  std::int32_t out = -1;  // slot of the router
};
struct Range {
  std::int32_t begin = 0, end = 0;
};
struct Bound {
  std::int32_t queue = 0;
  Range range;
};

enum class CoreState : std::uint8_t { idle, setup, compute, fabric, waiting };
struct Thread {
  std::int32_t compiled = -1;
  std::int32_t done = 0;  // values
};
struct Core {
  CoreState state = CoreState::idle;
  std::uint8_t busy = 0;           // mask of the threads beside the main one
  std::int32_t next = 0, end = 0;  // of the list that runs
  std::int32_t repeats_left = 0;   // of the start list
  std::int64_t due = 0;            // setup or compute is over
};

}  // namespace

MachineTiming machine_timing(const WaferCard& card) {
  return {static_cast<int>(card.ramp_cycles),
          static_cast<int>(card.instruction_cycles),
          static_cast<int>(card.repeat_cycles),
          static_cast<int>(card.task_cycles),
          card.simd,
          card.queue_depth};
}

// A slot is one colour of one router. Queue `slot` belongs to the router, queue `slots + slot` to its core.
struct MeshMachine::State {
  MachineTiming timing;
  int columns = 0, cores_count = 0, slots = 0;
  std::int32_t memory_values = 0;
  std::vector<std::uint16_t> memory;

  std::vector<std::int32_t> first_slot;  // per core, one more at the end
  std::vector<std::int32_t> owner;       // core of a slot
  std::vector<std::int32_t> neighbour;   // slot of the same colour, per slot and direction
  std::vector<Hop> hops;                 // per slot and position
  std::vector<std::uint8_t> position, positions;
  std::vector<std::uint8_t> from_ramp;  // per slot: some position listens to the ramp

  int stride = 0;  // of a ring, a power of two
  std::vector<Wavelet> ring;
  std::vector<std::uint8_t> head, visible, held,
      capacity;  // per queue; held counts wavelets on their way to it

  std::vector<Compiled> code;
  std::vector<Range> start;
  std::vector<std::int32_t> first_bound;
  std::vector<Bound> bound;
  std::vector<Core> cores;
  std::vector<Thread> threads;

  std::vector<std::uint32_t> router_work;  // mask of local slots with wavelets
  std::vector<std::int32_t> routers, awake;
  std::vector<std::uint8_t> is_awake;
  std::vector<std::vector<Delivery>> arrivals;  // by cycle, modulo
  std::vector<std::int32_t> departures;         // queues that lost a wavelet in this cycle
  std::vector<SwitchChange> changes;
  std::vector<std::vector<std::pair<std::int64_t, std::int32_t>>> wheel;
  std::int64_t timers = 0, flying = 0;

  std::int64_t now = 0;
  MachineResult result;

  State(const MeshProgram& program, const MachineTiming& machine_timing);
  void compile(const MeshProgram& program);
  void compile_list(int core, const MeshProgram& program, const std::vector<Instruction>& list, Range& range);
  int slot_of(int core, int color, const MeshProgram& program) const;

  void wake(std::int32_t core) {
    if (is_awake[core] == 0) {
      is_awake[core] = 1;
      awake.push_back(core);
    }
  }
  void set_timer(std::int64_t due, std::int32_t core) {
    const std::int64_t at = std::min(due, now + kWheel - 1);
    wheel[at % kWheel].emplace_back(due, core);
    ++timers;
  }
  void send(std::int32_t queue, Wavelet wavelet, int delay) {
    ++held[queue];
    ++flying;
    arrivals[(now + delay) % static_cast<std::int64_t>(arrivals.size())].push_back({queue, wavelet});
  }
  Wavelet take(std::int32_t queue) {
    const Wavelet wavelet = ring[static_cast<std::size_t>(queue) * stride + head[queue]];
    head[queue] = static_cast<std::uint8_t>((head[queue] + 1) & (stride - 1));
    --visible[queue];
    departures.push_back(queue);
    return wavelet;
  }

  void deliver();
  bool router_can(std::int32_t slot, std::uint8_t outputs, bool is_control) const;
  void step_router(std::int32_t core);
  bool can_beat(const Compiled& compiled) const;
  bool beat(const Compiled& compiled, std::int32_t core, Thread& thread);
  void begin(Core& core, std::int32_t at, bool stolen, bool is_first);
  bool run_main(std::int32_t at, bool beaten, bool& again);
  bool step_core(std::int32_t at);
  void commit();
  std::int64_t next_cycle() const;
  void finish();
};

MeshMachine::State::State(const MeshProgram& program, const MachineTiming& machine_timing)
    : timing(machine_timing), columns(program.columns), cores_count(program.count()) {
  memory_values = program.memory_values;
  memory = program.memory;
  memory.resize(static_cast<std::size_t>(memory_values) * cores_count);
  compile(program);
  const std::size_t queues = 2 * static_cast<std::size_t>(slots);
  stride = static_cast<int>(std::bit_ceil(static_cast<unsigned>(timing.queue_depth + timing.ramp)));
  ring.resize(queues * stride);
  head.resize(queues);
  visible.resize(queues);
  held.resize(queues);
  capacity.resize(queues);
  for (int slot = 0; slot < slots; ++slot) {
    // What is under way on a ramp has its own place.
    capacity[slot] = static_cast<std::uint8_t>(timing.queue_depth + (from_ramp[slot] != 0 ? timing.ramp : 0));
    capacity[slots + slot] = static_cast<std::uint8_t>(timing.queue_depth + timing.ramp);
  }
  router_work.resize(cores_count);
  is_awake.resize(cores_count);
  arrivals.resize(timing.ramp + 2);
  wheel.resize(kWheel);
}

int MeshMachine::State::slot_of(int core, int color, const MeshProgram& program) const {
  const std::vector<Route>& routes = program.cores[core].routes;
  int rank = 0;
  for (const Route& route : routes) {
    rank += route.color < color ? 1 : 0;
  }
  return first_slot[core] + rank;
}

void MeshMachine::State::compile_list(int core, const MeshProgram& program,
                                      const std::vector<Instruction>& list, Range& range) {
  range.begin = static_cast<std::int32_t>(code.size());
  for (const Instruction& instruction : list) {
    Compiled compiled{instruction};
    if (instruction.from.kind == Operand::Kind::fabric) {
      compiled.in = slots + slot_of(core, instruction.from.where, program);
    }
    if (instruction.to.kind == Operand::Kind::fabric) {
      compiled.out = slot_of(core, instruction.to.where, program);
    }
    code.push_back(compiled);
  }
  range.end = static_cast<std::int32_t>(code.size());
}

void MeshMachine::State::compile(const MeshProgram& program) {
  first_slot.resize(cores_count + 1);
  for (int core = 0; core < cores_count; ++core) {
    first_slot[core + 1] = first_slot[core] + static_cast<std::int32_t>(program.cores[core].routes.size());
  }
  slots = first_slot[cores_count];
  owner.resize(slots);
  neighbour.assign(static_cast<std::size_t>(slots) * kNeighbours, -1);
  hops.resize(static_cast<std::size_t>(slots) * kMostPositions);
  position.resize(slots);
  positions.resize(slots);
  from_ramp.resize(slots);
  const std::array<int, kNeighbours> step = {-columns, 1, columns, -1};
  for (int core = 0; core < cores_count; ++core) {
    for (const Route& route : program.cores[core].routes) {
      const int slot = slot_of(core, route.color, program);
      owner[slot] = core;
      positions[slot] = static_cast<std::uint8_t>(route.positions.size());
      for (std::size_t p = 0; p < route.positions.size(); ++p) {
        hops[slot * kMostPositions + p] = {route.positions[p].input, route.positions[p].outputs};
        from_ramp[slot] |= route.positions[p].input == Port::ramp ? 1 : 0;
        for (int direction = 0; direction < kNeighbours; ++direction) {
          if ((route.positions[p].outputs & (1U << direction)) != 0) {
            neighbour[slot * kNeighbours + direction] = slot_of(core + step[direction], route.color, program);
          }
        }
      }
    }
  }
  start.resize(cores_count);
  first_bound.resize(cores_count + 1);
  cores.resize(cores_count);
  threads.resize(static_cast<std::size_t>(cores_count) * kThreads);
  for (int core = 0; core < cores_count; ++core) {
    const CoreProgram& each = program.cores[core];
    compile_list(core, program, each.start, start[core]);
    for (const BoundTask& task : each.bound) {
      Bound entry;
      entry.queue = slots + slot_of(core, task.color, program);
      compile_list(core, program, task.instructions, entry.range);
      bound.push_back(entry);
    }
    first_bound[core + 1] = static_cast<std::int32_t>(bound.size());
    cores[core].repeats_left = each.start.empty() ? 0 : each.repeat;
  }
}

void MeshMachine::State::deliver() {
  std::vector<Delivery>& now_here = arrivals[now % static_cast<std::int64_t>(arrivals.size())];
  for (const Delivery& delivery : now_here) {
    const std::int32_t queue = delivery.queue;
    const int end = (head[queue] + visible[queue]) & (stride - 1);
    ring[static_cast<std::size_t>(queue) * stride + end] = delivery.wavelet;
    ++visible[queue];
    if (queue >= slots) {
      wake(owner[queue - slots]);
    } else {
      const std::int32_t core = owner[queue];
      if (router_work[core] == 0) {
        routers.push_back(core);
      }
      router_work[core] |= 1U << (queue - first_slot[core]);
    }
  }
  flying -= static_cast<std::int64_t>(now_here.size());
  now_here.clear();
  auto& timers_now = wheel[now % kWheel];
  for (std::size_t i = 0; i < timers_now.size(); ++i) {
    const auto [due, core] = timers_now[i];
    --timers;
    if (due > now) {
      set_timer(due, core);
    } else {
      wake(core);
    }
  }
  timers_now.clear();
}

// Room behind every output, and a router there that listens.
bool MeshMachine::State::router_can(std::int32_t slot, std::uint8_t outputs, bool is_control) const {
  for (unsigned left = outputs & 0xFU; left != 0; left &= left - 1) {
    const int direction = std::countr_zero(left);
    const std::int32_t next = neighbour[slot * kNeighbours + direction];
    if (held[next] >= capacity[next] ||
        hops[next * kMostPositions + position[next]].input != opposite(static_cast<Port>(direction))) {
      return false;
    }
  }
  return (outputs & mask(Port::ramp)) == 0 || is_control || held[slots + slot] < capacity[slots + slot];
}

void MeshMachine::State::step_router(std::int32_t core) {
  ++result.steps;
  std::uint8_t used = 0;
  const std::int32_t first = first_slot[core];
  for (std::uint32_t left = router_work[core]; left != 0; left &= left - 1) {
    const int local = std::countr_zero(left);
    const std::int32_t slot = first + local;
    const std::uint8_t outputs = hops[slot * kMostPositions + position[slot]].outputs;
    const bool is_control = ring[static_cast<std::size_t>(slot) * stride + head[slot]].is_control != 0;
    if ((outputs & used) != 0 || !router_can(slot, outputs, is_control)) {
      continue;
    }
    Wavelet wavelet = take(slot);
    if (visible[slot] == 0) {
      router_work[core] &= ~(1U << local);
    }
    used |= outputs;
    if (is_control) {
      const auto command = static_cast<SwitchCommand>(wavelet.data & kCommandMask);
      wavelet.data >>= kCommandBits;
      if (command != SwitchCommand::none) {
        changes.push_back({slot, command});
      }
    }
    for (unsigned ports = outputs & 0xFU; ports != 0; ports &= ports - 1) {
      send(neighbour[slot * kNeighbours + std::countr_zero(ports)], wavelet, 1);
      ++result.hops;
    }
    if ((outputs & mask(Port::ramp)) != 0 && !is_control) {
      send(slots + slot, wavelet, timing.ramp);
    }
  }
}

bool MeshMachine::State::can_beat(const Compiled& compiled) const {
  if (compiled.in >= 0 && visible[compiled.in] == 0) {
    return false;
  }
  return compiled.out < 0 ||
         (held[compiled.out] < capacity[compiled.out] &&
          hops[compiled.out * kMostPositions + position[compiled.out]].input == Port::ramp);
}

// True when the instruction is complete.
bool MeshMachine::State::beat(const Compiled& compiled, std::int32_t core, Thread& thread) {
  const Instruction& each = compiled.instruction;
  result.beats += (compiled.in >= 0 ? 1 : 0) + (compiled.out >= 0 ? 1 : 0);
  result.cycles = std::max(result.cycles, now + 1);
  if (each.kind == Instruction::Kind::control) {
    send(compiled.out, {each.commands, 1}, 1 + timing.ramp);
    return true;
  }
  std::uint16_t* values = &memory[static_cast<std::size_t>(core) * memory_values];
  const Wavelet in = compiled.in >= 0 ? take(compiled.in) : Wavelet{};
  std::uint32_t out = 0;
  const int count = std::min(kValuesPerWavelet, each.length - thread.done);
  for (int i = 0; i < count; ++i) {
    const int at = thread.done + i;
    std::uint16_t value =
        compiled.in >= 0 ? static_cast<std::uint16_t>(in.data >> (16 * i)) : values[each.from.where + at];
    if (each.kind == Instruction::Kind::add) {
      value = half_add(value, values[each.other.where + at]);
    }
    if (compiled.out >= 0) {
      out |= static_cast<std::uint32_t>(value) << (16 * i);
    } else {
      values[each.to.where + at] = value;
    }
  }
  if (compiled.out >= 0) {
    send(compiled.out, {out, 0}, 1 + timing.ramp);
  }
  thread.done += count;
  return thread.done >= each.length;
}

// The next instruction of the list, or of its repetition; idle when there is none.
void MeshMachine::State::begin(Core& core, std::int32_t at, bool stolen, bool is_first) {
  if (core.next == core.end && core.repeats_left > 0) {
    --core.repeats_left;
    core.next = start[at].begin;
    core.end = start[at].end;
  }
  if (core.next == core.end) {
    core.state = CoreState::idle;
    return;
  }
  if (code[core.next].instruction.kind == Instruction::Kind::wait) {
    core.state = CoreState::waiting;
    return;
  }
  core.state = CoreState::setup;
  core.due = now + timing.instruction + (is_first ? timing.task : 0) + (stolen ? 1 : 0);
}

// The main thread; `beaten`: another one took this cycle. Returns whether the main one took it.
bool MeshMachine::State::run_main(std::int32_t at, bool beaten, bool& again) {
  Core& core = cores[at];
  for (;;) {
    switch (core.state) {
      case CoreState::idle: {
        std::int32_t ready = -1;
        for (std::int32_t b = first_bound[at]; b < first_bound[at + 1] && ready < 0; ++b) {
          ready = visible[bound[b].queue] > 0 ? b : -1;
        }
        if (ready < 0) {
          return false;
        }
        core.next = bound[ready].range.begin;
        core.end = bound[ready].range.end;
        begin(core, at, beaten, true);
        break;
      }
      case CoreState::setup: {
        if (now < core.due) {
          return false;
        }
        const Compiled& compiled = code[core.next];
        const Instruction& each = compiled.instruction;
        if (each.thread > 0) {
          if ((core.busy & (1U << each.thread)) != 0) {
            core.due = now + 1;  // until that thread is free
            return false;
          }
          core.busy |= static_cast<std::uint8_t>(1U << each.thread);
          threads[at * kThreads + each.thread] = {core.next, 0};
          ++core.next;
          again = true;
          begin(core, at, beaten, false);
        } else if (compiled.in < 0 && compiled.out < 0) {
          core.state = CoreState::compute;
          core.due = now + memory_cycles(each, timing.repeat, timing.simd) + (beaten ? 1 : 0);
        } else {
          core.state = CoreState::fabric;
          threads[at * kThreads] = {core.next, 0};
        }
        break;
      }
      case CoreState::compute: {
        if (now < core.due) {
          return false;
        }
        const Instruction& each = code[core.next].instruction;
        const std::span<std::uint16_t> values(&memory[static_cast<std::size_t>(at) * memory_values],
                                              static_cast<std::size_t>(memory_values));
        each.kind == Instruction::Kind::mac ? run_mac(each, values) : run_vector(each, values);
        result.cycles = std::max(result.cycles, now);
        ++core.next;
        begin(core, at, beaten, false);
        break;
      }
      case CoreState::fabric: {
        const Compiled& compiled = code[core.next];
        if (beaten || !can_beat(compiled)) {
          return false;
        }
        if (beat(compiled, at, threads[at * kThreads])) {
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
    Thread& thread = threads[at * kThreads + number];
    const Compiled& compiled = code[thread.compiled];
    if (can_beat(compiled)) {
      beaten = true;
      if (beat(compiled, at, thread)) {
        core.busy &= static_cast<std::uint8_t>(~(1U << number));
      }
    }
  }
  const bool running = core.state == CoreState::setup || core.state == CoreState::compute;
  if (beaten && running && now < core.due) {
    ++core.due;
  }
  const bool main_beat = run_main(at, beaten, again);
  if (!beaten && !main_beat && !again) {
    const bool is_timed = core.state == CoreState::setup || core.state == CoreState::compute;
    if (is_timed) {
      set_timer(core.due, at);
    }
    return false;
  }
  return true;
}

void MeshMachine::State::commit() {
  for (const std::int32_t queue : departures) {
    --held[queue];
    if (queue < slots && from_ramp[queue] != 0) {
      wake(owner[queue]);
    }
  }
  departures.clear();
  for (const SwitchChange& change : changes) {
    const int next = change.command == SwitchCommand::reset ? 0 : position[change.slot] + 1;
    position[change.slot] = static_cast<std::uint8_t>(next % positions[change.slot]);
    wake(owner[change.slot]);
  }
  changes.clear();
}

// When something can happen next; -1: never.
std::int64_t MeshMachine::State::next_cycle() const {
  if (!routers.empty() || !awake.empty() || flying > 0) {
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
  result.core_cycles = result.cycles * cores_count;
  result.finished = true;
  for (int at = 0; at < cores_count && result.finished; ++at) {
    const Core& core = cores[at];
    std::string what;
    if (core.state == CoreState::fabric || core.state == CoreState::waiting || core.busy != 0) {
      what = "waits for the fabric";
    }
    for (std::int32_t slot = first_slot[at]; slot < first_slot[at + 1] && what.empty(); ++slot) {
      what = held[slot] + held[slots + slot] > 0 ? "holds wavelets that nobody takes" : "";
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
  for (int core = 0; core < s.cores_count; ++core) {
    s.begin(s.cores[core], core, false, false);
    if (s.cores[core].state != CoreState::idle) {
      s.wake(core);
    }
  }
  while (s.now >= 0) {
    s.deliver();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < s.awake.size(); ++i) {
      const std::int32_t core = s.awake[i];
      if (s.step_core(core)) {
        s.awake[kept++] = core;
      } else {
        s.is_awake[core] = 0;
      }
    }
    s.awake.resize(kept);
    kept = 0;
    for (std::size_t i = 0; i < s.routers.size(); ++i) {
      const std::int32_t core = s.routers[i];
      s.step_router(core);
      if (s.router_work[core] != 0) {
        s.routers[kept++] = core;
      }
    }
    s.routers.resize(kept);
    s.commit();
    const std::int64_t next = s.next_cycle();
    if (next < 0) {
      break;
    }
    s.now = next;
  }
  s.finish();
  return s.result;
}

std::span<const std::uint16_t> MeshMachine::memory(int row, int column) const {
  const auto values = static_cast<std::size_t>(state_->memory_values);
  return {&state_->memory[(static_cast<std::size_t>(row) * state_->columns + column) * values], values};
}

}  // namespace memwall
