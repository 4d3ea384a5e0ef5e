#include "memwall/processors/wafer/machine.h"

#include <algorithm>

#include <fmt/format.h>

#include "memwall/processors/wafer/machine_state.h"

namespace memwall {

MeshMachine::MeshMachine(const MeshProgram& program, const MeshMachineTiming& timing)
    : state_(std::make_unique<State>(program, timing)) {}
MeshMachine::~MeshMachine() = default;
MeshMachine::MeshMachine(MeshMachine&&) noexcept = default;

MeshResult MeshMachine::run() {
  MeshResult result;
  result.finished = true;
  int first_stuck = state_->count;
  for (mesh::Part& part : state_->parts) {
    part.run(state_->timers, state_->memory.data());
    const auto copies = static_cast<std::int64_t>(part.values.copies());
    result.cycles = std::max(result.cycles, part.result.cycles);
    result.hops += copies * part.result.hops;
    result.beats += copies * part.result.beats;
    result.steps += part.result.steps;
    int core = 0;
    const std::string_view what = part.unfinished(core);
    if (!what.empty() && part.global[core] < first_stuck) {
      first_stuck = part.global[core];
      result.finished = false;
      result.stuck =
          fmt::format("core ({}, {}) {}", first_stuck / state_->columns, first_stuck % state_->columns, what);
    }
  }
  result.core_cycles = result.cycles * state_->count;
  return result;
}

std::span<const std::uint16_t> MeshMachine::memory(int row, int column) const {
  const auto values = static_cast<std::size_t>(state_->memory_values);
  return {&state_->memory[(static_cast<std::size_t>(row) * state_->columns + column) * values], values};
}

}  // namespace memwall
