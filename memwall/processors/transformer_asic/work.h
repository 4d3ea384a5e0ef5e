// work.h - what one operator asks of one chip's units.
#pragma once

#include <vector>

#include "memwall/model/step.h"
#include "memwall/processors/transformer_asic/card.h"
#include "memwall/program/program.h"

namespace memwall {

// Resources of a program, in their order in its list.
enum class AsicUnit { fill, pointwise_latency, hop, control, narrow, wide, softmax, vector, hbm, link };
std::vector<Resource> asic_resources(const AsicCard& card);

struct AsicWork {
  double useful_ops = 0, charged_ops = 0;           // of the arrays
  bool is_wide = false;                             // 16-bit activations
  double exps = 0;                                  // of the softmax unit
  double values = 0;                                // through the pointwise units
  double weights = 0, kv_read = 0, kv_written = 0;  // bytes of HBM
  double link = 0;                                  // bytes out of one chip
  double hops = 0;
};

// Y(m, n) = X(m, k) W(k, n), `times` of them side by side, the weights being `weight_bytes` in all.
AsicWork matrix_work(const AsicCard& card, double m, double n, double k, Format activation,
                     double weight_bytes, double times = 1);
// Of one chip's share of the heads: keys and values are the stationary operands, blocks that the causal mask
// leaves empty are skipped.
AsicWork attention_work(const AsicCard& card, const Attention& shape, const std::vector<Slice>& slices,
                        int tp);
// Routed tokens are spread over the experts that they reach as evenly as whole tokens allow.
AsicWork experts_work(const AsicCard& card, const Operator& op, const Step& step, int tp);
AsicWork pointwise_work(double values);
// Sum over tp chips, each pair of them linked: a part to every other chip, and the sums back.
AsicWork all_reduce_work(double bytes, int tp);

// Appends an operator's tasks after those before it: the stream from HBM after the last stream, the operator
// after the last operator and its own stream. `last` and `stream` are indices into block.tasks, -1: none yet.
struct AsicCursor {
  std::int32_t last = -1, stream = -1;
};
void append_work(const AsicCard& card, const AsicWork& work, std::int32_t label, Block& block,
                 AsicCursor& cursor);

}  // namespace memwall
