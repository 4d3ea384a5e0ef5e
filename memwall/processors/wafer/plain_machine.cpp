#include "memwall/processors/wafer/plain_machine.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>

#include "memwall/processors/wafer/half.h"
#include "memwall/processors/wafer/mac_kernel.h"

namespace memwall {
namespace {

struct Wavelet {
  std::uint32_t data = 0;
  bool is_control = false;
};
// What is under way counts as held; it becomes visible at its time.
struct Queue {
  std::deque<std::pair<std::int64_t, Wavelet>> entries;  // time of arrival
  std::size_t held = 0, capacity = 0;  // held: as of the start of the cycle, and what came since
  bool has(std::int64_t now) const { return !entries.empty() && entries.front().first <= now; }
};
struct RouterColor {
  const Route* route = nullptr;
  std::size_t position = 0;
  Queue router, core;
  const SwitchPosition& at() const { return route->positions[position]; }
};
struct Running {
  const Instruction* instruction = nullptr;
  int done = 0;
};
enum class State { idle, setup, compute, fabric, waiting };
struct Core {
  const CoreProgram* program = nullptr;
  std::map<int, RouterColor> colors;
  const std::vector<Instruction>* list = nullptr;
  std::size_t next = 0;
  int repeats_left = 0;
  State state = State::idle;
  std::int64_t left = 0;  // cycles of setup or compute
  std::array<Running, kThreads> threads;
  bool others_busy() const {
    return std::any_of(threads.begin() + 1, threads.end(),
                       [](const Running& r) { return r.instruction != nullptr; });
  }
};

class Plain {
 public:
  Plain(const MeshProgram& program, const MeshMachineTiming& timing) : program_(program), timing_(timing) {
    result_.memory = program.memory;
    result_.memory.resize(static_cast<std::size_t>(program.count()) * program.memory_values);
    cores_.resize(program.count());
    for (int i = 0; i < program.count(); ++i) {
      Core& core = cores_[i];
      core.program = &program.cores[i];
      core.repeats_left = core.program->start.empty() ? 0 : core.program->repeat;
      for (const Route& route : core.program->routes) {
        RouterColor& color = core.colors[route.color];
        color.route = &route;
        const bool ramp = std::any_of(route.positions.begin(), route.positions.end(),
                                      [](const SwitchPosition& p) { return p.input == Port::ramp; });
        color.router.capacity = timing.queue_depth + (ramp ? timing.ramp : 0);
        color.core.capacity = timing.queue_depth + timing.ramp;
      }
      take_next(core, false);
    }
  }

  PlainResult run() {
    std::int64_t longest = 4 * (timing_.ramp + timing_.instruction + timing_.task) + 16;
    for (const CoreProgram& core : program_.cores) {
      for (const Instruction& each : core.start) {
        longest =
            std::max(longest, 16 + 2 * memory_cycles(memory_operation(each), timing_.repeat, timing_.simd));
      }
    }
    for (std::int64_t last = 0; now_ - last < longest; ++now_) {
      moved_ = false;
      for (int i = 0; i < program_.count(); ++i) {
        step_core(i);
      }
      for (int i = 0; i < program_.count(); ++i) {
        step_router(i);
      }
      commit();
      last = moved_ ? now_ : last;
    }
    result_.counts.core_cycles = result_.counts.cycles * program_.count();
    result_.counts.finished = std::all_of(cores_.begin(), cores_.end(), [](const Core& core) {
      return core.state == State::idle && !core.others_busy() &&
             std::all_of(core.colors.begin(), core.colors.end(), [](const auto& color) {
               return color.second.router.held + color.second.core.held == 0;
             });
    });
    return result_;
  }

 private:
  RouterColor* beside(int core, Port port, int color) {
    const std::array<int, kNeighbours> step = {-program_.columns, 1, program_.columns, -1};
    return &cores_[core + step[static_cast<std::size_t>(port)]].colors.at(color);
  }
  void send(Queue& queue, const Wavelet& wavelet, int delay) {
    queue.entries.emplace_back(now_ + delay, wavelet);
    ++queue.held;
    moved_ = true;
  }
  Wavelet take(Queue& queue) {
    const Wavelet wavelet = queue.entries.front().second;
    queue.entries.pop_front();
    left_.push_back(&queue);
    return wavelet;
  }

  void take_next(Core& core, bool is_first) {
    if ((core.list == nullptr || core.next == core.list->size()) && core.repeats_left > 0) {
      --core.repeats_left;
      core.list = &core.program->start;
      core.next = 0;
    }
    if (core.list == nullptr || core.next == core.list->size()) {
      core.state = State::idle;
    } else if ((*core.list)[core.next].kind == Instruction::Kind::wait) {
      core.state = State::waiting;
    } else {
      core.state = State::setup;
      core.left = timing_.instruction + (is_first ? timing_.task : 0);
    }
  }

  bool can_beat(Core& core, const Instruction& each) const {
    if (each.from.kind == Operand::Kind::fabric && !core.colors.at(each.from.where).core.has(now_)) {
      return false;
    }
    if (each.to.kind == Operand::Kind::fabric) {
      const RouterColor& out = core.colors.at(each.to.where);
      return out.router.held < out.router.capacity && out.at().input == Port::ramp;
    }
    return true;
  }
  bool beat(int at, const Instruction& each, int& done) {
    Core& core = cores_[at];
    result_.counts.cycles = std::max(result_.counts.cycles, now_ + 1);
    const bool from_fabric = each.from.kind == Operand::Kind::fabric,
               to_fabric = each.to.kind == Operand::Kind::fabric;
    result_.counts.beats += (from_fabric ? 1 : 0) + (to_fabric ? 1 : 0);
    moved_ = true;
    if (each.kind == Instruction::Kind::control) {
      send(core.colors.at(each.to.where).router, {each.commands, true}, 1 + timing_.ramp);
      return true;
    }
    std::uint16_t* values = &result_.memory[static_cast<std::size_t>(at) * program_.memory_values];
    const Wavelet in = from_fabric ? take(core.colors.at(each.from.where).core) : Wavelet{};
    Wavelet out;
    for (int i = 0; i < 2 && done < each.length; ++i, ++done) {
      std::uint16_t value =
          from_fabric ? static_cast<std::uint16_t>(in.data >> (16 * i)) : values[each.from.where + done];
      if (each.kind == Instruction::Kind::add) {
        value = half_add(value, values[each.other.where + done]);
      }
      if (to_fabric) {
        out.data |= static_cast<std::uint32_t>(value) << (16 * i);
      } else {
        values[each.to.where + done] = value;
      }
    }
    if (to_fabric) {
      send(core.colors.at(each.to.where).router, out, 1 + timing_.ramp);
    }
    return done >= each.length;
  }

  void step_core(int at) {
    Core& core = cores_[at];
    bool spent = false;
    for (int number = 1; number < kThreads && !spent; ++number) {
      Running& thread = core.threads[number];
      if (thread.instruction != nullptr && can_beat(core, *thread.instruction)) {
        spent = true;
        if (beat(at, *thread.instruction, thread.done)) {
          thread.instruction = nullptr;
        }
      }
    }
    while (step_main(at, spent)) {
    }
  }

  // True when the main thread goes on within this cycle.
  bool step_main(int at, bool& spent) {
    Core& core = cores_[at];
    const Instruction* each =
        core.list != nullptr && core.next < core.list->size() ? &(*core.list)[core.next] : nullptr;
    switch (core.state) {
      case State::idle:
        for (const BoundTask& task : core.program->bound) {
          if (core.colors.at(task.color).core.has(now_)) {
            core.list = &task.instructions;
            core.next = 0;
            take_next(core, true);
            return true;
          }
        }
        return false;
      case State::setup:
      case State::compute:
        if (core.left > 0) {
          core.left -= spent ? 0 : 1;
          moved_ = true;
          return false;
        }
        if (core.state == State::compute) {
          run_memory(at, *each);
          ++core.next;
          take_next(core, false);
        } else if (each->thread > 0) {
          if (core.threads[each->thread].instruction != nullptr) {
            return false;
          }
          core.threads[each->thread] = {each, 0};
          ++core.next;
          take_next(core, false);
        } else if (each->from.kind != Operand::Kind::fabric && each->to.kind != Operand::Kind::fabric) {
          core.state = State::compute;
          core.left = memory_cycles(memory_operation(*each), timing_.repeat, timing_.simd);
        } else {
          core.state = State::fabric;
          core.threads[0] = {each, 0};
        }
        return true;
      case State::fabric:
        if (!spent && can_beat(core, *each)) {
          spent = true;
          if (beat(at, *each, core.threads[0].done)) {
            ++core.next;
            take_next(core, false);
            return core.state == State::setup ? step_main(at, spent) : false;
          }
        }
        return false;
      case State::waiting:
        if (core.others_busy()) {
          return false;
        }
        ++core.next;
        take_next(core, false);
        return true;
    }
    return false;
  }

  void run_memory(int at, const Instruction& each) {
    const auto size = static_cast<std::size_t>(program_.memory_values);
    const std::span<std::uint16_t> values(&result_.memory[at * size], size);
    run_in_memory(memory_operation(each), values);
    result_.counts.cycles = std::max(result_.counts.cycles, now_);
  }

  void step_router(int at) {
    std::uint8_t used = 0;
    for (auto& [color, router] : cores_[at].colors) {
      if (!router.router.has(now_)) {
        continue;
      }
      const std::uint8_t outputs = router.at().outputs;
      const bool is_control = router.router.entries.front().second.is_control;
      bool can = (outputs & used) == 0 &&
                 ((outputs & mask(Port::ramp)) == 0 || is_control || router.core.held < router.core.capacity);
      for (int p = 0; p < kNeighbours; ++p) {
        if ((outputs & (1U << p)) != 0) {
          const RouterColor* next = beside(at, static_cast<Port>(p), color);
          can = can && next->router.held < next->router.capacity &&
                next->at().input == opposite(static_cast<Port>(p));
        }
      }
      if (!can) {
        continue;
      }
      used |= outputs;
      Wavelet wavelet = take(router.router);
      if (is_control) {
        changes_.emplace_back(&router, static_cast<SwitchCommand>(wavelet.data & 3));
        wavelet.data >>= 2;
      }
      for (int p = 0; p < kNeighbours; ++p) {
        if ((outputs & (1U << p)) != 0) {
          send(beside(at, static_cast<Port>(p), color)->router, wavelet, 1);
          ++result_.counts.hops;
        }
      }
      if ((outputs & mask(Port::ramp)) != 0 && !is_control) {
        send(router.core, wavelet, timing_.ramp);
      }
    }
  }

  void commit() {
    for (Queue* queue : left_) {
      --queue->held;
    }
    left_.clear();
    for (auto& [router, command] : changes_) {
      if (command != SwitchCommand::none) {
        router->position =
            command == SwitchCommand::reset ? 0 : (router->position + 1) % router->route->positions.size();
      }
    }
    changes_.clear();
  }

  const MeshProgram& program_;
  const MeshMachineTiming& timing_;
  PlainResult result_;
  std::vector<Core> cores_;
  std::vector<Queue*> left_;
  std::vector<std::pair<RouterColor*, SwitchCommand>> changes_;
  std::int64_t now_ = 0;
  bool moved_ = false;
};

}  // namespace

PlainResult run_plainly(const MeshProgram& program, const MeshMachineTiming& timing) {
  return Plain(program, timing).run();
}

}  // namespace memwall
