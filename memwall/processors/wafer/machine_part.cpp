#include <algorithm>
#include <bit>

#include "memwall/processors/wafer/machine_state.h"

namespace memwall::mesh {
namespace {

constexpr int kValuesPerWavelet = 2;
constexpr int kCommandBits = 2, kCommandMask = 3;
constexpr int kSpanBits = 16;    // of the times in queues
constexpr int kSortPeriod = 32;  // cycles

}  // namespace

void Part::start_cycle() {
  std::vector<std::int32_t>& to_wake = timers->wakes[now % static_cast<std::int64_t>(timers->wakes.size())];
  for (const std::int32_t core : to_wake) {
    wake(core);
  }
  timers->waking -= static_cast<std::int64_t>(to_wake.size());
  to_wake.clear();
  auto& due_now = timers->wheel[now % kWheel];
  for (const auto& [due, core] : due_now) {
    --timers->timers;
    if (due > now) {
      set_timer(due, core);
    } else {
      wake(core);
    }
  }
  due_now.clear();
}

// Room behind every output, and a router there that listens.
bool Part::router_can(std::int32_t slot) const {
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

void Part::step_router(std::int32_t core) {
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

void Part::step_routers() {
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

bool Part::can_beat(const Compiled& compiled) const {
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
bool Part::beat(const Compiled& compiled, std::int32_t core, Thread& thread) {
  const MemoryOperation& each = compiled.operation;
  result.beats += (compiled.in >= 0 ? 1 : 0) + (compiled.out >= 0 ? 1 : 0);
  result.cycles = now + 1;
  if (each.kind == Instruction::Kind::control) {
    send_to_router(compiled.out, compiled.commands, true, 1 + timing.ramp);
    return true;
  }
  const std::uint32_t in = compiled.in >= 0 ? core_queues[compiled.in].pop(now) : 0;
  const std::uint32_t out = values.beat(each, compiled.in >= 0, compiled.out >= 0, thread.done, in,
                                        static_cast<std::size_t>(global[core]) * memory_values, memory);
  if (compiled.out >= 0) {
    send_to_router(compiled.out, out, false, 1 + timing.ramp);
  }
  thread.done = std::min(thread.done + kValuesPerWavelet, each.length);
  return thread.done >= each.length;
}

// The next instruction of the list, or of its repetition; idle when there is none.
void Part::begin(Core& core, std::int32_t at, bool stolen, bool is_first) {
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
bool Part::run_main(std::int32_t at, bool beaten, bool& again) {
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
        values.run(code[core.next].operation, static_cast<std::size_t>(global[at]) * memory_values,
                   memory_values, memory);
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
bool Part::step_core(std::int32_t at) {
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

void Part::step_cores() {
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
void Part::fetch_router(std::size_t i) const {
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
void Part::fetch_core(std::size_t i) const {
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

void Part::turn_switches() {
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
std::int64_t Part::next_cycle() const {
  if (!routers.empty() || !awake.empty() || timers->waking > 0) {
    return now + 1;
  }
  for (std::int64_t at = now + 1; timers->timers > 0 && at < now + kWheel; ++at) {
    if (!timers->wheel[at % kWheel].empty()) {
      return at;
    }
  }
  return -1;
}

std::string_view Part::unfinished(int& core) const {
  for (core = 0; core < count; ++core) {
    if (cores[core].state != CoreState::idle || cores[core].busy != 0) {
      return "waits for the fabric";
    }
    for (std::int32_t slot = first_slot[core]; slot < first_slot[core + 1]; ++slot) {
      if (router_queues[slot].held != 0 || core_queues[slot].held != 0) {
        return "holds wavelets that nobody takes";
      }
    }
  }
  return {};
}

void Part::flush_values() {
  if (values.copies() == 1) {
    return;
  }
  std::vector<std::uint32_t*> wavelets;
  const auto add = [&](MeshQueue& queue) {
    for (int i = 0; i < queue.held; ++i) {
      const int place = (queue.head + i) & (kRing - 1);
      if ((queue.control >> place & 1) == 0) {
        wavelets.push_back(&queue.data[place]);
      }
    }
  };
  std::for_each(router_queues.begin(), router_queues.end(), add);
  std::for_each(core_queues.begin(), core_queues.end(), add);
  values.flush(wavelets, memory);
}

void Part::run(Timers& shared, std::uint16_t* mesh_memory) {
  timers = &shared;
  memory = mesh_memory;
  for (int core = 0; core < count; ++core) {
    begin(cores[core], core, false, false);
    if (cores[core].state != CoreState::idle) {
      wake(core);
    }
  }
  for (std::int64_t next = 0; next >= 0; next = next_cycle()) {
    const bool is_new_span = next >> kSpanBits != now >> kSpanBits;
    now = next;
    if (is_new_span) {
      std::for_each(router_queues.begin(), router_queues.end(), [&](RouterQueue& q) { q.forget(next); });
      std::for_each(core_queues.begin(), core_queues.end(), [&](MeshQueue& q) { q.forget(next); });
    }
    start_cycle();
    if (now % kSortPeriod == 0) {  // neighbours in memory one after another; the order changes no result
      std::sort(awake.begin(), awake.end());
      std::sort(routers.begin(), routers.end());
    }
    step_cores();
    step_routers();
    turn_switches();
    if (values.is_full()) {
      flush_values();
    }
  }
  flush_values();
}

}  // namespace memwall::mesh
