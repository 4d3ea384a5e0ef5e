#include "memwall/processors/systolic/kernels.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/processors/systolic/kernel_costs.h"

namespace memwall {
namespace {

void require_divisor(const char* key, std::int64_t value, std::int64_t whole) {
  if (whole % value != 0) {
    throw ConfigError(key, std::to_string(value), fmt::format("a divisor of {}", whole));
  }
}

class OpCost {
 public:
  OpCost(const SystolicCard& card, int chips) : card_(card), chips_(chips) {}

  SystolicCost operator()(const GemmOp& op) const {
    if (info(op.activation).arithmetic == Format::fp32) {
      throw ConfigError("activation", std::string(name(op.activation)), "a format that the array multiplies");
    }
    Linear shape;
    shape.n = op.n;
    shape.k = op.k;
    shape.weight = op.format;
    shape.activation = op.activation;
    SystolicCost cost = linear_cost(card_, {}, shape, TensorSplit::replicated, static_cast<double>(op.m));
    const double batch = static_cast<double>(op.batch);
    cost.cycles = best_split(card_, {op.m, op.n, op.k, op.batch}).cost.cycles;
    cost.macs *= batch;
    cost.sram *= batch;
    cost.hbm_weights *= batch;
    return cost;
  }
  SystolicCost operator()(const AttentionOp& op) const {
    return attention_cost(card_, {}, op.shape, op.slice);
  }
  SystolicCost operator()(const AllReduceOp& op) const {
    if (op.algorithm != "auto") {
      throw ConfigError("algorithm", quoted(op.algorithm), "'auto', a ring used both ways");
    }
    return all_reduce_cost(op.bytes.value, op.chips);
  }
  SystolicCost operator()(const ExpertsOp& op) const {
    if (op.tp * op.ep > chips_ || (op.tp > 1 && op.ep > 1)) {
      throw ConfigError("tp, ep", fmt::format("{}, {}", op.tp, op.ep),
                        fmt::format("one of them 1 and both within the {} chips", chips_));
    }
    require_divisor("tp", op.tp, op.shape.intermediate);
    require_divisor("ep", op.ep, op.shape.num_experts);
    ChipShare share;
    share.tp = std::max(op.tp, op.ep);
    share.ep = op.ep;
    return experts_cost(card_, share, op.shape, static_cast<double>(op.tokens), op.routing);
  }
  SystolicCost operator()(const PointwiseOp& op) const { return pointwise_cost(op); }

 private:
  const SystolicCard& card_;
  int chips_;
};

class SystolicKernels : public KernelLowering {
 public:
  SystolicKernels(const SystolicCard& card, int chips) : card_(card), resources_(card), chips_(chips) {}

  void lower(const KernelOp& op, Program& program) const override {
    const SystolicCost cost = std::visit(OpCost(card_, chips_), op);
    int replicas = 1;
    if (const AllReduceOp* all_reduce = std::get_if<AllReduceOp>(&op)) {
      replicas = all_reduce->chips;
    } else if (const ExpertsOp* experts = std::get_if<ExpertsOp>(&op)) {
      replicas = std::max(experts->tp, experts->ep);
    }
    resources_.list(0, program.resources);
    program.labels = {std::string(kLabels[op.index()])};
    program.blocks.resize(1);
    Block& block = program.blocks.front();
    block.name = "kernel";
    block.repeat = 1;
    block.after.clear();
    block.tasks.assign(1, Task{});
    resources_.demand(cost, Side::whole, 0, block.tasks.front());
    program.replicas = replicas;
    resources_.power(program.replicas, 1, program);
  }

 private:
  static constexpr std::array<std::string_view, std::variant_size_v<KernelOp>> kLabels = {
      "gemm", "attention", "allreduce", "experts", "pointwise"};

  SystolicCard card_;
  SystolicResources resources_;
  int chips_;
};

}  // namespace

std::unique_ptr<KernelLowering> open_systolic_kernels(const SystolicCard& card, int system_chips) {
  return std::make_unique<SystolicKernels>(card, system_chips);
}

std::vector<KernelVariant> systolic_variants(const SystolicCard& card, const KernelOp& op) {
  std::vector<KernelVariant> variants;
  const GemmOp* gemm = std::get_if<GemmOp>(&op);
  if (gemm == nullptr) {
    return variants;
  }
  const double rate = card.rate(info(gemm->activation).arithmetic);
  for (const SplitChoice& option : split_options(card, {gemm->m, gemm->n, gemm->k, gemm->batch})) {
    KernelVariant variant;
    variant.name = fmt::format("{} x {} parts of {} x {}, {}", option.split.row_parts,
                               option.split.column_parts, card.array.rows / option.split.row_parts,
                               card.array.columns / option.split.column_parts, name(option.dataflow));
    variant.time = option.cost.cycles / rate / card.clock;
    variant.utilization = option.cost.utilization;
    variant.limit = option.cost.limit;
    variants.push_back(std::move(variant));
  }
  std::stable_sort(variants.begin(), variants.end(),
                   [](const KernelVariant& a, const KernelVariant& b) { return a.time < b.time; });
  return variants;
}

}  // namespace memwall
