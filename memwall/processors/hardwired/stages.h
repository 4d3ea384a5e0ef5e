// stages.h - the six stages of a layer on one chip of the grid, and the exchanges at their seams.
//
// The grid has R rows and C columns. A projection's inputs are divided over the R chips of a column or its
// outputs over the C columns; partial sums meet in a reduce along a row or column:
//   qkv        inputs hidden / R, outputs (q + k + v) / C   column reduce of all three, broadcast of q
//   attention  kv_heads / C heads, every R-th token         gather of softmax statistics, all-reduce of
//   outputs o          inputs q / C, outputs hidden / R             row all-reduce, column all-gather router
//   whole, on every chip                         none up         experts / (R C) per chip, whole; a dense
//   network's outputs / (R C)    none down       likewise, inputs / (R C)                     all-reduce over
//   the row, then over the column
// and after the last layer the head: vocab / (R C) outputs, all-gather of logits along row and column.
// An all-reduce is a reduce and a broadcast, one exchange ("round") each, and a gather is one: every chip has
// a link to every chip of its row and column. Keys and values ride with the queries' reduce. The paper names
// the collectives, not their algorithms. The root of a reduce is the chip that keeps the token's keys and
// values, position mod R, so over many tokens the links carry equal loads.
//
// Source: HNLPU, ASPLOS 2026, mapping table and pipeline section.
#pragma once

#include <string_view>
#include <vector>

#include "memwall/processors/hardwired/card.h"
#include "memwall/processors/hardwired/wiring.h"

namespace memwall {

enum class StageKind { qkv, attention, o, router, up, down, head };
inline constexpr int kStageKinds = 7;
std::string_view name(StageKind stage);

struct Stage {
  StageKind kind = StageKind::qkv;
  double inputs = 0;       // values that enter the array of one chip; 0: no projection
  double macs = 0;         // useful ones of one token, mean over the chips
  double array_width = 0;  // outputs that the arrays of this stage can compute at once, all experts counted
  int vector_ops = 0;      // one after another
  int rounds = 0;          // exchanges, one after another
  Bytes wire;              // that one link carries, one exchange after another
  Bytes column_sent, row_sent;  // by one chip over all its links of a column or row, mean over the chips
  // Attention only, of one chip and one key of context:
  double heads_per_key = 0;  // cached vectors of one pass
  double macs_per_key = 0;   // of all passes
  double values_per_key = 0;

  bool operator==(const Stage&) const = default;
};

// In order of execution: qkv, attention, o, router, up, down.
std::vector<Stage> layer_stages(const WiredLayer& layer, const WiredNetwork& network,
                                const HardwiredCard& card);
Stage head_stage(const WiredNetwork& network, const HardwiredCard& card);

}  // namespace memwall
