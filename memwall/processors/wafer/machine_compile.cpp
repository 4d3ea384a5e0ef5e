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

MeshMachine::State::State(const MeshProgram& program, const MeshMachineTiming& timing)
    : columns(program.columns),
      count(program.count()),
      memory_values(program.memory_values),
      memory(program.memory) {
  memory.resize(static_cast<std::size_t>(memory_values) * count);
  timers.wakes.resize(timing.ramp + 2);
  timers.wheel.resize(mesh::kWheel);
  std::vector<std::int32_t> locals(count);
  for (const mesh::SamePart& same : mesh::parts_of(program)) {
    for (std::size_t i = 0; i < same.cores.size(); ++i) {
      locals[same.cores[i]] = static_cast<std::int32_t>(i);
    }
    parts.emplace_back(program, timing, same, locals);
  }
}

namespace mesh {
namespace {

std::vector<std::size_t> in_values(const std::vector<std::int32_t>& offsets, int memory_values) {
  std::vector<std::size_t> values;
  for (const std::int32_t offset : offsets) {
    values.push_back(static_cast<std::size_t>(offset) * memory_values);
  }
  return values;
}

}  // namespace

Part::Part(const MeshProgram& program, const MeshMachineTiming& machine_timing, const SamePart& same,
           const std::vector<std::int32_t>& locals)
    : timing(machine_timing),
      count(static_cast<int>(same.cores.size())),
      memory_values(program.memory_values),
      global(same.cores),
      values(in_values(same.offsets, program.memory_values)) {
  compile_routes(program, locals);
  compile_code(program);
  router_work.resize(count);
}

void Part::compile_routes(const MeshProgram& program, const std::vector<std::int32_t>& locals) {
  first_slot.resize(count + 1);
  for (int core = 0; core < count; ++core) {
    first_slot[core + 1] =
        first_slot[core] + static_cast<std::int32_t>(program.cores[global[core]].routes.size());
  }
  const std::int32_t slots = first_slot[count];
  owner.resize(slots);
  router_queues.resize(slots);
  core_queues.resize(slots);
  switches.resize(slots);
  const std::array<int, kNeighbours> step = {-program.columns, 1, program.columns, -1};
  // What is under way on a ramp has its own place.
  const int with_ramp = timing.queue_depth + timing.ramp;
  for (int core = 0; core < count; ++core) {
    const std::vector<Route>& routes = program.cores[global[core]].routes;
    for (const Route& route : routes) {
      const int slot = first_slot[core] + local_rank(routes, route.color);
      owner[slot] = core;
      switches[slot].positions = route.positions;
      RouterQueue& queue = router_queues[slot];
      queue.input = static_cast<std::uint8_t>(route.positions.front().input);
      queue.outputs = route.positions.front().outputs;
      for (const SwitchPosition& position : route.positions) {
        queue.from_ramp = queue.from_ramp || position.input == Port::ramp;
        for (int d = 0; d < kNeighbours; ++d) {
          if ((position.outputs & (1U << d)) != 0) {
            const int next = global[core] + step[d];
            queue.neighbour[d] =
                first_slot[locals[next]] + local_rank(program.cores[next].routes, route.color);
          }
        }
      }
      queue.capacity = static_cast<std::uint8_t>(queue.from_ramp ? with_ramp : timing.queue_depth);
      core_queues[slot].capacity = static_cast<std::uint8_t>(with_ramp);
    }
  }
}

void Part::compile_list(const CoreProgram& program, int core, const std::vector<Instruction>& list) {
  const std::vector<Route>& routes = program.routes;
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

void Part::compile_code(const MeshProgram& program) {
  cores.resize(count);
  first_bound.resize(count + 1);
  const auto position = [&] { return static_cast<std::int32_t>(code.size()); };
  for (int core = 0; core < count; ++core) {
    const CoreProgram& each = program.cores[global[core]];
    start.push_back(position());
    compile_list(each, core, each.start);
    start_end.push_back(position());
    for (const BoundTask& task : each.bound) {
      Bound entry{first_slot[core] + local_rank(each.routes, task.color), position(), 0};
      compile_list(each, core, task.instructions);
      entry.end = position();
      bound.push_back(entry);
    }
    first_bound[core + 1] = static_cast<std::int32_t>(bound.size());
    cores[core].repeats_left = each.start.empty() ? 0 : each.repeat;
  }
}

}  // namespace mesh
}  // namespace memwall
