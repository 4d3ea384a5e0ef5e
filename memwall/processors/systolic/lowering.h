// lowering.h - a decoder step as operators on one systolic chip, one after another, and the ways in which a
// step's decodes and prefills may share the array.
//
//   batched  one pass: every GEMM sees all tokens
//   turns    the decodes' pass and then the prefills', each on the whole array
//   shared   both passes at once: decode has some slabs of every array, prefill the rest; both queue for
//   SRAM,
//            HBM, vector unit and links, and what one waits for the other is the ledger's waiting time
// A step with both kinds on an array that splits is lowered in the way that `estimate` finds quickest; every
// division of the slabs is tried. The chips of a pipeline are shown one after another, and a sum over tp
// chips that a row-split layer leaves open is closed by one all-reduce.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "memwall/processors/processor.h"
#include "memwall/processors/systolic/kernel_costs.h"
#include "memwall/processors/systolic/placement.h"
#include "memwall/processors/systolic/resources.h"

namespace memwall {

// How a step was, or is to be, lowered.
struct SharingChoice {
  Sharing sharing = Sharing::batched;  // never `best`
  std::int64_t decode_slabs = 0;       // when shared
};

class SystolicModel : public PlacedModel {
 public:
  SystolicModel(const SystolicCard& card, const Model& model, const Plan& plan);

  void lower(const Step& step, Program& program) const override;
  double batches_in_flight() const override { return plan_.pp; }

  // The way that lower() takes, and the program of any other way.
  SharingChoice choose(const Step& step, Program& scratch) const;
  void lower_as(const Step& step, const SharingChoice& choice, Program& program) const;

 private:
  enum class Kind { op, all_reduce, gather_logits, send };
  struct Planned {
    Kind kind = Kind::op;
    std::int32_t label = 0;
    bool per_sequence = false;  // rows count sequences, not tokens
    Operator op;
  };
  struct BlockPlan {
    std::array<std::string, kSideCount> names;
    std::int64_t repeat = 1;
    std::vector<Planned> ops;
  };
  class Lowerer;

  std::int32_t label(const std::string& text);
  void plan_block(const std::string& name, std::int64_t repeat, const std::vector<Operator>& operators);
  void add(BlockPlan& block, Kind kind, const std::string& label_text, const Operator& op);

  SystolicCard card_;
  SystolicResources resources_;
  Plan plan_;
  SystolicMode mode_;
  double hidden_ = 0;
  std::vector<std::string> labels_;
  std::vector<BlockPlan> blocks_;
  std::int32_t host_label_ = 0;
};

// About the time of a program of one or two streams of blocks, in closed form: the longest of the streams,
// each task waiting for the rest of the service that it finds the other stream in (mean residual time), and
// of the resources' totals. What the choice between ways is made by; the schedule clock executes the queues.
Seconds estimate(const Program& program);

}  // namespace memwall
