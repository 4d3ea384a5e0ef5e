#include "memwall/processors/lpu/sections.h"

#include <algorithm>
#include <cmath>

namespace memwall {
namespace {

constexpr double kHemispheres = 2;
constexpr double kHalfBytes = 2;  // of a 16-bit value

double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

// A value of w bytes lies in w neighbouring scratch slices, dealt in turn: the mean distance of the farthest
// and of the nearest of them from the VXM.
double farthest(const LpuGeometry& g, int bytes) {
  const double s = g.scratch_slices(), w = std::min<double>(bytes, s);
  return ((s + w) * (s - w + 1) / 2 + (w - 1) * s) / s;
}
double nearest(const LpuGeometry& g, int bytes) {
  const double s = g.scratch_slices(), w = std::min<double>(bytes, s);
  return ((s - w + 1) * (s - w + 2) / 2 + (w - 1)) / s;
}

constexpr int kByte = 1, kHalf = 2, kWord = 4;  // bytes of a value

// From the scratch slices to the VXM, back, and to a unit at the edge.
double to_vxm(const LpuGeometry& g, int bytes) { return g.read_delay + farthest(g, bytes); }
double from_vxm(const LpuGeometry& g, int bytes) { return farthest(g, bytes) + g.write_delay; }
double to_edge(const LpuGeometry& g, int distance, int bytes) {
  return g.read_delay + distance - nearest(g, bytes);
}
double chained(const LpuGeometry& g, double chain) { return chain * g.alu_delay; }

// A vector through the VXM: operand and result of so many bytes a lane.
double vector_cycles(const LpuGeometry& g, double chain, int in, int out) {
  return to_vxm(g, in) + chained(g, chain) + from_vxm(g, out);
}
// From an array's operand to its result at the VXM.
double array_cycles(const LpuGeometry& g) { return g.matrix_delay + g.emit_delay + g.mxm_distance(); }
double pass_cycles(const LpuGeometry& g, double chain, int in, int out) {
  return to_edge(g, g.mxm_distance(), in) + array_cycles(g) + chained(g, chain) + from_vxm(g, out);
}
// Through a switch and a chain.
double switch_cycles(const LpuGeometry& g, double chain, int in, int out) {
  return to_edge(g, g.sxm_distance(), in) + g.switch_delay + g.sxm_distance() + chained(g, chain) +
         from_vxm(g, out);
}
// From the scratch slices of one chip over a link into those of the other, flight and wire left out.
double exchange_ends(const LpuGeometry& g) {
  return to_edge(g, g.c2c_distance(), kHalf) + g.emit_delay + g.c2c_distance() - nearest(g, kHalf) +
         g.write_delay;
}

double maximum_levels(const LpuGeometry& g) { return std::ceil(std::log2(g.rotation_radix())); }

// What tiles one after another add to a single pass: a period for each further tile, less what the second
// buffer already holds when the operands come, and the further activations of the last tile.
double streaming_cycles(double load, double through, double tiles, double interval) {
  const double ahead = tiles > 1 ? std::max(0.0, load - through) : 0;
  return (tiles - 1) * std::max(load, through) - ahead + through - interval;
}

// The tiles of a matrix: how many one after another, and how long each takes to load and to be used.
struct Tiling {
  double rounds, tiles_of_round, load, through, interval;
  double tiles() const { return rounds * tiles_of_round; }
  double period() const { return std::max(load, through); }
  double streaming() const { return streaming_cycles(load, through, tiles(), interval); }
};
Tiling tiling_of(const LpuGeometry& g, const ArrayMode& mode, const LinearShape& shape) {
  const double columns = shape.tile_columns > 0 ? shape.tile_columns : std::min<double>(g.lanes(), shape.n);
  const double rows = shape.tile_rows > 0 ? shape.tile_rows : g.lanes();
  Tiling tiling;
  tiling.rounds = ceil_div(ceil_div(shape.n, columns), mode.parallel_tiles());
  tiling.tiles_of_round = ceil_div(shape.k, rows);
  tiling.load = mode.load_cycles(g, columns);
  tiling.interval = mode.interval();
  tiling.through = shape.tokens * tiling.interval;
  return tiling;
}

}  // namespace

SectionLength& SectionLength::operator+=(const SectionLength& other) {
  cycles += other.cycles;
  load_cycles += other.load_cycles;
  array_cycles += other.array_cycles;
  return *this;
}

double ArrayMode::load_cycles(const LpuGeometry& g, double columns) const {
  const double arrays = bytes ? 1 : 2;  // that share the streams of one tile
  return std::ceil(columns * stored_bytes / (arrays * g.weight_streams()));
}

SectionLength linear_section(const LpuGeometry& g, const ArrayMode& mode, const LinearShape& shape) {
  const Tiling tiling = tiling_of(g, mode, shape);
  const double pass = pass_cycles(g, shape.chain, mode.bytes ? kByte : kHalf, kHalf);
  SectionLength length{pass + tiling.streaming(), tiling.tiles() * tiling.load,
                       tiling.tiles() * tiling.through};
  if (shape.follows) {
    // The arrays idle while the last of the matrix before comes back; tiles of operands that are there
    // already use it.
    length.cycles -= std::min((tiling.tiles_of_round - 1) * tiling.period(), pass);
  }
  return length;
}

Emission emission_of(const LpuGeometry& g, const ArrayMode& mode, const LinearShape& shape) {
  const Tiling tiling = tiling_of(g, mode, shape);
  return {tiling.rounds, (tiling.rounds - 1) * tiling.tiles_of_round * tiling.period()};
}

SectionLength norm_section(const LpuGeometry& g, double vectors, double tokens) {
  // Squares (scale, multiply), the sum over lanes (mean and epsilon, inverse root), then root and gain. Roots
  // come one after another, and what is left behind the last is its own token, two vectors a cycle.
  const ArrayMode half;
  constexpr double kSquare = 2, kRoot = 2, kScale = 2, kPerCycle = 2;
  const double through = vectors * ceil_div(tokens, kHemispheres) * half.interval();
  return {vector_cycles(g, kSquare, kHalf, kHalf) + pass_cycles(g, kRoot, kHalf, kWord) + through -
              half.interval() + vector_cycles(g, kScale, kWord, kHalf) + (vectors - 1) / kPerCycle,
          half.load_cycles(g, g.lanes()), through};
}

SectionLength rope_section(const LpuGeometry& g, double vectors) {
  constexpr double kChain = 2;
  return {switch_cycles(g, kChain, kHalf, kHalf) + vectors - 1, 0, 0};
}

double lane_maximum_cycles(const LpuGeometry& g) {
  return g.rotation_steps() * switch_cycles(g, maximum_levels(g), kWord, kWord);
}

double slots_of(const LpuGeometry& g, double head_dim, double kv_heads) {
  return std::max(1.0, std::min(std::floor(g.lanes() / head_dim), kv_heads));
}

SectionLength attention_section(const LpuGeometry& g, const LpuAttention& shape) {
  const ArrayMode cache{false, shape.kv_bytes};
  const double key_parts = ceil_div(shape.qk_dim, g.lanes()), value_parts = ceil_div(shape.v_dim, g.lanes());
  const double slots = slots_of(g, std::max(shape.qk_dim, shape.v_dim), shape.kv_heads);
  const double rows = ceil_div(shape.kv_heads, slots);   // of one token's keys
  const double tiles = ceil_div(shape.keys, g.lanes());  // of one row
  const double sides = std::min(kHemispheres, shape.sequences * rows);
  const double rows_of_side = ceil_div(shape.sequences * rows, kHemispheres);
  const double vectors = shape.sequences * shape.heads * shape.queries;
  // Through a tile go all heads and queries that share its row.
  const double through = ceil_div(shape.heads * shape.queries, rows) * cache.interval();
  const double load = cache.load_cycles(g, std::min<double>(g.lanes(), shape.keys));
  const double sums_of_side = ceil_div(vectors, sides) * tiles * cache.interval();
  constexpr double kScore = 1, kExp = 2, kOut = 2, kReciprocal = 1;

  const auto streaming = [&](double parts) {
    return streaming_cycles(load, through, rows_of_side * tiles * parts, cache.interval());
  };
  // Scores; the largest over tiles and lanes; exponentials.
  double cycles = pass_cycles(g, kScore, kHalf, kWord) + streaming(key_parts) + lane_maximum_cycles(g) +
                  vector_cycles(g, kExp, kWord, kHalf) + vectors * (tiles - 1);
  if (tiles > 1) {
    cycles += vector_cycles(g, tiles - 1, kWord, kWord);
  }
  // Their sum, a product with ones, while values are multiplied; both take turns where both hemispheres hold
  // values.
  const double wait = std::max(0.0, sums_of_side - vectors * tiles);
  const double sum = pass_cycles(g, kReciprocal, kHalf, kWord) + wait + to_vxm(g, kWord);
  const double values =
      to_edge(g, g.mxm_distance(), kHalf) + array_cycles(g) + streaming(value_parts) + (sides > 1 ? wait : 0);
  cycles +=
      std::max(sum, values) + chained(g, kOut) + from_vxm(g, kHalf) + vector_cycles(g, slots, kHalf, kHalf);
  const double all_tiles = rows_of_side * tiles * (key_parts + value_parts);
  return {cycles, all_tiles * load, all_tiles * through + sums_of_side};
}

namespace {

ExchangeLength reduce_at_once(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips) {
  return {exchange_ends(g) + vector_cycles(g, chips, kHalf, kHalf), 1, vectors * kHalfBytes * links.wire};
}
// A part's way: onto the link, over it, and added; then its sum's. Sums follow the parts on the same links,
// so that the first of them wait for the parts to leave, or the links for the first sum.
ExchangeLength reduce_by_parts(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips) {
  const double row = kHalfBytes * links.wire, part = ceil_div(vectors, chips) * row;
  const double hop = links.flight + exchange_ends(g);
  const double summed = hop + vector_cycles(g, chips - 1, kHalf, kHalf) + row;
  const double total = part + std::max(part, summed) + hop + vector_cycles(g, 1, kHalf, kHalf);
  const double hops = total - 2 * part >= 2 * links.flight ? 2 : 1;
  return {total - 2 * part - hops * links.flight, hops, 2 * part};
}

}  // namespace

bool all_reduce_at_once(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips) {
  return chips <= links.node && reduce_at_once(g, links, vectors, chips).cycles(links) <=
                                    reduce_by_parts(g, links, vectors, chips).cycles(links);
}

ExchangeLength all_reduce_section(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips,
                                  const Emission& emission) {
  const auto overlapped = [&](ExchangeLength length) {
    const double after = std::max(length.wire - emission.spread, length.wire / emission.groups);
    const double most = length.hops > 1 ? length.wire / 2 : length.wire;  // sums come after all parts
    length.hidden = std::min(most, length.wire - after);
    return length;
  };
  if (all_reduce_at_once(g, links, vectors, chips)) {
    return overlapped(reduce_at_once(g, links, vectors, chips));
  }
  ExchangeLength length = reduce_by_parts(g, links, vectors, std::min(chips, links.node));
  if (chips > links.node) {
    // Sums of a node's part go to the other nodes before they are gathered: two hops, over the global links.
    const double others = ceil_div(chips, links.node) - 1;
    length.inside += exchange_ends(g) + vector_cycles(g, others, kHalf, kHalf);
    length.hops += 2;
    length.wire +=
        ceil_div(vectors, links.node) * kHalfBytes * links.wire * ceil_div(others, std::max(1, links.global));
  }
  return overlapped(length);
}

ExchangeLength hand_over_section(const LpuGeometry& g, const LinkTiming& links, double vectors) {
  return {exchange_ends(g), 1, ceil_div(vectors * kHalfBytes, std::max(1, links.global)) * links.wire};
}

}  // namespace memwall
