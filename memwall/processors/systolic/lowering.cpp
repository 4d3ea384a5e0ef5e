#include "memwall/processors/systolic/lowering.h"

#include <algorithm>
#include <limits>

namespace memwall {
namespace {

constexpr double kBytes = 2;  // bf16 activations
constexpr double kLogitBytes = 4;

double real(std::int64_t value) { return static_cast<double>(value); }

bool decodes(const Slice& slice) { return slice.new_tokens == 1 && slice.past_tokens > 0; }

bool belongs(const Slice& slice, Side side) {
  return side == Side::whole || decodes(slice) == (side == Side::decode);
}

}  // namespace

SystolicModel::SystolicModel(const SystolicCard& card, const Model& model, const Plan& plan)
    : card_(card),
      resources_(card),
      plan_(plan),
      mode_(parse_mode(plan.mode, card)),
      hidden_(real(model.hidden_size)) {
  plan_block("prologue", 1, model.prologue);
  for (const LayerGroup& group : model.groups) {
    plan_block(group.name, group.repeat, group.operators);
  }
  if (plan_.pp > 1) {
    BlockPlan hand_over;
    hand_over.names = {"to_next_stage", "decode to_next_stage", "prefill to_next_stage"};
    hand_over.repeat = plan_.pp - 1;
    add(hand_over, Kind::send, "send", {});
    blocks_.push_back(std::move(hand_over));
  }
  plan_block("epilogue", 1, model.epilogue);
  host_label_ = label("host");
}

std::int32_t SystolicModel::label(const std::string& text) {
  const auto found = std::find(labels_.begin(), labels_.end(), text);
  if (found != labels_.end()) {
    return static_cast<std::int32_t>(found - labels_.begin());
  }
  labels_.push_back(text);
  return static_cast<std::int32_t>(labels_.size()) - 1;
}

void SystolicModel::add(BlockPlan& block, Kind kind, const std::string& label_text, const Operator& op) {
  block.ops.push_back({kind, label(label_text), op.role == OpRole::head, op});
}

void SystolicModel::plan_block(const std::string& name, std::int64_t repeat,
                               const std::vector<Operator>& operators) {
  BlockPlan block;
  block.names = {name, "decode " + name, "prefill " + name};
  block.repeat = repeat;
  bool open_sum = false;
  const auto close_sum = [&](const Operator& op) {
    if (open_sum && plan_.tp > 1) {
      add(block, Kind::all_reduce, "all_reduce", op);
    }
    open_sum = false;
  };
  for (const Operator& op : operators) {
    if (std::holds_alternative<Norm>(op.shape) || std::holds_alternative<ResidualAdd>(op.shape)) {
      close_sum(op);
    }
    if (std::holds_alternative<Sampler>(op.shape) && plan_.tp > 1) {
      add(block, Kind::gather_logits, "gather_logits", op);
    }
    add(block, Kind::op, op.name, op);
    open_sum = open_sum || std::holds_alternative<Experts>(op.shape) ||
               (op.split == TensorSplit::rows && std::holds_alternative<Linear>(op.shape)) ||
               (op.split != TensorSplit::replicated && std::holds_alternative<Embedding>(op.shape));
  }
  close_sum({});
  if (!block.ops.empty()) {
    blocks_.push_back(std::move(block));
  }
}

// Appends the tasks of one side of a step to a block, each after the one before.
class SystolicModel::Lowerer {
 public:
  // The tokens of `slices` on the cells of `side`.
  Lowerer(const SystolicModel& placed, const Step& step, Side slices, Side side, std::int64_t decode_slabs)
      : placed_(placed), step_(step), slices_(slices), side_(side), decode_slabs_(decode_slabs) {
    const std::int64_t all = placed.card_.finest.row_parts;
    share_.tp = placed.plan_.tp;
    share_.ep = placed.plan_.ep;
    share_.weights_in_sram = placed.mode_.weights_in_sram;
    share_.slabs = side == Side::whole ? 0 : side == Side::decode ? decode_slabs : all - decode_slabs;
    for (const Slice& slice : step.slices) {
      if (belongs(slice, slices)) {
        tokens_ += real(slice.count * slice.new_tokens);
        sequences_ += real(slice.count * slice.logits);
      }
    }
  }

  void lower(const BlockPlan& plan, Block& block) {
    block_ = &block;
    block.tasks.reserve(2 * plan.ops.size());  // whatever the step: attention may take two tasks
    if (tokens_ == 0) {
      return;
    }
    for (const Planned& planned : plan.ops) {
      lower(planned);
    }
  }

  void append(std::int32_t label, const SystolicCost& cost) {
    Task& task = block_->tasks.emplace_back();
    task.label = label;
    placed_.resources_.demand(cost, side_, decode_slabs_, task);
    if (block_->tasks.size() > 1) {
      add_predecessor(task, static_cast<std::int32_t>(block_->tasks.size()) - 2);
    }
  }

 private:
  void lower(const Planned& planned);
  void lower_attention(std::int32_t label, const Attention& attention);
  SystolicCost cost_of(const Operator& op, double rows) const;

  const SystolicModel& placed_;
  const Step& step_;
  Side slices_, side_;
  std::int64_t decode_slabs_;
  ChipShare share_;
  double tokens_ = 0, sequences_ = 0;
  Block* block_ = nullptr;
};

void SystolicModel::Lowerer::lower(const Planned& planned) {
  const int tp = placed_.plan_.tp;
  const double rows = planned.per_sequence ? sequences_ : tokens_;
  switch (planned.kind) {
    case Kind::all_reduce:
      append(planned.label, all_reduce_cost(rows * placed_.hidden_ * kBytes, tp));
      return;
    case Kind::gather_logits: {
      const double vocab = real(std::get<Sampler>(planned.op.shape).vocab);
      append(planned.label, all_gather_cost(sequences_ * vocab * kLogitBytes, tp));
      return;
    }
    case Kind::send:
      append(planned.label, send_cost(rows * placed_.hidden_ * kBytes));
      return;
    case Kind::op:
      break;
  }
  if (const Attention* attention = std::get_if<Attention>(&planned.op.shape)) {
    lower_attention(planned.label, *attention);
    return;
  }
  append(planned.label, cost_of(planned.op, rows));
}

// One kernel for all decodes, one for all prefills.
void SystolicModel::Lowerer::lower_attention(std::int32_t label, const Attention& attention) {
  for (const Side kind : {Side::decode, Side::prefill}) {
    SystolicCost cost;
    for (const Slice& slice : step_.slices) {
      if (belongs(slice, slices_) && belongs(slice, kind)) {
        cost += attention_cost(placed_.card_, share_, attention, slice);
      }
    }
    if (cost.macs > 0) {
      cost.starts = 1;
      append(label, cost);
    }
  }
}

SystolicCost SystolicModel::Lowerer::cost_of(const Operator& op, double rows) const {
  struct Visitor {
    const Lowerer& lowerer;
    const Operator& op;
    double rows;
    const SystolicCard& card() const { return lowerer.placed_.card_; }
    SystolicCost operator()(const Embedding& shape) const {
      return embedding_cost(shape, lowerer.share_, rows);
    }
    SystolicCost operator()(const Norm& shape) const { return norm_cost(shape, lowerer.share_, rows); }
    SystolicCost operator()(const Linear& shape) const {
      return linear_cost(card(), lowerer.share_, shape, op.split, rows);
    }
    SystolicCost operator()(const Rope& shape) const { return rope_cost(shape, lowerer.share_, rows); }
    SystolicCost operator()(const Attention&) const { return {}; }  // a task per slice, in lower()
    SystolicCost operator()(const Activation& shape) const {
      return activation_cost(shape, lowerer.share_, rows);
    }
    SystolicCost operator()(const ResidualAdd& shape) const { return residual_cost(shape, rows); }
    SystolicCost operator()(const Experts& shape) const {
      return experts_cost(card(), lowerer.share_, shape, rows, lowerer.step_.routing);
    }
    SystolicCost operator()(const Sampler& shape) const { return sampler_cost(shape, lowerer.sequences_); }
  };
  return std::visit(Visitor{*this, op, rows}, op.shape);
}

void SystolicModel::lower_as(const Step& step, const SharingChoice& choice, Program& program) const {
  const bool shared = choice.sharing == Sharing::shared, one_pass = choice.sharing == Sharing::batched;
  resources_.list(shared ? choice.decode_slabs : 0, program.resources);
  program.labels = labels_;
  program.replicas = plan_.tp;
  resources_.power(static_cast<double>(plan_.chips()), static_cast<double>(plan_.pp), program);
  // An array that splits has the blocks of both passes whatever the step: those without tokens stay empty, so
  // that no storage is given back between one kind of step and another.
  const std::size_t passes = card_.splits() ? 2 : 1, count = blocks_.size();
  program.blocks.resize(passes * count + 1);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    const Side slices = pass > 0 ? Side::prefill : one_pass ? Side::whole : Side::decode;
    const bool empty = one_pass && pass > 0;
    Lowerer lowerer(*this, step, slices, shared ? slices : Side::whole, shared ? choice.decode_slabs : 0);
    for (std::size_t i = 0; i < count; ++i) {
      Block& block = program.blocks[pass * count + i];
      block.name = blocks_[i].names[static_cast<std::size_t>(slices)];
      block.repeat = blocks_[i].repeat;
      block.tasks.clear();
      block.after.clear();
      block.after.reserve(1);
      if (i > 0 || (pass > 0 && !shared)) {
        block.after.push_back(static_cast<std::int32_t>(pass * count + i) - 1);
      }
      if (empty) {
        block.tasks.reserve(2 * blocks_[i].ops.size());
      } else {
        lowerer.lower(blocks_[i], block);
      }
    }
  }
  Block& host = program.blocks.back();
  host.name = "host";
  host.repeat = 1;
  host.tasks.clear();
  host.after.clear();
  host.after.reserve(2);
  if (shared) {
    host.after.push_back(static_cast<std::int32_t>(count) - 1);
  }
  host.after.push_back(static_cast<std::int32_t>(passes * count) - 1);
  Task& task = host.tasks.emplace_back();
  task.label = host_label_;
  SystolicCost cost;
  cost.host_steps = 1;
  resources_.demand(cost, Side::whole, 0, task);
}

SharingChoice SystolicModel::choose(const Step& step, Program& scratch) const {
  const auto is_decode = [](const Slice& slice) { return decodes(slice); };
  const bool mixed = std::any_of(step.slices.begin(), step.slices.end(), is_decode) &&
                     !std::all_of(step.slices.begin(), step.slices.end(), is_decode);
  if (!mixed || mode_.sharing == Sharing::batched) {
    return {};
  }
  if (mode_.sharing == Sharing::turns || mode_.decode_slabs > 0) {
    return {mode_.sharing, mode_.decode_slabs};
  }
  SharingChoice best;
  double least = std::numeric_limits<double>::infinity();
  const auto consider = [&](const SharingChoice& choice) {
    lower_as(step, choice, scratch);
    if (const double time = estimate(scratch).value; time < least) {
      least = time;
      best = choice;
    }
  };
  if (mode_.sharing == Sharing::best) {
    consider({Sharing::batched, 0});
    consider({Sharing::turns, 0});
  }
  for (std::int64_t slabs = 1; slabs < card_.finest.row_parts; ++slabs) {
    consider({Sharing::shared, slabs});
  }
  return best;
}

void SystolicModel::lower(const Step& step, Program& program) const {
  lower_as(step, choose(step, program), program);
}

namespace {

constexpr std::size_t kMostResources = 40, kMostStreams = 2;

// What one stream of blocks asks of a resource: its service times, their squares.
struct Load {
  double busy = 0, squares = 0;
};
using Loads = std::array<Load, kMostResources>;

// Visits every task: visit(stream, repeat, delays, work by resource, the longest of it).
template <class Visit>
void for_each_task(const Program& program, Visit&& visit) {
  std::size_t streams = 0;
  for (const Block& block : program.blocks) {
    streams += block.after.empty() ? 1 : 0;
    for (const Task& task : block.tasks) {
      double delays = 0, slowest = 0;
      std::array<double, kMostResources> work{};
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        const Demand& demand = task.demands[static_cast<std::size_t>(i)];
        const auto index = static_cast<std::size_t>(demand.resource);
        const double seconds = demand.charged / program.resources[index].sustained_rate;
        if (program.resources[index].is_delay) {
          delays += seconds;
        } else {
          work[index] += seconds;
          slowest = std::max(slowest, work[index]);
        }
      }
      visit(streams - 1, real(block.repeat), delays, work, slowest);
    }
  }
}

}  // namespace

Seconds estimate(const Program& program) {
  std::array<Loads, kMostStreams> loads{};
  std::array<double, kMostStreams> alone{}, with_waiting{};
  for_each_task(program,
                [&](std::size_t stream, double repeat, double delays, const auto& work, double slowest) {
                  alone[stream] += repeat * (delays + slowest);
                  for (std::size_t r = 0; r < work.size(); ++r) {
                    loads[stream][r].busy += repeat * work[r];
                    loads[stream][r].squares += repeat * work[r] * work[r];
                  }
                });
  const double longest = std::max(alone[0], alone[1]);
  // A task that finds a resource taken by the other stream waits for the rest of that service, on average.
  for_each_task(program,
                [&](std::size_t stream, double repeat, double delays, const auto& work, double slowest) {
                  double waiting = 0;
                  for (std::size_t r = 0; r < work.size(); ++r) {
                    const Load& other = loads[1 - stream][r];
                    if (work[r] > 0 && other.busy > 0) {
                      const double taken = std::min(1.0, other.busy / longest);
                      waiting = std::max(waiting, taken * other.squares / (2 * other.busy));
                    }
                  }
                  with_waiting[stream] += repeat * (delays + waiting + slowest);
                });
  double time = std::max(with_waiting[0], with_waiting[1]);
  for (std::size_t r = 0; r < kMostResources; ++r) {
    time = std::max(time, loads[0][r].busy + loads[1][r].busy);
  }
  return Seconds(time);
}

}  // namespace memwall
