// The fast machine's tables, from a program: slots for colours, queues for operands, lists one after another.
#include <algorithm>

#include "memwall/processors/wafer/machine_state.h"

namespace memwall {
namespace {

int local_rank(const std::vector<Route>& routes, int color) {
  return static_cast<int>(
      std::count_if(routes.begin(), routes.end(), [&](const Route& route) { return route.color < color; }));
}

}  // namespace

MeshMachineTiming machine_timing(const WaferCard& card) {
  return {static_cast<int>(card.ramp_cycles),
          static_cast<int>(card.instruction_cycles),
          static_cast<int>(card.repeat_cycles),
          static_cast<int>(card.task_cycles),
          card.simd,
          card.queue_depth};
}

MeshMachine::State::State(const MeshProgram& program, const MeshMachineTiming& machine_timing)
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
  wheel.resize(mesh::kWheel);
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
      mesh::Bound entry{first_slot[core] + local_rank(each.routes, task.color), position(), 0};
      compile_list(program, core, task.instructions);
      entry.end = position();
      bound.push_back(entry);
    }
    first_bound[core + 1] = static_cast<std::int32_t>(bound.size());
    cores[core].repeats_left = each.start.empty() ? 0 : each.repeat;
  }
}

}  // namespace memwall
