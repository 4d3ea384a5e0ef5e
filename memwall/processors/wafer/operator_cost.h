// operator_cost.h - what one operator costs on a region of cores.
//
// Decode. A vector lies along the rows of the region and is the same in every column. A linear layer
// contracts over rows, leaving its result along the columns, and the next one contracts over columns.
// Attention keeps the cache in place: the columns share the key-value width, head after head, and the rows
// share the tokens. A query meets its keys in a segment of columns (one key-value head), the softmax and the
// weighted sum of values reduce over rows. Experts: every core holds a piece of every expert, so that a
// token's experts run one after another and their sums are reduced together.
//
// Prefill. Tokens lie along the rows as well, and a linear layer is a MeshGEMM. Scores are a product with
// transposed keys whose partial sums pass along the row; the whole square of scores is computed although half
// of it is masked, because rows and columns stay in step.
//
// The order of loops is WaferLLM's: decode runs along the outputs of a layer, prefill along the tokens.
#pragma once

#include "memwall/model/model.h"
#include "memwall/processors/wafer/grids.h"
#include "memwall/processors/wafer/mesh_cost.h"

namespace memwall {

struct RegionCost {
  MeshCycles cycles;
  double useful_compute = 0;  // cycles that its multiply-accumulates take on all cores at full width
  double useful_fabric = 0;   // hops that a wavelet must make
  RegionCost& operator+=(const RegionCost& other);
};

// Where the current vector lies while the operators of a layer are costed in order.
enum class Along { rows, columns };

struct DecodeLoad {
  double tokens = 1;     // that pass together
  double sequences = 1;  // of them, that need the head
  double context = 1;    // mean number of tokens that one sees, its own included
};
struct PrefillLoad {
  double tokens = 1;       // of one sequence that pass together
  double context = 1;      // tokens whose keys they meet, their own included
  double attended = 1;     // of these, mean over the tokens (half of them in a prompt)
  double score_parts = 1;  // attention takes the tokens in so many parts: room for scores
};

class RegionModel {
 public:
  RegionModel(const MeshTiming& timing, Grid decode, Grid prefill, Collective collective)
      : timing_(timing), decode_(decode), prefill_(prefill), collective_(collective) {}

  // `at` is where the operator finds its vector, and where it leaves the result.
  RegionCost decode(const Operator& op, const DecodeLoad& load, Along& at) const;
  RegionCost prefill(const Operator& op, const PrefillLoad& load) const;
  // From one region to the one beside it: a vector of `width` values per token.
  RegionCost hand_over(double tokens, double width, Grid grid) const;

  const Grid& decode_grid() const { return decode_; }
  const Grid& prefill_grid() const { return prefill_; }
  const MeshTiming& timing() const { return timing_; }

 private:
  MeshTiming timing_;
  Grid decode_, prefill_;
  Collective collective_;
};

// Shape of the cache as the cores see it: latent attention has one head of key and value that all queries
// share.
struct CacheShape {
  double kv_heads = 1, queries_per_head = 1, key_width = 1, value_width = 1, values_per_token = 1;
};
CacheShape cache_shape(const Attention& shape);

}  // namespace memwall
