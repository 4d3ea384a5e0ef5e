// lowering.h - a step as a Program: the passage of one batch through all regions, and the pace of those
// behind.
//
// Decode. B sequences are divided into u = min(B, regions) batches of b that follow one another through the
// regions. With T(b) the passage of one batch and I(b) the time in the fullest region, a token of every
// sequence takes max(T(b), u I(b)): the pipeline never drains, and a batch meets itself again. Prefill.
// Sequences follow one another whole, or in chunks if activations have no room: from the first one in to the
// last one out, (passages - 1) I + T; then weights and caches move to the decode grid's places. A step that
// brings few new tokens per sequence, such as one that verifies drafts, may run on the decode grid as a batch
// of tokens, or as several that follow one another, whichever takes least.
//
// Delays hold the passage in cycles: compute, fabric, and issue (instructions being set up; the bound clock
// leaves it out). What the step takes of all cores and of SRAM stands beside them in the block "work".
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "memwall/model/step.h"
#include "memwall/processors/processor.h"
#include "memwall/processors/wafer/layer_time.h"

namespace memwall {

class WaferModel : public PlacedModel {
 public:
  // `plan` as a placement left it: with both grids.
  WaferModel(const Model& model, const WaferCard& card, const Plan& plan);
  void lower(const Step& step, Program& program) const override;

  const RegionShare& decode_share() const { return decode_; }
  const RegionShare& prefill_share() const { return prefill_; }

 private:
  // A way through the regions: its operators in one order, times and how often it is taken.
  struct Passage {
    double batches = 1;  // that follow one another
    bool is_decode = true, drains = false, relayout = false;
    DecodeLoad decode;
    PrefillLoad prefill;
  };
  Passage decode_passage_of(const Step& step) const;
  std::optional<Passage> few_tokens_passage_of(const Step& step) const;
  Passage prefill_passage_of(const Step& step) const;
  RegionCost cost_of(const Operator& op, const Passage& passage, Along& at) const;
  double cycles_of(const Passage& passage) const;  // of the whole step
  void add_cost(std::size_t label, const RegionCost& cost, bool chained, Block& block) const;
  void add_crossings(const Passage& passage, Block& block) const;
  void add_work(const Step& step, Program& program) const;
  void lower_passage(const Step& step, const Passage& passage, Program& program) const;

  Model model_;
  WaferCard card_;
  Plan plan_;
  RegionShare decode_, prefill_;
  RegionModel regions_;
  std::vector<Resource> resources_;
  std::vector<std::string> labels_;  // of the operators in order, then of what no operator does
};

// One kernel on the grid of one wafer that suits it best. Throws ConfigError for what the family has no
// kernel of.
Program lower_wafer_kernel(const KernelOp& op, const WaferCard& card);

}  // namespace memwall
