// mesh_cost.h - cycles of collectives and products on a mesh of cores, in closed form.
//
// A line is n cores in a row or column; all lines of a region work at the same time. B values of a vector are
// W = ceil(B / values per wavelet) wavelets, one per cycle and link. With T_R the cycles of the ramp between
// core and router, c_i those to start a tensor instruction, c_r those between instructions of one loop:
//
//   broadcast      c_i + W + (n - 1) + 2 T_R + 1
//   chain          c_i + W + (n - 1) (2 T_R + 2)
//   tree           a core of level r adds r children in turn; powers of two, see tree_reduce
//   two phase      groups of g, then their g-spaced leaders: 2 c_i + 2 W + (g - 1) (2 T_R + 2)
//                  + (n / g - 1) (g + 2 T_R + 1)
//   K-tree         K levels of two-sided chains to the middle of groups of n^(1/K): per level 2 c_i + 2 W +
//                  depth * (spacing + 2 T_R + 1)
//   all-reduce     a reduce and a broadcast from its root
//   cyclic shift   one step of a ring folded so that neighbours are at most 2 hops apart
//   KV shift       every core hands a block to the core above
//
// These are the law T >= max(C, E/N + L) + (2 T_R + 1) D of "Near-Optimal Wafer-Scale Reduce" (HPDC 2024,
// arXiv 2404.15888) with the order of instructions in one core worked out, plus the start of instructions.
// Checked by: mesh_cost_test.cpp against the machine (machine.h) within 4 % on lines and grids of 16 to 128.
#pragma once

#include <cstdint>

#include "memwall/processors/wafer/card.h"

namespace memwall {

// Constants of a card that cycles follow from.
struct MeshTiming {
  double ramp = 0, instruction = 0, operation = 0, repeat = 0, special = 0, task = 0;
  int simd = 1, values_per_wavelet = 2;
  double bytes_per_wavelet = 4;
};
MeshTiming mesh_timing(const WaferCard& card);

// chain: what the vendor's GEMV does (a pipelined reduce along the line). ktree: WaferLLM's.
enum class Collective { ktree, chain };

struct MeshCycles {
  double fabric = 0;   // wavelets on their way or in a queue
  double issue = 0;    // instructions being set up
  double compute = 0;  // vector unit at work
  double total() const { return fabric + issue + compute; }
  MeshCycles& operator+=(const MeshCycles& other);
};
MeshCycles operator+(MeshCycles a, const MeshCycles& b);
MeshCycles operator*(double times, MeshCycles cycles);

double wavelets(double values, const MeshTiming& timing);

// From one end of a line of n cores to all.
MeshCycles broadcast(int n, double values, const MeshTiming& timing);
MeshCycles chain_reduce(int n, double values, const MeshTiming& timing);
MeshCycles tree_reduce(int n, double values, const MeshTiming& timing);
MeshCycles two_phase_reduce(int n, int group, double values, const MeshTiming& timing);
MeshCycles ktree_reduce(int n, int levels, double values, const MeshTiming& timing);
MeshCycles all_reduce(int n, double values, Collective collective, const MeshTiming& timing);
// The law itself with D = depth, E/N + L and C of a chain: what its authors checked on hardware.
double law_chain(int n, double wavelets, double ramp);
double law_broadcast(int n, double wavelets, double ramp);

inline constexpr int kTreeLevels = 2;  // WaferLLM's K
int group_size(int n, int levels);     // ceil(n^(1/levels))

// Vector operations over a core's own memory: each `length` values long.
MeshCycles vector_ops(double operations, double length, const MeshTiming& timing);
// A loop of multiply-accumulates: `instructions` of `length` values over prepared descriptors.
MeshCycles mac_loop(double instructions, double length, const MeshTiming& timing);

// y(1, n) = x(1, k) W(k, n), k over `contract` cores of a line and n over `other` lines: the local product
// and the all-reduce along k, for `tokens` vectors.
MeshCycles mesh_gemv(double tokens, double k, double n, int contract, int other, Collective collective,
                     const MeshTiming& timing);

// One step of a ring that is folded onto a line, `values` to and from every core, nothing else to do.
MeshCycles cyclic_shift(double values, const MeshTiming& timing);
// Y(m, n) = X(m, k) W(k, n) on side x side cores by `side` shifts of both operands, each under the product of
// the tiles at hand; X as its producer left it: it is aligned first, in up to side / 2 shifts.
MeshCycles mesh_gemm(double m, double k, double n, int side, const MeshTiming& timing);
// Without the alignment: tiles already where the first product needs them.
MeshCycles aligned_gemm(double m, double k, double n, int side, const MeshTiming& timing);

// S(m, n) = Q(m, k) K(n, k)^T: keys circulate, partial sums pass along a row to its first core. `heads` that
// share the row have sums of their own, each over side / heads cores.
MeshCycles transposed_gemm(double m, double k, double n, int side, double heads, const MeshTiming& timing);

MeshCycles kv_shift(double values, const MeshTiming& timing);

}  // namespace memwall
