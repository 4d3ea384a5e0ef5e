#include "memwall/processors/wafer/lowering.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <variant>

#include "memwall/processors/wafer/resources.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
// Labels of what no operator of the model does, after the operators'.
enum ExtraLabel : std::size_t { kPaceLabel, kHandOverLabel, kParkedLabel, kRelayoutLabel, kExtraLabels };

double real(std::int64_t value) { return static_cast<double>(value); }
double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

Block& restart(Block& block, std::string_view name, std::int64_t repeat) {
  block.name = name;
  block.repeat = repeat;
  block.tasks.clear();
  block.after.clear();
  return block;
}

std::int32_t last_task(const Block& block) { return static_cast<std::int32_t>(block.tasks.size()) - 1; }

// Bytes of weights as SRAM holds them; the step counts them in the format of the checkpoint.
double resident_factor(const Operator& op, const WaferCard& card) {
  constexpr double kBitsPerByte = 8;
  const double bits = card.value.value * kBitsPerByte;
  if (const auto* linear = std::get_if<Linear>(&op.shape)) {
    return bits / info(linear->weight).bits;
  }
  if (const auto* experts = std::get_if<Experts>(&op.shape)) {
    return bits / info(experts->weight).bits;
  }
  return 1;
}

}  // namespace

WaferModel::WaferModel(const Model& model, const WaferCard& card, const Plan& plan)
    : model_(model),
      card_(card),
      plan_(plan),
      regions_(mesh_timing(card), {}, {}, Collective::ktree),
      resources_(wafer_resources(card, plan.pp)) {
  const WaferMode mode = parse_wafer_mode(plan.mode, card);
  decode_ = share_of(model, card, *mode.decode, plan.pp);
  prefill_ = share_of(model, card, *mode.prefill, plan.pp);
  regions_ = RegionModel(mesh_timing(card), *mode.decode, *mode.prefill, mode.collective);
  for_each_operator(model_, [&](const Operator& op, std::int64_t) { labels_.push_back(op.name); });
  labels_.insert(labels_.end(), {"slowest region", "hand over", "parked weights", "change of grid"});
}

WaferModel::Passage WaferModel::decode_passage_of(const Step& step) const {
  const double sequences = ceil_div(real(step.sequences()), plan_.dp);
  const double tokens = real(step.new_tokens()) / real(step.sequences()) * sequences;
  Passage passage;
  passage.batches = std::min<double>(sequences, decode_.used);
  passage.decode.tokens = ceil_div(tokens, passage.batches);
  passage.decode.sequences = ceil_div(sequences, passage.batches);
  double attended = 0;
  for (const Slice& slice : step.slices) {
    attended += attended_keys(slice, 0);
  }
  passage.decode.context = attended / real(step.new_tokens());
  return passage;
}

// Tokens of a sequence as one batch or in several that follow one another, whichever takes least and has
// room.
std::optional<WaferModel::Passage> WaferModel::few_tokens_passage_of(const Step& step) const {
  const double per_sequence = real(step.new_tokens()) / real(step.sequences());
  std::optional<Passage> best;
  const double most = per_sequence <= decode_.used ? std::ceil(per_sequence) : 1;
  for (double parts = 1; parts < 2 * most; parts *= 2) {
    Passage passage = decode_passage_of(step);
    const double batches = std::min(parts, most);
    passage.batches *= batches;
    passage.decode.tokens = ceil_div(passage.decode.tokens, batches);
    passage.drains = batches > 1;
    const bool has_room = decode_activations(model_, card_, decode_.grid, passage.decode.tokens) +
                              card_.reserved.value + decode_.weights <
                          card_.sram.value;
    if (has_room && (!best || cycles_of(passage) < cycles_of(*best))) {
      best = passage;
    }
  }
  return best;
}

WaferModel::Passage WaferModel::prefill_passage_of(const Step& step) const {
  // Slices of different length become sequences of the mean one.
  const double sequences = real(step.sequences());
  double attended = 0, context = 0;
  for (const Slice& slice : step.slices) {
    attended += attended_keys(slice, 0);
    context += real(slice.count * (slice.past_tokens + slice.new_tokens));
  }
  Passage passage;
  passage.is_decode = false;
  passage.drains = passage.relayout = true;
  const double tokens = real(step.new_tokens()) / sequences;
  context /= sequences;
  const PrefillRoom room =
      prefill_room(model_, card_, prefill_, {tokens, context, ceil_div(sequences, plan_.dp)});
  const double chunks = ceil_div(tokens, room.tokens);
  passage.batches = ceil_div(sequences, plan_.dp) * chunks;
  passage.prefill = {tokens / chunks, context, attended / real(step.new_tokens()), room.score_parts};
  return passage;
}

RegionCost WaferModel::cost_of(const Operator& op, const Passage& passage, Along& at) const {
  return passage.is_decode ? regions_.decode(op, passage.decode, at) : regions_.prefill(op, passage.prefill);
}

double WaferModel::cycles_of(const Passage& passage) const {
  const RegionShare& share = passage.is_decode ? decode_ : prefill_;
  double through = 0;
  if (passage.is_decode) {
    through = decode_passage(model_, regions_, share, passage.decode).total();
  } else {
    through = prefill_passage(model_, regions_, share, passage.prefill).total();
  }
  const double slowest = through * share.layers_per_region / real(layer_count(model_));
  double cycles = passage.drains ? (passage.batches - 1) * slowest + through
                                 : std::max(through, passage.batches * slowest);
  if (passage.relayout) {
    cycles += relayout_cycles(card_, decode_.weights);
  }
  return cycles;
}

void WaferModel::add_cost(std::size_t label, const RegionCost& cost, bool chained, Block& block) const {
  Task task;
  task.label = static_cast<std::int32_t>(label);
  if (chained && !block.tasks.empty()) {
    add_predecessor(task, last_task(block));
  }
  add_cycles(cost, task);
  if (task.demand_count > 0) {
    block.tasks.push_back(task);
  }
}

// From region to region, from wafer to wafer, and the sampled token back to the first wafer.
void WaferModel::add_crossings(const Passage& passage, Block& block) const {
  const RegionShare& share = passage.is_decode ? decode_ : prefill_;
  const double tokens = passage.is_decode ? passage.decode.tokens : passage.prefill.tokens;
  RegionCost hand = regions_.hand_over(tokens, real(model_.hidden_size), share.grid);
  hand.cycles = (share.used - 1.0) * hand.cycles;
  hand.useful_fabric *= share.used - 1.0;
  add_cost(labels_.size() - kExtraLabels + kHandOverLabel, hand, false, block);
  if (plan_.pp > 1) {
    Task task;
    task.label = static_cast<std::int32_t>(labels_.size() - kExtraLabels + kHandOverLabel);
    if (!block.tasks.empty()) {
      add_predecessor(task, last_task(block));
    }
    const double bytes = (plan_.pp - 1.0) * tokens * real(model_.hidden_size) * card_.value.value;
    add_demand(task, kEdgeLatency, Category::communication, plan_.pp, plan_.pp);
    add_demand(task, kEdgeWire, Category::communication, bytes, bytes);
    block.tasks.push_back(task);
  }
}

void WaferModel::add_work(const Step& step, Program& program) const {
  Block& block = restart(program.blocks.back(), "work", 1);
  std::size_t label = 0;
  const double copies = plan_.dp;
  for_each_operator(model_, [&](const Operator& op, std::int64_t repeat) {
    const OpWork each = work(op, step);
    const double times = real(repeat) / copies;
    Task task;
    task.label = static_cast<std::int32_t>(label++);
    const auto demand = [&](std::int32_t resource, Category category, double amount) {
      if (amount > 0) {
        add_demand(task, resource, category, amount, amount);
      }
    };
    demand(kCores, Category::arithmetic, kOpsPerMac * each.macs * times);
    demand(kSram, Category::weights, each.weight_read.value * resident_factor(op, card_) * real(repeat));
    demand(kSram, Category::kv, (each.kv_read + each.kv_written).value * times);
    if (task.demand_count > 0) {
      block.tasks.push_back(task);
    }
  });
}

void WaferModel::lower_passage(const Step& step, const Passage& passage, Program& program) const {
  const RegionShare& share = passage.is_decode ? decode_ : prefill_;
  const std::size_t extra = labels_.size() - kExtraLabels, groups = model_.groups.size();
  program.blocks.resize(groups + 5);
  Block& pace = restart(program.blocks[0], "pace",
                        static_cast<std::int64_t>(passage.drains ? passage.batches - 1 : passage.batches));
  const double layers = real(layer_count(model_));
  RegionCost slowest;  // a region's layers, of every group in its proportion
  std::size_t label = 0;
  const auto lower_block = [&](Block& block, const std::vector<Operator>& operators, double share_of_region) {
    Along at = Along::rows;
    for (const Operator& op : operators) {
      const RegionCost cost = cost_of(op, passage, at);
      add_cost(label++, cost, true, block);
      slowest.cycles += share_of_region * cost.cycles;
      slowest.useful_compute += share_of_region * cost.useful_compute;
      slowest.useful_fabric += share_of_region * cost.useful_fabric;
    }
  };
  lower_block(restart(program.blocks[1], "embedding", 1), model_.prologue, 0);
  for (std::size_t g = 0; g < groups; ++g) {
    const LayerGroup& group = model_.groups[g];
    lower_block(restart(program.blocks[g + 2], group.name, group.repeat), group.operators,
                share.layers_per_region * real(group.repeat) / layers);
  }
  Block& exit = restart(program.blocks[groups + 2], "head", 1);
  lower_block(exit, model_.epilogue, 0);
  Block& seams = restart(program.blocks[groups + 3], "seams", 1);
  add_crossings(passage, seams);
  if (!passage.is_decode) {
    RegionCost wait;
    wait.cycles.fabric = waiting_for_weights(model_, regions_, share,
                                             slowest.cycles.total() * layers / share.layers_per_region);
    add_cost(extra + kParkedLabel, wait, true, seams);
  }
  if (passage.relayout) {
    RegionCost move;
    move.cycles.fabric = relayout_cycles(card_, decode_.weights);
    add_cost(extra + kRelayoutLabel, move, true, seams);
  }
  add_cost(extra + kPaceLabel, slowest, true, pace);
  // A prompt's passage follows those before it; a token of decode meets the next one of its own sequence.
  for (std::size_t block = 1; block < groups + 4; ++block) {
    if (block > 1 || passage.drains) {
      program.blocks[block].after.push_back(static_cast<std::int32_t>(block) - 1);
    }
  }
  if (pace.repeat < 1) {
    pace.repeat = 1;
    pace.tasks.clear();
  }
  add_work(step, program);
}

void WaferModel::lower(const Step& step, Program& program) const {
  program.resources = resources_;
  program.labels = labels_;
  program.replicas = plan_.dp;
  // Measured: decode draws about all of TDP, idle four fifths of it. A wafer that waits for others idles.
  const bool is_decode = std::all_of(step.slices.begin(), step.slices.end(),
                                     [](const Slice& slice) { return slice.new_tokens == 1; });
  Passage passage;
  if (is_decode) {
    passage = decode_passage_of(step);
  } else {
    passage = prefill_passage_of(step);
    const std::optional<Passage> few = few_tokens_passage_of(step);
    if (few && cycles_of(*few) <= cycles_of(passage)) {
      passage = *few;
    }
  }
  const double busy = std::min(1.0, passage.batches / plan_.pp);
  lower_passage(step, passage, program);
  const double wafers = static_cast<double>(plan_.pp) * plan_.dp;
  program.static_power =
      static_power_of((card_.idle + busy * (card_.tdp - card_.idle)) * wafers, card_.idle * wafers, program,
                      Seconds(cycles_of(passage) / card_.clock.value));
}

}  // namespace memwall
