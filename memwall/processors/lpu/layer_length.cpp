// The sections of a decoder layer one after another, as the lowering of a real model puts them.
#include <algorithm>
#include <cmath>

#include "memwall/processors/lpu/layer_compiler.h"

namespace memwall {

double layer_cycles(const LpuGeometry& g, const LinkTiming& links, int chips,
                    const DecoderLayerShape& shape) {
  const double lanes = g.lanes(), tokens = shape.sequences;
  const double vectors = std::ceil(shape.hidden / lanes);
  const double heads = static_cast<double>(shape.heads) / chips,
               kv_heads = static_cast<double>(shape.kv_heads) / chips;
  const double group = heads / kv_heads;
  const double slots = slots_of(g, shape.head_dim, kv_heads), width = slots * shape.head_dim;
  const double rows = std::ceil(kv_heads / slots);
  const double local = static_cast<double>(shape.intermediate) / chips;
  const ArrayMode mode{shape.bytes, shape.bytes ? 1.0 : 2.0};

  const double hidden = shape.hidden;
  const bool is_residual = chips == 1;  // else a part of it
  LinearShape qkv, o, gate_up, down;
  // The last tile is that of values, for which nothing waits.
  qkv = {.n = (rows * (group + 2) - 1) * width, .k = hidden, .tokens = tokens, .tile_columns = width};
  o = {.n = hidden,
       .k = rows * group * width,
       .tokens = tokens,
       .chain = is_residual ? 2.0 : 1.0,
       .tile_rows = width,
       .is_residual = is_residual};
  gate_up = {.n = 2 * local, .k = hidden, .tokens = tokens, .chain = 3, .parts = 2};
  down = o;
  down.k = local;
  down.tile_rows = 0;
  down.follows = true;
  for (LinearShape* matrix : {&qkv, &o, &gate_up, &down}) {
    matrix->copies = shape.copies;
  }
  LpuAttention attention;
  attention.heads = heads;
  attention.kv_heads = kv_heads;
  attention.qk_dim = attention.v_dim = shape.head_dim;
  attention.sequences = tokens;
  attention.keys = shape.context + 1;
  LinearShape all_tiles = qkv;
  all_tiles.n = rows * (group + 2) * width;
  attention.queries_lead = queries_lead(g, mode, all_tiles);

  SectionLength length;
  length += norm_section(g, vectors, tokens);
  length += linear_section(g, mode, qkv);
  length += rope_section(g, slots);
  length += attention_section(g, attention);
  length += linear_section(g, mode, o);
  // Sums leave an exchange one token after another: the last is normed alone.
  length += norm_section(g, vectors, chips > 1 ? 1 : tokens);
  length += linear_section(g, mode, gate_up);
  length += linear_section(g, mode, down);
  if (chips == 1) {
    return length.cycles;
  }
  const auto exchange = [&](const Emission& emission) {
    return all_reduce_section(g, links, vectors * tokens, chips, emission).cycles(links);
  };
  // Where no matrix has a second tile, which waits for the last token, they come to the next exchange so,
  // too.
  const bool one_by_one = all_reduce_at_once(g, links, vectors * tokens, chips) &&
                          tile_count(g, mode, gate_up) == 1 && tile_count(g, mode, down) == 1;
  const Emission apart{tokens, (tokens - 1) * vectors * 2 * links.wire};
  return length.cycles + exchange(emission_of(g, mode, o)) +
         exchange(one_by_one ? apart : emission_of(g, mode, down));
}

}  // namespace memwall
