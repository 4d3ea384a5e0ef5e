#include "memwall/processors/wafer/mesh_cost.h"

#include <algorithm>
#include <cmath>

namespace memwall {
namespace {

double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

// From a core's beat to the next core's, `hops` away: up the ramp, along, down the ramp.
double step_cycles(double hops, const MeshTiming& timing) { return hops + 2 * timing.ramp + 1; }

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

MeshCycles tree_reduce(int n, double values, const MeshTiming& timing) {
  // A core of level r adds r children one after another and hands on while it adds the last one: that one can
  // begin when the one before is done and the child's first wavelet is there.
  const double length = wavelets(values, timing);
  double begin = 0;
  for (int distance = 1; distance < n; distance *= 2) {
    const double arrival = begin + step_cycles(distance, timing);
    begin = distance == 1 ? arrival : std::max(arrival, begin + length + timing.instruction);
  }
  return {begin + length, timing.instruction, 0};
}

MeshCycles two_phase_reduce(int n, int group, double values, const MeshTiming& timing) {
  const double length = wavelets(values, timing);
  const double leaders = ceil_div(n, group);
  return {2 * length + (group - 1) * step_cycles(1, timing) + (leaders - 1) * step_cycles(group, timing),
          2 * timing.instruction, 0};
}

int group_size(int n, int levels) {
  int group = 1;
  while (std::pow(group, levels) < n) {
    ++group;
  }
  return group;
}

MeshCycles ktree_reduce(int n, int levels, double values, const MeshTiming& timing) {
  const double length = wavelets(values, timing);
  const int group = group_size(n, levels);
  MeshCycles cycles;
  double spacing = 1;
  for (int left = n; left > 1; left = static_cast<int>(ceil_div(left, group))) {
    const int members = std::min(group, left);
    const double sides = members > 2 ? 2 : 1;
    cycles.fabric += sides * length + std::floor(members / 2.0) * step_cycles(spacing, timing);
    cycles.issue += sides * timing.instruction;
    spacing *= group;
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
  return ktree_reduce(n, kTreeLevels, values, timing) + broadcast(n / 2 + 1, values, timing);
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
  // One start to send and one to receive; every wavelet is one beat of the sender and one of the receiver.
  return {2 * wavelets(values, timing) + step_cycles(2, timing), 2 * timing.instruction, 0};
}

MeshCycles aligned_gemm(double m, double k, double n, int side, const MeshTiming& timing) {
  const double rows = ceil_div(m, side), depth = ceil_div(k, side), columns = ceil_div(n, side);
  const double moved = wavelets(rows * depth, timing) + wavelets(depth * columns, timing);
  // Four transfers and the product are started; a transfer's beats and the product share the vector unit.
  MeshCycles step = mac_loop(depth * columns, rows, timing);
  step.issue += 5 * timing.instruction;
  const double latency = step_cycles(2, timing);
  step.fabric += std::max(2 * moved, moved + latency - step.compute - step.issue);
  return side * step;
}

MeshCycles mesh_gemm(double m, double k, double n, int side, const MeshTiming& timing) {
  const double tile = ceil_div(m, side) * ceil_div(k, side);
  return std::floor(side / 2.0) * cyclic_shift(tile, timing) + aligned_gemm(m, k, n, side, timing);
}

MeshCycles kv_shift(double values, const MeshTiming& timing) {
  return {2 * wavelets(values, timing) + step_cycles(1, timing), timing.instruction + timing.task, 0};
}

}  // namespace memwall
