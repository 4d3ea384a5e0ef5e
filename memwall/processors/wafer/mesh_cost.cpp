#include "memwall/processors/wafer/mesh_cost.h"

#include <algorithm>
#include <cmath>

namespace memwall {
namespace {

double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

// Where the sums of a line of n end when groups of `group` add up to their middle, and their middles
// likewise.
int ktree_root(int n, int group) {
  if (n <= 1) {
    return 0;
  }
  const int root_group = ktree_root((n + group - 1) / group, group);
  return root_group * group + std::min(group, n - root_group * group) / 2;
}

// From a core's beat to the next core's, `hops` away: up the ramp, along, down the ramp.
double step_cycles(double hops, const MeshTiming& timing) { return hops + 2 * timing.ramp + 1; }

// Beats of a transfer delay the start of the next instruction, each by a cycle, but for the first one where a
// start takes a single cycle: they fall together.
double free_beat(const MeshTiming& timing) { return timing.instruction > 1 ? 0 : 1; }

}  // namespace

MeshTiming mesh_timing(const WaferCard& card) {
  return {.ramp = card.ramp_cycles,
          .instruction = card.instruction_cycles,
          .operation = card.operation_cycles,
          .repeat = card.repeat_cycles,
          .special = card.special_cycles,
          .task = card.task_cycles,
          .simd = card.simd,
          .values_per_wavelet = card.values_per_wavelet(),
          .bytes_per_wavelet = card.wavelet.value};
}

MeshCycles& MeshCycles::operator+=(const MeshCycles& other) {
  fabric += other.fabric;
  issue += other.issue;
  compute += other.compute;
  return *this;
}
MeshCycles operator+(MeshCycles a, const MeshCycles& b) { return a += b; }
MeshCycles operator*(double times, MeshCycles cycles) {
  return {times * cycles.fabric, times * cycles.issue, times * cycles.compute};
}

double wavelets(double values, const MeshTiming& timing) {
  return ceil_div(values, timing.values_per_wavelet);
}

MeshCycles broadcast(int n, double values, const MeshTiming& timing) {
  return {wavelets(values, timing) + step_cycles(n - 1, timing), timing.instruction, 0};
}

MeshCycles chain_reduce(int n, double values, const MeshTiming& timing) {
  return {wavelets(values, timing) + (n - 1) * step_cycles(1, timing), timing.instruction, 0};
}

namespace {

// When the first core of a subtree of `size` cores begins to add its last child, and so to hand on.
double tree_begin(int size, double length, const MeshTiming& timing) {
  // A child's stream can be added once the one before it has been and its own first wavelet is there.
  double begin = 0;
  for (int distance = 1; distance < size; distance *= 2) {
    const double arrival =
        tree_begin(std::min(distance, size - distance), length, timing) + step_cycles(distance, timing);
    begin = distance == 1 ? arrival : std::max(arrival, begin + length + timing.instruction);
  }
  return begin;
}

}  // namespace

MeshCycles tree_reduce(int n, double values, const MeshTiming& timing) {
  const double length = wavelets(values, timing);
  return {tree_begin(n, length, timing) + length, timing.instruction, 0};
}

MeshCycles two_phase_reduce(int n, int group, double values, const MeshTiming& timing) {
  const double length = wavelets(values, timing);
  const int leaders = (n + group - 1) / group, last_group = n - (leaders - 1) * group;
  // The last leader's group may be smaller; then the one before it may be the later one.
  const auto path = [&](int size, int hops) {
    return (size - 1) * step_cycles(1, timing) + hops * step_cycles(group, timing);
  };
  const double longest = std::max(path(last_group, leaders - 1), leaders > 1 ? path(group, leaders - 2) : 0);
  const double phases = leaders > 1 && group > 1 ? 2 : 1;
  return {phases * length + longest, phases * timing.instruction, 0};
}

int group_size(int n, int levels) {
  const auto reaches = [&](int group) {
    std::int64_t product = 1;
    for (int level = 0; level < levels; ++level) {
      product *= group;
    }
    return product >= n;
  };
  int group = levels == 2 ? static_cast<int>(std::sqrt(n)) : 1;
  while (!reaches(group)) {
    ++group;
  }
  return group;
}

MeshCycles ktree_reduce(int n, int levels, double values, const MeshTiming& timing) {
  const double length = wavelets(values, timing);
  const int group = group_size(n, levels);
  MeshCycles cycles;
  // Cores that add at this level are `spacing` apart, but for the last: its group may be a short one.
  int spacing = 1, first = 0, last = n - 1;
  for (int left = n; left > 1;) {
    const int members = std::min(group, left), groups = (left + group - 1) / group;
    const int in_last = left - (groups - 1) * group;
    const int middle = members / 2;
    const double sides = members > 2 ? 2 : 1;
    const int hop = left == 2 ? last - first : spacing;
    cycles.fabric += sides * length + middle * step_cycles(hop, timing);
    cycles.issue += sides * timing.instruction;
    last = in_last <= 2 ? last : first + ((groups - 1) * group + in_last / 2) * spacing;
    first += middle * spacing;
    spacing *= group;
    left = groups;
  }
  return cycles;
}

MeshCycles all_reduce(int n, double values, Collective collective, const MeshTiming& timing) {
  if (n <= 1) {
    return {};
  }
  if (collective == Collective::chain) {
    return chain_reduce(n, values, timing) + broadcast(n, values, timing);
  }
  const int root = ktree_root(n, group_size(n, kTreeLevels));
  const int farthest = std::max(root, n - 1 - root);
  return ktree_reduce(n, kTreeLevels, values, timing) + broadcast(farthest + 1, values, timing);
}

double law_chain(int n, double wavelets, double ramp) {
  const double contention = wavelets, links = n - 1, depth = n - 1, energy = wavelets * links;
  return std::max(contention, energy / links + (n - 1)) + (2 * ramp + 1) * depth;
}
double law_broadcast(int n, double wavelets, double ramp) {
  return std::max(wavelets, wavelets + (n - 1)) + (2 * ramp + 1);
}

MeshCycles vector_ops(double operations, double length, const MeshTiming& timing) {
  return {0, operations * timing.operation, operations * ceil_div(length, timing.simd)};
}

MeshCycles mac_loop(double instructions, double length, const MeshTiming& timing) {
  return {0, instructions * timing.repeat, instructions * ceil_div(length, timing.simd)};
}

MeshCycles mesh_gemv(double tokens, double k, double n, int contract, int other, Collective collective,
                     const MeshTiming& timing) {
  const double inputs = ceil_div(k, contract), outputs = ceil_div(n, other);
  MeshCycles cycles = mac_loop(tokens * inputs, outputs, timing);
  cycles.issue += timing.instruction;
  return cycles + all_reduce(contract, tokens * outputs, collective, timing);
}

MeshCycles cyclic_shift(double values, const MeshTiming& timing) {
  // The core starts to send and then to receive; beats of sending delay the second start.
  const double length = wavelets(values, timing);
  const double delay = length - free_beat(timing);
  const double arrival = std::max(delay, step_cycles(2, timing) - timing.instruction);
  return {arrival + length + 1, 2 * timing.instruction, 0};
}

MeshCycles aligned_gemm(double m, double k, double n, int side, const MeshTiming& timing) {
  const double rows = ceil_div(m, side), depth = ceil_div(k, side), columns = ceil_div(n, side);
  const double moved = wavelets(rows * depth, timing) + wavelets(depth * columns, timing);
  // Four transfers and the product are started; a transfer's beats and the product share the vector unit.
  MeshCycles step = mac_loop(depth * columns, rows, timing);
  step.issue += 5 * timing.instruction;
  // Or the step lasts until what is sent second has arrived: beats of the first transfer delay its start.
  const double arrival = 2 * timing.instruction + 1 - free_beat(timing) + moved + step_cycles(2, timing);
  step.fabric += std::max(2 * moved, arrival - step.compute - step.issue);
  return side * step;
}

MeshCycles mesh_gemm(double m, double k, double n, int side, const MeshTiming& timing) {
  const double tile = ceil_div(m, side) * ceil_div(k, side);
  return std::floor(side / 2.0) * cyclic_shift(tile, timing) + aligned_gemm(m, k, n, side, timing);
}

MeshCycles transposed_gemm(double m, double k, double n, int side, double heads, const MeshTiming& timing) {
  const double rows = ceil_div(m, side), depth = ceil_div(k, side), columns = ceil_div(n, side);
  const double sums = rows * columns * std::max(1.0, ceil_div(heads, side));
  // Two transfers, the sums set to zero, the product, and the sums passed on.
  MeshCycles step = mac_loop(depth * columns, rows, timing);
  step.compute += ceil_div(sums, timing.simd);
  step.issue += 5 * timing.instruction;
  step.fabric += 2 * wavelets(depth * columns, timing) + wavelets(sums, timing);
  MeshCycles cycles = side * step;
  cycles.fabric +=
      std::max(0.0, side / heads - 1) * step_cycles(1, timing);  // until the first sum is complete
  return cycles;
}

MeshCycles kv_shift(double values, const MeshTiming& timing) {
  // What comes from below starts a task, whose setting up is delayed by the beats of sending that are left.
  const double length = wavelets(values, timing);
  return {std::max(length, step_cycles(1, timing)) + length + 1, 2 * timing.instruction + timing.task, 0};
}

}  // namespace memwall
