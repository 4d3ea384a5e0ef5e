// geometry.h - the shape of a statically scheduled stream processor, in slices, lanes and cycles.
//
// A chip is a row of slices from west to east: C2C, MXM, SXM, MEM x mem_slices, VXM, MEM x mem_slices, SXM,
// MXM, C2C. A vector is one byte in each of lanes() lanes. `streams` eastward and as many westward stream
// registers stand at every slice; a value moves one slice per cycle. "Outward" is away from the VXM, "inward"
// towards it.
//
// Source of the organisation: Abts et al., "Think Fast", ISCA 2020. The functional delays (d_*) are constants
// of the instruction set that were never published: they come from the card as estimates.
#pragma once

#include <algorithm>

namespace memwall {

enum class Hemisphere { west, east };

struct LpuGeometry {
  int superlanes = 20, lanes_per_superlane = 16;
  int mem_slices = 44;        // per hemisphere
  int words_per_bank = 4096;  // vectors; a slice has two banks
  int streams = 32;           // per direction
  int alus = 16;              // of the VXM, in each lane
  int switch_units = 4;       // SXM instructions that one hemisphere issues in a cycle

  // Cycles from the dispatch of an instruction to its result: at the slice's own stream register, in the
  // other unit's input, in the array, or in the memory.
  int read_delay = 1, write_delay = 1, alu_delay = 1, switch_delay = 1, matrix_delay = 1, emit_delay = 1;

  static constexpr int kBanks = 2, kPlanesPerHemisphere = 2, kPlanes = 4;
  // Streams that carry activations to an array: the two bytes of a 16-bit vector.
  static constexpr int kActivationStreams = 2;

  bool operator==(const LpuGeometry&) const = default;

  int lanes() const { return superlanes * lanes_per_superlane; }
  int positions() const { return 2 * mem_slices + 7; }
  int vxm() const { return mem_slices + 3; }  // position, counted from the west edge
  // Positions by distance from the VXM: MEM slices are at 1 .. mem_slices.
  int at(Hemisphere side, int distance) const {
    return side == Hemisphere::east ? vxm() + distance : vxm() - distance;
  }
  int sxm_distance() const { return mem_slices + 1; }
  int mxm_distance() const { return mem_slices + 2; }
  int c2c_distance() const { return mem_slices + 3; }

  // Streams that bring weights to one array while activations flow beside them.
  int weight_streams() const { return (streams - kActivationStreams) / kPlanesPerHemisphere; }
  // Slices next to the VXM that hold what is computed; those beyond hold weights and cache.
  int scratch_slices() const { return mem_slices - kPlanesPerHemisphere * weight_streams(); }
  long long vectors() const { return 2LL * mem_slices * kBanks * words_per_bank; }
  long long macs() const {
    return static_cast<long long>(kPlanes) * lanes() * lanes();
  }  // of bytes, per cycle
  long long sram_bytes_per_cycle() const { return 2LL * mem_slices * kBanks * lanes(); }
  long long stream_bytes_per_cycle() const { return 2LL * streams * lanes(); }  // at any cut

  // Steps of a reduction across lanes whose result reaches every lane, when each step combines as many
  // rotations of a vector as the switches of both hemispheres make: radix ^ steps >= lanes.
  int rotation_radix() const { return 2 * switch_units; }
  int rotation_steps() const;
};

// Places beside the VXM for what it reads again, of values of so many bytes: as many as results can come in
// one cycle.
inline int places_by_vxm(const LpuGeometry& geometry, int bytes) {
  constexpr int kNearest = 8;  // slices
  return std::max(1, std::min(kNearest, geometry.scratch_slices()) / bytes);
}

}  // namespace memwall
