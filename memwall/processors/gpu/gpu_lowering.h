// gpu_lowering.h - a decoder step as kernels on GPUs.
//
// One chip of a stage is shown, the stages of a pipeline one after another. Every operator becomes a kernel
// or a few, each waiting for the one before it, as on one stream. What engines fuse is fused: a residual add
// runs in the norm after it. A sum over chips that a row-split GEMM leaves open is closed by one all-reduce
// before the next norm or residual add.
#pragma once

#include <string>
#include <vector>

#include "memwall/processors/gpu/attention_kernel.h"
#include "memwall/processors/gpu/experts_kernel.h"
#include "memwall/processors/gpu/gpu_placement.h"
#include "memwall/processors/gpu/gpu_resources.h"
#include "memwall/processors/processor.h"

namespace memwall {

class GpuPlacedModel : public PlacedModel {
 public:
  GpuPlacedModel(const GpuSpec& spec, const Model& model, const Plan& plan, const LowerOptions& options);

  void lower(const Step& step, Program& program) const override;
  // The slowest stage sets the pace: as many batches as that stage is contained in all of them.
  double batches_in_flight() const override { return batches_in_flight_; }

 private:
  enum class Kind {
    embedding,
    norm,
    quantise,
    gemm,
    rope,
    attention,
    activation,
    residual,
    experts,
    sampler,
    all_reduce,
    gather_logits,
    dispatch,
    combine,
    gather_tokens,
    send,
    host_step,
  };
  // One kernel whose shape is known but for the batch.
  struct Kernel {
    Kind kind = Kind::norm;
    std::int32_t label = 0;
    bool per_sequence = false;  // m counts sequences, not tokens
    double n = 0, k = 0;        // of this chip
    Format weight = Format::bf16, activation = Format::bf16;
    int adds = 0;
    OpShape shape;             // of the whole model
    AttentionShape attention;  // of this chip
    bool between_domains = false;
  };
  struct BlockPlan {
    std::string name;
    std::int64_t repeat = 1;
    std::vector<Kernel> kernels;
  };
  class Lowerer;
  struct Batch;

  std::int32_t label(const std::string& text);
  void plan_blocks(const Model& model);
  void plan_operators(const std::string& name, std::int64_t repeat, const std::vector<Operator>& operators,
                      bool last);
  void plan_linear(BlockPlan& block, const std::vector<Operator>& operators, std::size_t index);
  void plan_experts(BlockPlan& block, const Operator& op);
  Kernel& add(BlockPlan& block, Kind kind, const std::string& label_text, OpShape shape = {});

  GpuSpec spec_;
  GpuResources resources_;
  Plan plan_;
  LowerOptions options_;
  double hidden_ = 0, batches_in_flight_ = 1;
  std::vector<std::string> labels_;
  std::vector<BlockPlan> blocks_;
};

}  // namespace memwall
