#include "memwall/processors/transformer_asic/lowering.h"

#include <algorithm>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/processors/shard.h"
#include "memwall/processors/transformer_asic/work.h"

namespace memwall {
namespace {

constexpr double kHiddenBytes = 2;  // of a value between operators and chips
constexpr double kLogitBytes = 4;

double real(std::int64_t value) { return static_cast<double>(value); }

// What an operator without a matrix streams through the pointwise units, per token.
double streamed_values(const OpShape& shape, int tp) {
  constexpr double kNormPasses = 2;  // the mean first
  if (const auto* embedding = std::get_if<Embedding>(&shape)) {
    return real(embedding->width);
  }
  if (const auto* norm = std::get_if<Norm>(&shape)) {
    return kNormPasses * real(norm->width * norm->groups) / (norm->groups > 1 ? tp : 1);
  }
  if (const auto* rope = std::get_if<Rope>(&shape)) {
    return real(rope->heads * rope->dim) / tp;
  }
  if (const auto* activation = std::get_if<Activation>(&shape)) {
    return real(activation->width) * (activation->gated ? 2 : 1) / tp;
  }
  if (const auto* residual = std::get_if<ResidualAdd>(&shape)) {
    return real(residual->width);
  }
  const auto* sampler = std::get_if<Sampler>(&shape);
  return sampler == nullptr ? 0 : real(sampler->vocab) / tp;
}

// Appends the operators of one list to one block.
class Walk {
 public:
  Walk(const AsicCard& card, const Plan& plan, const Step& step, double hidden, Block& block)
      : card_(card), plan_(plan), step_(step), hidden_(hidden), block_(block) {}

  void add(const std::vector<Operator>& operators, std::int32_t first_label, std::int32_t sum_label) {
    bool open_sum = false;
    for (std::size_t i = 0; i < operators.size(); ++i) {
      const Operator& op = operators[i];
      const auto label = first_label + static_cast<std::int32_t>(i);
      const double m = real(op.role == OpRole::head ? step_.logits() : step_.new_tokens());
      const bool ends_sum =
          std::holds_alternative<Norm>(op.shape) || std::holds_alternative<ResidualAdd>(op.shape);
      if (open_sum && ends_sum) {
        sum(m, sum_label);
        open_sum = false;
      }
      append_work(card_, work_of(operators, i, m), label, block_, cursor_);
      open_sum = open_sum || std::holds_alternative<Experts>(op.shape) ||
                 (std::holds_alternative<Linear>(op.shape) && op.split == TensorSplit::rows) ||
                 (std::holds_alternative<Embedding>(op.shape) && op.split != TensorSplit::replicated);
    }
    if (open_sum) {
      sum(real(step_.new_tokens()), sum_label);
    }
  }

 private:
  AsicWork work_of(const std::vector<Operator>& operators, std::size_t i, double m) const {
    const Operator& op = operators[i];
    if (const auto* linear = std::get_if<Linear>(&op.shape)) {
      const double n = columns_per_chip(op, fed_attention(operators, i), plan_.tp);
      const double k = real(linear->k) / (op.split == TensorSplit::rows ? plan_.tp : 1);
      const double share = n * k / (real(linear->n) * real(linear->k));
      const double bytes = bytes_of(real(linear->n) * real(linear->k), linear->weight).value * share;
      return matrix_work(card_, m, n, k, linear->activation, bytes);
    }
    if (const auto* attention = std::get_if<Attention>(&op.shape)) {
      return attention_work(card_, *attention, step_.slices, plan_.tp);
    }
    if (std::holds_alternative<Experts>(op.shape)) {
      return experts_work(card_, op, step_, plan_.tp);
    }
    return pointwise_work(m * streamed_values(op.shape, plan_.tp));
  }
  void sum(double m, std::int32_t label) {
    if (plan_.tp > 1) {
      append_work(card_, all_reduce_work(m * hidden_ * kHiddenBytes, plan_.tp), label, block_, cursor_);
    }
  }

  const AsicCard& card_;
  const Plan& plan_;
  const Step& step_;
  double hidden_;
  Block& block_;
  AsicCursor cursor_;
};

constexpr std::int32_t kSumLabel = 0, kGatherLabel = 1, kSendLabel = 2, kFirstLabel = 3;

}  // namespace

AsicModel::AsicModel(const AsicCard& card, const Model& model, const Plan& plan)
    : card_(card), model_(model), plan_(plan), resources_(asic_resources(card)) {
  labels_ = {"all_reduce", "gather_logits", "to_next_stage"};
  for_each_operator(model_, [&](const Operator& op, std::int64_t) { labels_.push_back(op.name); });
}

void AsicModel::lower(const Step& step, Program& program) const {
  program.resources = resources_;
  program.labels = labels_;
  program.replicas = plan_.tp;
  program.static_power = card_.idle * plan_.chips();
  const double hidden = real(model_.hidden_size);
  std::size_t count = 0;
  const auto open = [&](const std::string& name, std::int64_t repeat) -> Block& {
    if (program.blocks.size() <= count) {
      program.blocks.emplace_back();
    }
    Block& block = program.blocks[count];
    block.name = name;
    block.repeat = repeat;
    block.tasks.clear();
    block.after.clear();
    if (count > 0) {
      block.after.push_back(static_cast<std::int32_t>(count) - 1);
    }
    ++count;
    return block;
  };
  std::int32_t label = kFirstLabel;
  const auto walk = [&](const std::string& name, std::int64_t repeat,
                        const std::vector<Operator>& operators) {
    if (!operators.empty()) {
      Walk(card_, plan_, step, hidden, open(name, repeat)).add(operators, label, kSumLabel);
      label += static_cast<std::int32_t>(operators.size());
    }
  };
  walk("prologue", 1, model_.prologue);
  for (const LayerGroup& group : model_.groups) {
    walk(group.name, group.repeat, group.operators);
  }
  if (plan_.pp > 1) {
    AsicWork send;
    send.link = real(step.new_tokens()) * hidden * kHiddenBytes / plan_.tp;
    send.hops = 1;
    AsicCursor cursor;
    append_work(card_, send, kSendLabel, open("stages", plan_.pp - 1), cursor);
  }
  walk("epilogue", 1, model_.epilogue);
  if (plan_.tp > 1 && !model_.epilogue.empty()) {
    AsicWork gather;
    gather.link = real(step.logits() * model_.vocab_size) * kLogitBytes / plan_.tp;
    gather.hops = 1;
    AsicCursor cursor;
    append_work(card_, gather, kGatherLabel, open("logits", 1), cursor);
  }
  program.blocks.resize(count);
}

namespace {

struct KernelWork {
  const AsicCard& card;

  AsicWork operator()(const GemmOp& op) const {
    refuse_wide(op.activation);
    const double values = real(op.n * op.k * op.batch);
    return matrix_work(card, real(op.m), real(op.n), real(op.k), op.activation,
                       bytes_of(values, op.format).value, real(op.batch));
  }
  AsicWork operator()(const AttentionOp& op) const {
    refuse_wide(op.shape.activation);
    return attention_work(card, op.shape, {op.slice}, 1);
  }
  AsicWork operator()(const AllReduceOp& op) const { return all_reduce_work(op.bytes.value, op.chips); }
  AsicWork operator()(const ExpertsOp& op) const {
    refuse_wide(op.shape.activation);
    const Operator one{"experts", OpRole::ffn, TensorSplit::columns, op.shape};
    return experts_work(card, one, Step{{{op.tokens, 1, 0}}, op.routing}, op.tp);
  }
  AsicWork operator()(const PointwiseOp& op) const {
    AsicWork work = pointwise_work(real(op.rows * op.width));
    work.exps = op.kind == PointwiseOp::Kind::softmax ? work.values : 0;
    return work;
  }

 private:
  void refuse_wide(Format activation) const {
    if (info(activation).bits > 8 && card.wide_cycles == 0) {
      throw ConfigError("op", quoted(std::string(name(activation))),
                        "8-bit activations: the arrays have no other");
    }
  }
};

}  // namespace

AsicKernels::AsicKernels(const AsicCard& card) : card_(card), resources_(asic_resources(card)) {}

void AsicKernels::lower(const KernelOp& op, Program& program) const {
  program = Program{};
  program.resources = resources_;
  program.labels = {"kernel"};
  program.static_power = card_.idle;
  if (const auto* sum = std::get_if<AllReduceOp>(&op)) {
    program.replicas = sum->chips;
  } else if (const auto* experts = std::get_if<ExpertsOp>(&op)) {
    program.replicas = experts->tp;
  }
  program.static_power = card_.idle * program.replicas;
  Block block{"kernel", 1, {}, {}};
  AsicCursor cursor;
  append_work(card_, std::visit(KernelWork{card_}, op), 0, block, cursor);
  program.blocks = {std::move(block)};
}

}  // namespace memwall
