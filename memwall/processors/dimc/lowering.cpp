#include "memwall/processors/dimc/lowering.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace memwall {
namespace {

constexpr double kBitsPerByte = 8;
// Passes of the vector unit over a vector of values: read, combine, write counts as one.
constexpr double kNormPasses = 2;        // statistics, then scaling
constexpr double kRopePasses = 2;        // two products and a sum per value, in pairs
constexpr double kActivationPasses = 2;  // the function, then the product with the gate
constexpr double kSoftmaxPasses = 3;     // maximum, exponential and sum, scaling
constexpr double kMergePasses = 2;       // of partial results of attention: rescale, add

double real(std::int64_t value) { return static_cast<double>(value); }

}  // namespace

// What one copy computes in a step. Sequences are dealt evenly to the copies; the fullest is shown.
struct DimcModel::Batch {
  double share = 1, tokens = 0, logits = 0;

  Batch(const Step& step, int dp) {
    const double all = real(step.sequences());
    share = std::ceil(all / dp) / all;
    logits = real(step.logits()) * share;
    tokens = real(step.new_tokens()) * share;
  }
};

DimcModel::DimcModel(const DimcCard& card, const Model& model, const Plan& plan)
    : card_(card),
      plan_(plan),
      residence_(residence_of(card, plan.mode)),
      chiplets_(static_cast<double>(plan.tp) * card.chiplets),
      hidden_(real(model.hidden_size)),
      resources_(card),
      levels_(levels_of(card, plan.tp)) {
  plan_operators("prologue", 1, model.prologue);
  const auto stages = stage_runs(model, plan.pp);
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    if (stage > 0) {
      plan_send(static_cast<int>(stage));
    }
    for (const StageRun& run : stages[stage]) {
      const LayerGroup& group = model.groups[run.group];
      const std::string name = stages.size() > 1 ? fmt::format("{}_{}", group.name, stage) : group.name;
      plan_operators(name, run.repeat, group.operators);
    }
  }
  plan_operators("epilogue", 1, model.epilogue);
}

std::int32_t DimcModel::label(const std::string& text) {
  const auto found = std::find(labels_.begin(), labels_.end(), text);
  if (found != labels_.end()) {
    return static_cast<std::int32_t>(found - labels_.begin());
  }
  labels_.push_back(text);
  return static_cast<std::int32_t>(labels_.size()) - 1;
}

DimcModel::Item& DimcModel::add(BlockPlan& block, Kind kind, const std::string& label_text,
                                const Operator& op) {
  Item item;
  item.kind = kind;
  item.label = label(label_text);
  item.op = op;
  block.items.push_back(std::move(item));
  return block.items.back();
}

void DimcModel::plan_send(int stage) {
  BlockPlan transfer;
  transfer.name = fmt::format("to_stage_{}", stage);
  // Stages are tp * dp neighbouring cards: they leave the server at every multiple of it.
  const bool between_servers = stage * plan_.tp * plan_.dp % card_.server_cards == 0;
  add(transfer, Kind::send, "send", {}).link =
      between_servers && card_.scale_out ? LinkKind::scale_out : LinkKind::scale_up;
  blocks_.push_back(std::move(transfer));
}

void DimcModel::plan_operators(const std::string& name, std::int64_t repeat,
                               const std::vector<Operator>& operators) {
  BlockPlan block;
  block.name = name;
  block.repeat = repeat;
  bool open_sum = false;
  const auto close_sum = [&] {
    if (open_sum && !levels_.empty()) {
      add(block, Kind::all_reduce, "all_reduce", {});
    }
    open_sum = false;
  };
  for (const Operator& op : operators) {
    if (std::holds_alternative<Norm>(op.shape) || std::holds_alternative<ResidualAdd>(op.shape)) {
      close_sum();
    }
    plan_operator(block, op);
    open_sum = open_sum || std::holds_alternative<Experts>(op.shape) ||
               (std::holds_alternative<Linear>(op.shape) && op.split == TensorSplit::rows) ||
               (std::holds_alternative<Embedding>(op.shape) && op.split != TensorSplit::replicated);
  }
  close_sum();
  if (!block.items.empty()) {
    blocks_.push_back(std::move(block));
  }
}

void DimcModel::plan_operator(BlockPlan& block, const Operator& op) {
  const auto set_widths = [&](Item& item, Format weight, Format activation) {
    item.weight_bits = card_.stored(weight).value_or(Stored{}).bits;
    item.activation_bits = card_.stored(activation).value_or(Stored{}).bits;
    item.cores = resources_.cores(item.weight_bits, item.activation_bits);
  };
  if (std::holds_alternative<Embedding>(op.shape)) {
    add(block, Kind::embedding, op.name, op);
  } else if (std::holds_alternative<Norm>(op.shape)) {
    add(block, Kind::norm, op.name, op);
  } else if (const auto* linear = std::get_if<Linear>(&op.shape)) {
    Item& item = add(block, Kind::linear, op.name, op);
    const bool rows = op.split == TensorSplit::rows, whole = op.split == TensorSplit::replicated;
    item.n = std::ceil(real(linear->n) / (rows || whole ? 1 : chiplets_));
    item.k = std::ceil(real(linear->k) / (rows ? chiplets_ : 1));
    set_widths(item, linear->weight, linear->activation);
  } else if (std::holds_alternative<Rope>(op.shape)) {
    add(block, Kind::rope, op.name, op);
  } else if (const auto* attention = std::get_if<Attention>(&op.shape)) {
    Item& item = add(block, Kind::attention, op.name, op);
    item.cache = cache_share(*attention, chiplets_);
    item.cache_levels = nearest_levels(levels_, item.cache.ranges);
    set_widths(item, attention->kv, attention->activation);
  } else if (std::holds_alternative<Activation>(op.shape)) {
    add(block, Kind::activation, op.name, op);
  } else if (std::holds_alternative<ResidualAdd>(op.shape)) {
    add(block, Kind::residual, op.name, op);
  } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
    set_widths(add(block, Kind::experts, op.name, op), experts->weight, experts->activation);
  } else if (std::holds_alternative<Sampler>(op.shape)) {
    add(block, Kind::sampler, op.name, op);
  }
}

Bytes DimcModel::from_lpddr(double values, int bits) const {
  return residence_.weights_in_sram ? Bytes(0) : Bytes(values * (bits + card_.exponent_bits) / kBitsPerByte);
}

void DimcModel::lower(const Item& item, const Batch& batch, const Step& step, DimcTasks& tasks) const {
  const double m = item.op.role == OpRole::head ? batch.logits : batch.tokens;
  const double part = m / chiplets_;  // of the tokens, where the residual stream is held in parts
  switch (item.kind) {
    case Kind::embedding: {
      const auto& shape = std::get<Embedding>(item.op.shape);
      const Stored stored = card_.stored(shape.weight).value_or(Stored{});
      const Bytes rows(batch.tokens * real(shape.width) * stored.bits_held / kBitsPerByte / chiplets_);
      tasks.memory(item.label, rows, false, Category::weights);
      break;
    }
    case Kind::norm: {
      const auto& shape = std::get<Norm>(item.op.shape);
      tasks.vector(item.label, part * real(shape.width * shape.groups), kNormPasses);
      break;
    }
    case Kind::linear: {
      const Section section{1, m, item.n, item.k, item.weight_bits, item.activation_bits};
      tasks.section(item.label, section, item.cores, Category::weights,
                    from_lpddr(item.n * item.k, item.weight_bits));
      break;
    }
    case Kind::rope: {
      const auto& shape = std::get<Rope>(item.op.shape);
      tasks.vector(item.label, part * real(shape.heads * shape.dim), kRopePasses);
      break;
    }
    case Kind::attention:
      lower_attention(item, batch, step, tasks);
      break;
    case Kind::activation:
      tasks.vector(item.label, part * real(std::get<Activation>(item.op.shape).width), kActivationPasses);
      break;
    case Kind::residual:
      tasks.vector(item.label, part * real(std::get<ResidualAdd>(item.op.shape).width), 1);
      break;
    case Kind::experts:
      lower_experts(item, batch, step, tasks);
      break;
    case Kind::sampler:
      // Every chiplet picks the best of its columns; value and index of each travel.
      tasks.vector(item.label, m * std::ceil(real(std::get<Sampler>(item.op.shape).vocab) / chiplets_), 1);
      if (!levels_.empty()) {
        constexpr double kCandidateBytes = 8;
        tasks.gather(item.label, levels_, m, kCandidateBytes);
      }
      break;
    case Kind::all_reduce:
      tasks.all_reduce(item.label, levels_, batch.tokens * hidden_);
      break;
    case Kind::send:
      tasks.send(item.label, item.link, batch.tokens * hidden_ / chiplets_);
      break;
  }
}

// Scores: the cached keys are a matrix of width x keys; results: the cached values are one of keys x width.
// Every sequence and head has its own; the query heads that share them, and the new tokens, are the vectors.
void DimcModel::lower_attention(const Item& item, const Batch& batch, const Step& step,
                                DimcTasks& tasks) const {
  const auto& shape = std::get<Attention>(item.op.shape);
  const OpWork all = work(item.op, step);
  const double chiplet_heads = real(shape.heads) / chiplets_;
  const double cached = real(shape.kv_values_per_token());
  const Stored stored = card_.stored(shape.kv).value_or(Stored{});
  const Bytes written(batch.tokens * cached * stored.bits_held / kBitsPerByte / chiplets_);
  if (!item.cache_levels.empty()) {
    // Queries and new keys come to where the cache of their head is.
    const double per_chiplet = batch.tokens * (real(shape.heads * shape.qk_dim) + cached) / chiplets_;
    tasks.gather(item.label, item.cache_levels, per_chiplet, card_.result_bytes);
  }
  tasks.memory(item.label, written, residence_.cache_in_sram, Category::kv);

  const double pairs = all.m * all.n * batch.share;  // of a new token and a key
  double keys = 0, matrices = 0;
  for (const Slice& slice : step.slices) {
    const double context = real(slice.past_tokens + slice.new_tokens);
    const double seen =
        shape.window > 0 ? std::min(context, real(shape.window - 1 + slice.new_tokens)) : context;
    matrices += real(slice.count) * batch.share;
    keys += real(slice.count) * batch.share * seen;
  }
  const double mean_keys = std::max(1.0, keys / matrices / item.cache.ranges);
  // The mean number of vectors that meet a cached key, causality counted.
  const double heads_per_cache = real(shape.heads) / real(shape.is_latent() ? 1 : shape.kv_heads);
  const double vectors = std::max(1.0, pairs / keys * heads_per_cache);
  const double widths = all.macs / (all.m * all.n) / real(shape.heads);  // of a score and a result together
  const double score_width = all.k / real(shape.heads);
  const double value_width = std::max(1.0, widths - score_width);
  const Bytes read = residence_.cache_in_sram
                         ? Bytes(0)
                         : all.kv_read * (batch.share / chiplets_) * (stored.bits_held / info(shape.kv).bits);
  const double many = matrices * item.cache.heads;
  tasks.section(item.label, {many, vectors, mean_keys, score_width, item.weight_bits, item.activation_bits},
                item.cores, Category::kv, read / 2);
  tasks.vector(item.label, pairs * chiplet_heads, kSoftmaxPasses);
  tasks.section(item.label, {many, vectors, value_width, mean_keys, item.weight_bits, item.activation_bits},
                item.cores, Category::kv, read / 2);
  if (!item.cache_levels.empty()) {
    const double results = batch.tokens * real(shape.heads) * value_width / chiplets_ * item.cache.ranges;
    tasks.all_reduce(item.label, item.cache_levels, results);
    tasks.vector(item.label, results, kMergePasses);
  }
}

// Two sections of all chosen experts side by side, cut over the chiplets of their group.
void DimcModel::lower_experts(const Item& item, const Batch& batch, const Step& step,
                              DimcTasks& tasks) const {
  const auto& shape = std::get<Experts>(item.op.shape);
  const double groups = plan_.ep;
  const double slices = chiplets_ / groups;
  const double per_token = real(shape.experts_per_token);
  const double distinct =
      expected_distinct_experts(shape.num_experts, shape.experts_per_token, batch.tokens, step.routing);
  const double imbalance =
      expected_imbalance(shape.num_experts, shape.experts_per_token, plan_.ep, step.routing);
  // Of the busiest group; a group that has work has at least one expert.
  const double chosen = std::clamp(distinct / groups * imbalance, std::min(1.0, distinct), distinct);
  const double vectors = std::max(1.0, batch.tokens * per_token / groups * imbalance / chosen);
  const double inner = std::ceil(real(shape.intermediate) / slices);
  const double up = inner * (shape.gated ? 2 : 1), width = real(shape.width);
  tasks.section(item.label, {chosen, vectors, up, width, item.weight_bits, item.activation_bits}, item.cores,
                Category::weights, from_lpddr(chosen * up * width, item.weight_bits));
  tasks.vector(item.label, chosen * vectors * inner, kActivationPasses);
  tasks.section(item.label, {chosen, vectors, width, inner, item.weight_bits, item.activation_bits},
                item.cores, Category::weights, from_lpddr(chosen * inner * width, item.weight_bits));
  tasks.vector(item.label, batch.tokens * per_token / groups * imbalance * width,
               1);  // weighted sum of experts
}

void DimcModel::lower(const Step& step, Program& program) const {
  program.resources = resources_.list();
  program.labels = labels_;
  program.replicas = chiplets_ * plan_.dp;
  resources_.power(plan_.chips(), plan_.pp, program);
  program.blocks.resize(blocks_.size());
  const Batch batch(step, plan_.dp);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    Block& block = program.blocks[i];
    block.name = blocks_[i].name;
    block.repeat = blocks_[i].repeat;
    block.tasks.clear();
    block.after.clear();
    if (i > 0) {
      block.after.push_back(static_cast<std::int32_t>(i) - 1);
    }
    DimcTasks tasks(card_, resources_, block);
    for (const Item& item : blocks_[i].items) {
      lower(item, batch, step, tasks);
    }
  }
}

}  // namespace memwall
