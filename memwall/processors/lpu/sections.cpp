#include "memwall/processors/lpu/sections.h"

#include <algorithm>
#include <cmath>

namespace memwall {
namespace {

constexpr double kHemispheres = 2;
constexpr double kHalfBytes = 2;  // of a 16-bit value

double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

// From the scratch slices to the VXM and back, and from them to an edge unit. The last operand to arrive
// comes from the farthest slice.
double to_vxm(const LpuGeometry& g) { return g.read_delay + g.scratch_slices(); }
double from_vxm(const LpuGeometry& g) { return g.scratch_slices() + g.write_delay; }
double through_vxm(const LpuGeometry& g, double chain) { return chain * g.alu_delay; }

double vector_cycles(const LpuGeometry& g, double chain, double vectors) {
  return to_vxm(g) + through_vxm(g, chain) + from_vxm(g) + std::max(0.0, vectors - 1);
}

// Out to an array, through it, back to the VXM and into the scratch slices.
double pass_cycles(const LpuGeometry& g, double chain) {
  return g.read_delay + g.mxm_distance() + g.matrix_delay + g.emit_delay + g.mxm_distance() +
         through_vxm(g, chain) + from_vxm(g);
}

// From the scratch slices of one chip to the link, and from the link to those of the other.
double exchange_ends(const LpuGeometry& g) {
  return g.read_delay + 2.0 * g.c2c_distance() + g.emit_delay + from_vxm(g);
}

double maximum_levels(const LpuGeometry& g) { return std::ceil(std::log2(g.rotation_radix())); }

// Tiles in an array one after another while `passes` activations go through each.
SectionLength tiles_section(const LpuGeometry& g, const ArrayMode& mode, double tiles, double passes,
                            double chain) {
  SectionLength length;
  length.load_cycles = tiles * mode.load_cycles(g);
  length.array_cycles = tiles * passes * mode.interval();
  const double period = std::max(mode.load_cycles(g), passes * mode.interval());
  length.cycles = pass_cycles(g, chain) + (tiles - 1) * period + (passes - 1) * mode.interval();
  return length;
}

}  // namespace

SectionLength& SectionLength::operator+=(const SectionLength& other) {
  cycles += other.cycles;
  load_cycles += other.load_cycles;
  array_cycles += other.array_cycles;
  return *this;
}

double ArrayMode::load_cycles(const LpuGeometry& g) const {
  const double arrays = bytes ? 1 : 2;  // that share the streams of one tile
  return std::ceil(g.lanes() * stored_bytes / (arrays * g.weight_streams()));
}

SectionLength linear_section(const LpuGeometry& g, const ArrayMode& mode, const LinearShape& shape) {
  const double rounds = ceil_div(ceil_div(shape.n, g.lanes()), mode.parallel_tiles());
  return tiles_section(g, mode, rounds * ceil_div(shape.k, g.lanes()), shape.tokens, shape.chain);
}

SectionLength norm_section(const LpuGeometry& g, double vectors, double tokens) {
  // Squares (scale, multiply), the sum over lanes, then scale and gain. Sum: mean and epsilon, inverse root.
  const ArrayMode half;
  constexpr double kSquare = 2, kRoot = 2, kScale = 2;
  SectionLength length = tiles_section(g, half, 1, vectors * ceil_div(tokens, kHemispheres), kRoot);
  length.cycles += vector_cycles(g, kSquare, 1) + vector_cycles(g, kScale, vectors * tokens);
  return length;
}

SectionLength rope_section(const LpuGeometry& g, double vectors) {
  SectionLength length;
  constexpr double kChain = 2;
  length.cycles = g.read_delay + 2 * g.sxm_distance() + g.switch_delay + through_vxm(g, kChain) +
                  from_vxm(g) + std::max(0.0, vectors - 1);
  return length;
}

double lane_maximum_cycles(const LpuGeometry& g, double vectors) {
  const double step =
      g.read_delay + 2 * g.sxm_distance() + g.switch_delay + through_vxm(g, maximum_levels(g)) + from_vxm(g);
  return g.rotation_steps() * step + std::max(0.0, vectors - 1);
}

SectionLength attention_section(const LpuGeometry& g, const AttentionShape& shape) {
  const auto rows_of = [&](double dim) {  // vectors that hold one token's KV heads
    const double slots = std::max(1.0, std::floor(g.lanes() / dim));
    return ceil_div(shape.kv_heads, slots) * ceil_div(dim, g.lanes());
  };
  const ArrayMode cache{false, shape.kv_bytes};
  const double tiles_of_sequence = ceil_div(shape.keys, g.lanes());
  const double score_vectors = shape.sequences * shape.heads * shape.queries;
  const auto passes_of = [&](double rows) {  // through one tile
    return shape.heads * shape.queries / std::max(1.0, rows / ceil_div(shape.qk_dim, g.lanes()));
  };
  const double key_rows = rows_of(shape.qk_dim), value_rows = rows_of(shape.v_dim);
  const double key_tiles = ceil_div(shape.sequences * tiles_of_sequence * key_rows, kHemispheres);
  const double value_tiles = ceil_div(shape.sequences * tiles_of_sequence * value_rows, kHemispheres);
  constexpr double kScore = 1, kExp = 2, kOut = 3;

  SectionLength length = tiles_section(g, cache, key_tiles, passes_of(key_rows), kScore);
  length.cycles += vector_cycles(g, 1, tiles_of_sequence) + lane_maximum_cycles(g, score_vectors);
  length.cycles += vector_cycles(g, kExp, score_vectors * tiles_of_sequence);
  length += tiles_section(g, cache, value_tiles, passes_of(value_rows), kOut);
  return length;
}

namespace {

ExchangeLength reduce_at_once(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips) {
  return {exchange_ends(g) + vector_cycles(g, chips, vectors), 1, vectors * kHalfBytes * links.wire};
}
ExchangeLength reduce_by_parts(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips) {
  const double part = ceil_div(vectors, chips) * kHalfBytes;
  return {2 * exchange_ends(g) + vector_cycles(g, chips - 1, 1) + vector_cycles(g, 1, vectors), 2,
          2 * part * links.wire};
}

}  // namespace

bool all_reduce_at_once(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips) {
  return chips <= links.node && reduce_at_once(g, links, vectors, chips).cycles(links) <=
                                    reduce_by_parts(g, links, vectors, chips).cycles(links);
}

ExchangeLength all_reduce_section(const LpuGeometry& g, const LinkTiming& links, double vectors, int chips) {
  if (all_reduce_at_once(g, links, vectors, chips)) {
    return reduce_at_once(g, links, vectors, chips);
  }
  ExchangeLength length = reduce_by_parts(g, links, vectors, std::min(chips, links.node));
  if (chips > links.node) {
    // Sums of a node's part go to the other nodes before they are gathered: two hops, over the global links.
    const double others = ceil_div(chips, links.node) - 1;
    length.inside += exchange_ends(g) + vector_cycles(g, others, 1);
    length.hops += 2;
    length.wire +=
        ceil_div(vectors, links.node) * kHalfBytes * links.wire * ceil_div(others, std::max(1, links.global));
  }
  return length;
}

ExchangeLength hand_over_section(const LpuGeometry& g, const LinkTiming& links, double vectors) {
  return {exchange_ends(g), 1, ceil_div(vectors * kHalfBytes, std::max(1, links.global)) * links.wire};
}

}  // namespace memwall
