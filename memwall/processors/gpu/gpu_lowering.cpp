#include "memwall/processors/gpu/gpu_lowering.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "memwall/processors/gpu/collective.h"
#include "memwall/processors/gpu/gemm_kernel.h"
#include "memwall/processors/gpu/pointwise_kernel.h"
#include "memwall/processors/gpu/quantise_kernel.h"
#include "memwall/processors/shard.h"

namespace memwall {
namespace {

constexpr double kBytes = 2;       // bf16 activations
constexpr double kLogitBytes = 4;  // fp32

}  // namespace

// What one data-parallel group computes in a step. Sequences are dealt evenly; the fullest group is shown.
struct GpuPlacedModel::Batch {
  double share = 1;                  // of every slice
  double tokens = 0, sequences = 0;  // sequences: those of the head, each as often as it needs logits
  double all_tokens = 0;             // of all groups: experts see them together

  Batch(const Step& step, int dp) {
    const double all = static_cast<double>(step.sequences());
    share = std::ceil(all / dp) / all;
    sequences = static_cast<double>(step.logits()) * share;
    all_tokens = static_cast<double>(step.new_tokens());
    tokens = all_tokens * share;
  }
};

GpuPlacedModel::GpuPlacedModel(const GpuSpec& spec, const Model& model, const Plan& plan,
                               const LowerOptions& options)
    : spec_(spec),
      resources_(spec),
      plan_(plan),
      options_(options),
      hidden_(static_cast<double>(model.hidden_size)) {
  const double runs = static_cast<double>(layer_runs(model));
  batches_in_flight_ = runs / std::ceil(runs / plan.pp);
  plan_blocks(model);
}

std::int32_t GpuPlacedModel::label(const std::string& text) {
  const auto found = std::find(labels_.begin(), labels_.end(), text);
  if (found != labels_.end()) {
    return static_cast<std::int32_t>(found - labels_.begin());
  }
  labels_.push_back(text);
  return static_cast<std::int32_t>(labels_.size()) - 1;
}

GpuPlacedModel::Kernel& GpuPlacedModel::add(BlockPlan& block, Kind kind, const std::string& label_text,
                                            OpShape shape) {
  Kernel kernel;
  kernel.kind = kind;
  kernel.label = label(label_text);
  kernel.shape = std::move(shape);
  block.kernels.push_back(std::move(kernel));
  return block.kernels.back();
}

void GpuPlacedModel::plan_blocks(const Model& model) {
  plan_operators("prologue", 1, model.prologue, false);
  const auto stages = stage_parts(model, plan_.pp);
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    if (stage > 0) {
      BlockPlan transfer;
      transfer.name = fmt::format("to_stage_{}", stage);
      // Stages are as many neighbouring chips as tp * dp: they leave the domain at every multiple of it.
      const int chips = plan_.tp * plan_.dp;
      Kernel& send = add(transfer, Kind::send, "send");
      send.between_domains = (static_cast<int>(stage) * chips) % spec_.domain == 0;
      blocks_.push_back(std::move(transfer));
    }
    for (const StagePart& part : stages[stage]) {
      const LayerGroup& group = model.groups[part.group];
      const std::string name = stages.size() > 1 ? fmt::format("{}_{}", group.name, stage) : group.name;
      plan_operators(name, part.repeat, group.operators, false);
    }
  }
  plan_operators("epilogue", 1, model.epilogue, true);
}

void GpuPlacedModel::plan_operators(const std::string& name, std::int64_t repeat,
                                    const std::vector<Operator>& operators, bool last) {
  BlockPlan block;
  block.name = name;
  block.repeat = repeat;
  bool open_sum = false;
  const auto close_sum = [&] {
    if (open_sum && plan_.tp > 1) {
      add(block, Kind::all_reduce, "all_reduce");
    }
    open_sum = false;
  };
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const Operator& op = operators[i];
    // The residual stream that the norm takes with it.
    const bool after_add = i > 0 && std::holds_alternative<ResidualAdd>(operators[i - 1].shape);
    const bool wraps =
        i == 0 && !operators.empty() && std::holds_alternative<ResidualAdd>(operators.back().shape);
    const bool before_norm = i + 1 == operators.size() ? std::holds_alternative<Norm>(operators.front().shape)
                                                       : std::holds_alternative<Norm>(operators[i + 1].shape);
    if (std::holds_alternative<Embedding>(op.shape)) {
      add(block, Kind::embedding, op.name, op.shape);
      open_sum = op.split != TensorSplit::replicated;
    } else if (std::holds_alternative<Norm>(op.shape)) {
      close_sum();
      Kernel& kernel = add(block, Kind::norm, op.name, op.shape);
      kernel.adds = after_add || wraps ? 1 : 0;
      kernel.per_sequence = op.role == OpRole::head;
    } else if (std::holds_alternative<Linear>(op.shape)) {
      plan_linear(block, operators, i);
      open_sum = open_sum || op.split == TensorSplit::rows;
    } else if (std::holds_alternative<Rope>(op.shape)) {
      add(block, Kind::rope, op.name, op.shape);
    } else if (const Attention* attention = std::get_if<Attention>(&op.shape)) {
      add(block, Kind::attention, op.name, op.shape).attention = shard(*attention, plan_.tp);
    } else if (std::holds_alternative<Activation>(op.shape)) {
      add(block, Kind::activation, op.name, op.shape);
    } else if (std::holds_alternative<ResidualAdd>(op.shape)) {
      close_sum();
      if (!before_norm) {
        add(block, Kind::residual, op.name, op.shape);
      }
    } else if (std::holds_alternative<Experts>(op.shape)) {
      plan_experts(block, op);
      open_sum = open_sum || plan_.dp == 1;
    } else if (std::holds_alternative<Sampler>(op.shape)) {
      if (plan_.tp > 1) {
        add(block, Kind::gather_logits, "gather_logits", op.shape);
      }
      add(block, Kind::sampler, op.name, op.shape);
    }
  }
  close_sum();
  if (last && !operators.empty()) {
    add(block, Kind::host_step, "host");
  }
  if (!block.kernels.empty()) {
    blocks_.push_back(std::move(block));
  }
}

void GpuPlacedModel::plan_linear(BlockPlan& block, const std::vector<Operator>& operators,
                                 std::size_t index) {
  const Operator& op = operators[index];
  const Linear& linear = std::get<Linear>(op.shape);
  Kernel kernel;
  kernel.n = columns_per_chip(op, fed_attention(operators, index), plan_.tp);
  kernel.k = static_cast<double>(linear.k) / (op.split == TensorSplit::rows ? plan_.tp : 1);
  kernel.weight = linear.weight;
  kernel.activation = linear.activation;
  kernel.per_sequence = op.role == OpRole::head;
  if (info(linear.activation).bits < info(Format::bf16).bits) {
    kernel.kind = Kind::quantise;
    kernel.label = label(op.name + ".quantise");
    block.kernels.push_back(kernel);
  }
  kernel.kind = Kind::gemm;
  kernel.label = label(op.name);
  block.kernels.push_back(kernel);
}

void GpuPlacedModel::plan_experts(BlockPlan& block, const Operator& op) {
  const bool spread = plan_.dp > 1;
  if (spread) {
    add(block, Kind::dispatch, op.name + ".dispatch", op.shape);
  }
  add(block, Kind::experts, op.name, op.shape);
  if (spread) {
    add(block, Kind::combine, op.name + ".combine", op.shape);
    if (plan_.tp > 1) {
      add(block, Kind::gather_tokens, op.name + ".gather", op.shape);
    }
  }
}

// Appends kernels to a block, each after the one before.
class GpuPlacedModel::Lowerer {
 public:
  Lowerer(const GpuPlacedModel& placed, const Step& step)
      : placed_(placed), step_(step), batch_(step, placed.plan_.dp) {}

  void lower(const BlockPlan& plan, Block& block) {
    block_ = &block;
    block.tasks.clear();
    for (const Kernel& kernel : plan.kernels) {
      lower(kernel);
    }
  }

 private:
  void append(std::int32_t label, const KernelCost& cost) {
    Task& task = block_->tasks.emplace_back();
    task.label = label;
    placed_.resources_.demand(cost, placed_.options_.eager, task);
    if (block_->tasks.size() > 1) {
      add_predecessor(task, static_cast<std::int32_t>(block_->tasks.size()) - 2);
    }
  }

  void lower(const Kernel& kernel);
  void lower_attention(const Kernel& kernel);
  void lower_experts(const Kernel& kernel);

  const GpuPlacedModel& placed_;
  const Step& step_;
  Batch batch_;
  Block* block_ = nullptr;
};

void GpuPlacedModel::Lowerer::lower(const Kernel& kernel) {
  const GpuSpec& spec = placed_.spec_;
  const Plan& plan = placed_.plan_;
  const double m = kernel.per_sequence ? batch_.sequences : batch_.tokens;
  switch (kernel.kind) {
    case Kind::embedding:
      append(kernel.label, embedding_cost(spec, std::get<Embedding>(kernel.shape), m));
      break;
    case Kind::norm:
      append(kernel.label, norm_cost(spec, std::get<Norm>(kernel.shape), m, kernel.adds, plan.tp));
      break;
    case Kind::quantise:
      append(kernel.label, quantise_cost(spec, m, kernel.k, kernel.activation, Scaling::in_model));
      break;
    case Kind::gemm:
      append(kernel.label, gemm_cost(spec, {m, kernel.n, kernel.k, 1, kernel.weight, kernel.activation}));
      break;
    case Kind::rope:
      append(kernel.label, rope_cost(spec, std::get<Rope>(kernel.shape), m, plan.tp));
      break;
    case Kind::attention:
      lower_attention(kernel);
      break;
    case Kind::activation:
      append(kernel.label, activation_cost(spec, std::get<Activation>(kernel.shape), m, plan.tp));
      break;
    case Kind::residual:
      append(kernel.label, residual_cost(spec, std::get<ResidualAdd>(kernel.shape), m));
      break;
    case Kind::experts:
      lower_experts(kernel);
      break;
    case Kind::sampler:
      append(kernel.label, sampler_cost(spec, std::get<Sampler>(kernel.shape), batch_.sequences,
                                        placed_.options_.sampling));
      break;
    case Kind::all_reduce:
      append(kernel.label, all_reduce_cost(spec, m * placed_.hidden_ * kBytes, plan.tp));
      break;
    case Kind::gather_logits: {
      const double vocab = static_cast<double>(std::get<Sampler>(kernel.shape).vocab);
      append(kernel.label, all_gather_cost(spec, batch_.sequences * vocab * kLogitBytes, plan.tp));
      break;
    }
    case Kind::dispatch:
    case Kind::combine: {
      // Every chip sends its share of the group's tokens, a copy for every expert that a token chose
      // (DeepEP's low-latency kernels), or one when all chips hold a part of every expert.
      const Experts& shape = std::get<Experts>(kernel.shape);
      const double copies = plan.ep > 1 ? static_cast<double>(shape.experts_per_token) : 1;
      const double width = static_cast<double>(shape.width);
      const double sent = batch_.tokens / plan.tp * copies * expert_tp(plan);
      const Format format = kernel.kind == Kind::dispatch ? shape.activation : Format::bf16;
      append(kernel.label, all_to_all_cost(spec, bytes_of(sent * width, format).value, plan.tp * plan.dp));
      break;
    }
    case Kind::gather_tokens:
      append(kernel.label, all_gather_cost(spec, batch_.tokens * placed_.hidden_ * kBytes, plan.tp));
      break;
    case Kind::send:
      append(kernel.label, send_cost(spec, batch_.tokens * placed_.hidden_ * kBytes, kernel.between_domains));
      break;
    case Kind::host_step: {
      KernelCost cost;
      cost.delay(GpuDelay::host_step) = 1;
      cost.delay(GpuDelay::host_sequence) =
          placed_.options_.sampling == Sampling::greedy ? 0 : batch_.sequences;
      append(kernel.label, cost);
      break;
    }
  }
}

void GpuPlacedModel::Lowerer::lower_attention(const Kernel& kernel) {
  const Attention& whole = std::get<Attention>(kernel.shape);
  AttentionBatch decode, prefill;
  for (const Slice& slice : step_.slices) {
    add_slice(placed_.spec_.attention, whole, slice, batch_.share, decode, prefill);
  }
  // Decode kernels that do not write the new keys themselves follow one that does, as prefill.
  if (prefill.sequences > 0) {
    append(kernel.label, cache_cost(placed_.spec_, kernel.attention, prefill));
    append(kernel.label, prefill_attention_cost(placed_.spec_, kernel.attention, prefill));
  }
  if (decode.sequences > 0) {
    if (placed_.spec_.attention.library.prepares_decode) {
      append(kernel.label, cache_cost(placed_.spec_, kernel.attention, decode));
    }
    append(kernel.label, decode_attention_cost(placed_.spec_, kernel.attention, decode));
  }
}

void GpuPlacedModel::Lowerer::lower_experts(const Kernel& kernel) {
  const Plan& plan = placed_.plan_;
  auto kernels = experts_costs(placed_.spec_, std::get<Experts>(kernel.shape), batch_.all_tokens,
                               step_.routing, {plan.ep, expert_tp(plan)});
  if (plan.ep > 1) {
    kernels.front().cost.delay(GpuDelay::experts_spread) = 1;
  }
  for (const ExpertsKernel& part : kernels) {
    append(kernel.label, part.cost);
  }
}

void GpuPlacedModel::lower(const Step& step, Program& program) const {
  resources_.start(program, plan_.tp * plan_.dp, plan_.chips(), batches_in_flight_);
  program.labels = labels_;
  program.blocks.resize(blocks_.size());
  Lowerer lowerer(*this, step);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    Block& block = program.blocks[i];
    block.name = blocks_[i].name;
    block.repeat = blocks_[i].repeat;
    block.after.clear();
    if (i > 0) {
      block.after.push_back(static_cast<std::int32_t>(i) - 1);
    }
    lowerer.lower(blocks_[i], block);
  }
}

}  // namespace memwall
