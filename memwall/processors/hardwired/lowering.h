// lowering.h - a step as a Program: one token's passage through the stages, and the pace of those behind it.
//
// Pipeline. With t(s) the time of stage s for one token, T the sum over all stages of all layers and the head
// (the passage) and I the pace, the longest of every t(s) and of what one token takes of the units that all
// layers share (vector unit, links, HBM), a step of N tokens lasts
//   decode, every sequence brings one token:  max(T, N I)      a turn of a pipeline that never drains
//   otherwise:                                (N - 1) I + T    from the first token in to the last one out
// As a program: block "pace" holds the stages of every kind of layer side by side, so that one repetition
// lasts I; the blocks of the layers hold the passage.
//
// Passes. N tokens in ceil(N / tokens_per_pass) passes; the arrays run once per pass, attention per token.
//
// Delays are what one token waits for; what it takes of shared units is a demand beside them. The bound clock
// leaves out the protocol of the links and the depth of the vector unit, and charges projections their
// serial input bits only: it is the bare link arithmetic.
#pragma once

#include <memory>

#include "memwall/model/step.h"
#include "memwall/processors/hardwired/card.h"
#include "memwall/processors/hardwired/resources.h"
#include "memwall/processors/hardwired/stages.h"
#include "memwall/processors/hardwired/wiring.h"
#include "memwall/processors/placement.h"
#include "memwall/processors/processor.h"

namespace memwall {

class HardwiredModel : public PlacedModel {
 public:
  // `copies`: data-parallel copies that share a step's sequences; the program shows the fullest one.
  HardwiredModel(const HardwiredCard& card, const WiredNetwork& network, int copies);

  void lower(const Step& step, Program& program) const override;
  // Of a projection, idle power left out.
  Joules energy_per_mac() const;
  int slots() const { return slots_; }  // tokens in flight at most; 0 without a pipeline

 private:
  struct StagedLayer {
    std::int64_t window = 0;
    std::vector<Stage> stages;
    std::int64_t alike = 0;  // layers of the group that run as this one does, counted at the first of them
  };
  struct StagedGroup {
    std::int64_t repeat = 1;
    std::vector<StagedLayer> layers;
  };
  // What a step asks of one copy.
  struct Load {
    const Step& step;
    std::int64_t tokens = 0;  // of the fullest copy
    double mean_share = 1;    // mean over the copies / fullest
    double head_share = 1;    // sequences per token: only the last token of a sequence needs the head
    double resident = 1;      // fraction of the cache that is in the on-chip buffer
    bool is_decode = false;   // every sequence brings one token
  };
  struct Keys {
    double mean = 0;     // that a token attends to
    double longest = 0;  // context of the longest sequence
  };
  enum class Order { chained, side_by_side };

  static void add_layer(StagedLayer layer, StagedGroup& group);
  Load load_of(const Step& step) const;
  Keys keys_of(const Step& step, std::int64_t window) const;
  template <class Visit>  // visit(stage, keys, alike)
  void for_each_stage(const StagedGroup& group, const Step& step, Visit&& visit) const;
  // A block's latencies come before its work: a chained stage follows the last task.
  void add_latency(const Stage& stage, double keys, double tokens, const Load& load, Order order,
                   Block& block) const;
  // What `tokens` tokens take of the shared units, on nobody's critical path but the unit's own.
  void add_work(const Stage& stage, double keys, double tokens, const Load& load, Block& block) const;
  void lower_pipeline(const Load& load, Program& program) const;
  void lower_passes(const Load& load, Program& program) const;
  void set_energies();

  HardwiredCard card_;
  WiredNetwork network_;
  int copies_ = 1, slots_ = 0;
  std::vector<StagedGroup> groups_;
  Stage head_;
  HardwiredResources resources_;
  std::vector<std::string> labels_;
};

// One kernel on one copy's chips. Throws ConfigError for a free GEMM or free experts: there are none.
Program lower_hardwired_kernel(const KernelOp& op, const HardwiredCard& card);

}  // namespace memwall
