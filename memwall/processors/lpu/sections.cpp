#include "memwall/processors/lpu/sections.h"

#include <algorithm>
#include <cmath>

namespace memwall {
namespace {

constexpr double kHemispheres = 2;

double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

constexpr int kByte = 1, kHalf = 2, kWord = 4;  // bytes of a value

// How far from the VXM the last byte of a value lies that it reads again.
double beside_vxm(const LpuGeometry& g, int bytes) { return std::min(bytes, g.scratch_slices()); }
// The same of values that are dealt over all scratch slices: the mean.
double dealt(const LpuGeometry& g, int bytes) {
  const double s = g.scratch_slices(), w = std::min<double>(bytes, s);
  return ((s + w) * (s - w + 1) / 2 + (w - 1) * s) / s;
}
// To the VXM, and from there to where it reads again. To a unit at the edge, and from the VXM to where such a
// unit reads: the way out is counted in one piece, wherever between them the value lies.
double to_vxm(const LpuGeometry& g, int bytes) { return g.read_delay + beside_vxm(g, bytes); }
double kept(const LpuGeometry& g, int bytes) { return beside_vxm(g, bytes) + g.write_delay; }
double to_edge(const LpuGeometry& g, int distance) { return g.read_delay + distance; }
double handed_out(const LpuGeometry& g) { return g.write_delay; }
double chained(const LpuGeometry& g, double chain) { return chain * g.alu_delay; }

// From the scratch slices to an array and its result at the VXM; through a switch to the VXM.
double through_array(const LpuGeometry& g) {
  return to_edge(g, g.mxm_distance()) + g.matrix_delay + g.emit_delay + g.mxm_distance();
}
double through_switch(const LpuGeometry& g) {
  return to_edge(g, g.sxm_distance()) + g.switch_delay + g.sxm_distance();
}
// From the scratch slices of one chip over a link to the VXM of the other, flight and wire left out.
double exchange_ends(const LpuGeometry& g) {
  return to_edge(g, g.c2c_distance()) + g.emit_delay + g.write_delay + g.read_delay + g.c2c_distance();
}

double maximum_levels(const LpuGeometry& g) { return std::ceil(std::log2(g.rotation_radix())); }

// What tiles one after another add to a single pass: a period for each further tile, less what the second
// buffer already holds when the operands come, and the further activations of the last tile.
double streaming_cycles(double load, double through, double tiles, double interval) {
  const double ahead = tiles > 1 ? std::max(0.0, load - through) : 0;
  return (tiles - 1) * std::max(load, through) - ahead + through - interval;
}

// The tiles of a matrix: how many one after another, and how long each takes to load and to be used. Those of
// the last round may hold fewer columns each, or share their tokens with the other hemisphere.
struct Tiling {
  double rounds, tiles_of_round, load, last_load, through, last_through, interval;
  double tiles() const { return rounds * tiles_of_round; }
  double period() const { return std::max(load, through); }
  double used() const { return (tiles() - tiles_of_round) * through + tiles_of_round * last_through; }
  double loaded() const { return (tiles() - tiles_of_round) * load + tiles_of_round * last_load; }
  double streaming() const {
    const double last = (tiles_of_round - 1) * std::max(last_load, last_through) + last_through - interval;
    if (rounds == 1) {
      const double ahead = tiles_of_round > 1 ? std::max(0.0, last_load - last_through) : 0;
      return last - ahead;
    }
    const double before = tiles() - tiles_of_round;
    return (before - 1) * period() - std::max(0.0, load - through) + std::max(last_load, through) + last;
  }
};
Tiling tiling_of(const LpuGeometry& g, const ArrayMode& mode, const LinearShape& shape) {
  const double part = shape.n / shape.parts;
  const double columns = shape.tile_columns > 0 ? shape.tile_columns : std::min<double>(g.lanes(), part);
  const double rows = shape.tile_rows > 0 ? shape.tile_rows : g.lanes();
  const double side_by_side = shape.parts * ceil_div(part, columns);
  Tiling tiling;
  tiling.rounds = ceil_div(side_by_side, mode.parallel_tiles());
  tiling.tiles_of_round = ceil_div(shape.k, rows);
  tiling.load = mode.load_cycles(g, columns);
  const double last_tiles = side_by_side - (tiling.rounds - 1) * mode.parallel_tiles();
  const bool only_last = last_tiles <= shape.parts;
  const double last_columns = only_last ? part - (ceil_div(part, columns) - 1) * columns : columns;
  tiling.last_load = mode.load_cycles(g, last_columns);
  tiling.interval = mode.interval();
  tiling.through = tiling.last_through = shape.tokens * tiling.interval;
  if (shape.copies && kHemispheres * last_tiles <= mode.parallel_tiles()) {
    tiling.last_through = ceil_div(shape.tokens, kHemispheres) * tiling.interval;
  }
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

double tile_count(const LpuGeometry& g, const ArrayMode& mode, const LinearShape& shape) {
  return tiling_of(g, mode, shape).tiles();
}

SectionLength linear_section(const LpuGeometry& g, const ArrayMode& mode, const LinearShape& shape) {
  const Tiling tiling = tiling_of(g, mode, shape);
  const double pass =
      through_array(g) + chained(g, shape.chain) + (shape.is_residual ? kept(g, kHalf) : handed_out(g));
  SectionLength length{pass + tiling.streaming(), tiling.loaded(), tiling.used()};
  if (shape.follows) {
    // The arrays idle while the last of the matrix before comes back; tiles of operands that are there
    // already use it. Its tokens come as far apart as they are used.
    length.cycles -= std::min((tiling.tiles_of_round - 1) * tiling.period(), pass) +
                     (tiling.rounds > 1 ? tiling.through : tiling.last_through) - tiling.interval;
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
  const double squares = to_vxm(g, kHalf) + chained(g, kSquare) + handed_out(g);
  const double roots = through_array(g) + through - half.interval() + chained(g, kRoot) + kept(g, kWord);
  const double results = to_vxm(g, kWord) + chained(g, kScale) + handed_out(g) + (vectors - 1) / kPerCycle;
  return {squares + roots + results, half.load_cycles(g, g.lanes()), through};
}

SectionLength rope_section(const LpuGeometry& g, double vectors) {
  constexpr double kChain = 2;
  return {through_switch(g) + chained(g, kChain) + handed_out(g) + vectors - 1, 0, 0};
}

double lane_maximum_cycles(const LpuGeometry& g) {
  return g.rotation_steps() * (through_switch(g) + chained(g, maximum_levels(g)) + handed_out(g)) +
         beside_vxm(g, kWord);
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
  // Rows lie in the hemispheres in turn, the first of them in the one that may hold a row more.
  const double all_rows = shape.sequences * rows, rows_of_side = ceil_div(all_rows, kHemispheres);
  const double vectors = shape.sequences * shape.heads * shape.queries, heads_of_row = vectors / all_rows;
  // Through a tile go all heads and queries that share its row.
  const double interval = cache.interval(), through = std::ceil(heads_of_row) * interval;
  const double load = cache.load_cycles(g, std::min<double>(g.lanes(), shape.keys));
  constexpr double kScore = 1, kExp = 2, kOut = 2, kReciprocal = 1;

  const auto streaming = [&](double count) { return streaming_cycles(load, through, count, interval); };
  // Scores, of which those of older tokens can be made before the last key is there; the largest over tiles
  // and lanes; exponentials.
  const double last_keys = rows_of_side * key_parts;
  const double scores = std::max(streaming(last_keys * tiles) - shape.queries_lead, streaming(last_keys));
  double cycles = through_array(g) + chained(g, kScore) + scores + handed_out(g) + lane_maximum_cycles(g) +
                  to_vxm(g, kWord) + chained(g, kExp) + handed_out(g);
  if (tiles > 1) {
    cycles += 2 * dealt(g, kWord) + g.read_delay + chained(g, tiles - 1) + g.write_delay;
  }
  // Heads come `spread` apart, first to last, as their scores left the arrays. Exponentials follow one a
  // cycle, their sums, products with ones, an array's interval apart. All counted from the last head.
  const double spread = (std::ceil(vectors / sides) - 1) * interval;
  // At one head a cycle, from both hemispheres, operands and results are often in each other's banks: each
  // wave of vectors through the VXM loses a slot in kSlotsPerLost, as compiled schedules show.
  constexpr double kSlotsPerLost = 4.5, kLastWaves = 2;
  const double lost = sides > 1 ? (vectors - 1) / kSlotsPerLost : 0;
  const double waves = g.rotation_steps() + (tiles > 1 ? 2 : 1);
  const double last_exp = std::max(waves * lost + tiles - 1, vectors * tiles - 1 - spread);
  const auto last_sum = [&](double exp, double other_rows) {
    return std::max(exp, (other_rows * heads_of_row * tiles - 1) * interval - spread + tiles * lost);
  };
  // Sums are made in the hemisphere that does not hold the head's values, and before its own values.
  const double fewer_rows = all_rows - rows_of_side;
  const double sum =
      last_sum(last_exp, rows_of_side) + chained(g, kReciprocal) + kept(g, kWord) + to_vxm(g, kWord);
  double values = last_exp + streaming(tiles * value_parts) - (through - interval);
  if (sides > 1) {
    const double earlier = last_exp - (rows_of_side > fewer_rows ? heads_of_row * tiles : 0);
    values = std::max({values, last_sum(earlier, fewer_rows) + streaming(rows_of_side * tiles * value_parts),
                       last_sum(last_exp, rows_of_side) + streaming(fewer_rows * tiles * value_parts)});
  }
  cycles += through_array(g) + std::max(sum, values) + kLastWaves * lost + chained(g, kOut) + kept(g, kHalf) +
            to_vxm(g, kHalf) + chained(g, slots) + handed_out(g);
  const double all_tiles = rows_of_side * tiles * (key_parts + value_parts);
  return {cycles, all_tiles * load, all_tiles * through + std::ceil(vectors / sides) * tiles * interval};
}

double queries_lead(const LpuGeometry& g, const ArrayMode& mode, const LinearShape& qkv) {
  // The last tiles are a row's keys and values.
  const Tiling tiling = tiling_of(g, mode, qkv);
  const double tiles = ceil_div(qkv.n, qkv.tile_columns), parallel = mode.parallel_tiles();
  const double rounds = std::floor((tiles - 2) / parallel) - std::floor((tiles - 3) / parallel);
  return rounds * tiling.tiles_of_round * tiling.period();
}

namespace {

ExchangeLength reduce_at_once(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips) {
  return {exchange_ends(g) + chained(g, chips) + kept(g, kHalf), 1, vectors * kHalf * links.wire};
}
// A part's way: onto the link, over it, and added; then its sum's. Sums follow the parts on the same links,
// so that the first of them wait for the parts to leave, or the links for the first sum.
ExchangeLength reduce_by_parts(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips) {
  const double row = kHalf * links.wire, part = ceil_div(vectors, chips) * row;
  const double hop = links.flight + exchange_ends(g);
  const double summed = hop + chained(g, chips - 1) + handed_out(g) + row;
  const double total = part + std::max(part, summed) + hop + chained(g, 1) + kept(g, kHalf);
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
    length.inside += exchange_ends(g) + chained(g, others) + handed_out(g);
    length.hops += 2;
    length.wire +=
        ceil_div(vectors, links.node) * kHalf * links.wire * ceil_div(others, std::max(1, links.global));
  }
  return overlapped(length);
}

ExchangeLength hand_over_section(const LpuGeometry& g, const LinkTiming& links, double vectors) {
  return {exchange_ends(g), 1, ceil_div(vectors * kHalf, std::max(1, links.global)) * links.wire};
}

}  // namespace memwall
