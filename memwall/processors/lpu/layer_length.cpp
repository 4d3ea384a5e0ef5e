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

  SectionLength length;
  length += norm_section(g, vectors, tokens);
  // The last tile is that of values, for which nothing waits.
  length += linear_section(
      g, mode, {(rows * (group + 2) - 1) * width, static_cast<double>(shape.hidden), tokens, 1, width});
  length += rope_section(g, slots);
  LpuAttention attention;
  attention.heads = heads;
  attention.kv_heads = kv_heads;
  attention.qk_dim = attention.v_dim = shape.head_dim;
  attention.sequences = tokens;
  attention.keys = shape.context + 1;
  length += attention_section(g, attention);
  const double hidden = shape.hidden;
  const LinearShape o{hidden, rows * group * width, tokens, chips > 1 ? 1.0 : 2.0, 0, width};
  const LinearShape down{hidden, local, tokens, o.chain, 0, 0, true};
  length += linear_section(g, mode, o);
  length += norm_section(g, vectors, tokens);
  length += linear_section(g, mode, {2 * std::ceil(local / lanes) * lanes, hidden, tokens, 3});
  length += linear_section(g, mode, down);
  double exchanges = 0;
  for (const LinearShape& matrix : {o, down}) {
    if (chips > 1) {
      exchanges +=
          all_reduce_section(g, links, vectors * tokens, chips, emission_of(g, mode, matrix)).cycles(links);
    }
  }
  return length.cycles + exchanges;
}

}  // namespace memwall
