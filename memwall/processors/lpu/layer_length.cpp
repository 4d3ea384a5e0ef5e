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
  const double slots = std::min(std::floor(lanes / shape.head_dim), kv_heads);
  const double rows = std::ceil(kv_heads / slots);
  const double local = static_cast<double>(shape.intermediate) / chips;
  const ArrayMode mode{shape.bytes, shape.bytes ? 1.0 : 2.0};

  SectionLength length;
  length += norm_section(g, vectors, tokens);
  length +=
      linear_section(g, mode, {rows * (group + 2) * lanes, static_cast<double>(shape.hidden), tokens, 1});
  length += rope_section(g, rows * (group * slots + 1) * tokens);
  AttentionShape attention;
  attention.heads = heads;
  attention.kv_heads = kv_heads;
  attention.qk_dim = attention.v_dim = shape.head_dim;
  attention.sequences = tokens;
  attention.keys = shape.context + 1;
  length += attention_section(g, attention);
  const double residual = chips > 1 ? 1 : 2;
  length +=
      linear_section(g, mode, {static_cast<double>(shape.hidden), rows * group * lanes, tokens, residual});
  length += norm_section(g, vectors, tokens);
  length += linear_section(
      g, mode, {2 * std::ceil(local / lanes) * lanes, static_cast<double>(shape.hidden), tokens, 3});
  length += linear_section(g, mode, {static_cast<double>(shape.hidden), local, tokens, residual});
  double exchanges = 0;
  if (chips > 1) {
    exchanges = 2 * all_reduce_section(g, links, vectors * tokens, chips).cycles(links);
  }
  return length.cycles + exchanges;
}

}  // namespace memwall
