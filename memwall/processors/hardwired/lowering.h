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
  int slots() const { return slots_; }  // tokens in flight at most; 0 without a pipeline

 private:
  struct StagedGroup {
    std::int64_t repeat = 1;
    std::vector<WiredLayer> layers;
    std::vector<std::vector<Stage>> stages;  // by layer
  };
  // What a step asks of one copy.
  struct Load {
    std::int64_t tokens = 0;  // of the fullest copy
    double mean_share = 1;    // mean over the copies / fullest
    double heads_share = 1;   // sequences per token: only the last token of a sequence needs the head
    double resident = 1;      // fraction of the cache that is in the on-chip buffer
    bool is_decode = false;   // every sequence brings one token
    const Step* step = nullptr;
  };
  struct Keys {
    double mean = 0;     // that a token attends to
    double longest = 0;  // context of the longest sequence
  };

  Load load_of(const Step& step) const;
  Keys keys_of(const Step& step, const WiredLayer& layer) const;
  void add_latency(const Stage& stage, double keys, double tokens, const Load& load, bool chained,
                   Block& block) const;
  void add_work(const Stage& stage, double keys, double share, const Load& load, Block& block) const;
  void lower_pipeline(const Load& load, Program& program) const;
  void lower_passes(const Load& load, Program& program) const;
  void set_energies();

  HardwiredCard card_;
  WiredNetwork network_;
  int copies_ = 1, slots_ = 0;
  std::vector<StagedGroup> groups_;
  Stage head_;
  std::vector<Resource> resources_;
  std::vector<std::string> labels_;
};

// One kernel on one chip or one grid. Throws ConfigError for a free GEMM or free experts: there are none.
Program lower_hardwired_kernel(const KernelOp& op, const HardwiredCard& card);

}  // namespace memwall
