#include "memwall/processors/hardwired/lowering.h"

#include <algorithm>
#include <cmath>

#include "memwall/core/error.h"
#include "memwall/processors/hardwired/placement.h"
#include "memwall/processors/hardwired/resources.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
constexpr double kBitsPerByte = 8;

double real(std::int64_t value) { return static_cast<double>(value); }

std::int64_t ceil_div(std::int64_t amount, std::int64_t parts) { return (amount + parts - 1) / parts; }

// Clears tasks and order, keeps storage.
Block& restart(Block& block, std::int64_t repeat) {
  block.repeat = repeat;
  block.tasks.clear();
  block.after.clear();
  return block;
}

}  // namespace

HardwiredModel::HardwiredModel(const HardwiredCard& card, const WiredNetwork& network, int copies)
    : card_(card), network_(network), copies_(copies), head_(head_stage(network, card)) {
  slots_ = static_cast<int>(network.layers) * card.stages_per_layer;
  double array_width = head_.array_width, vector_macs = 0;
  for (const WiredGroup& group : network_.groups) {
    StagedGroup& staged = groups_.emplace_back();
    staged.repeat = group.repeat;
    staged.layers = group.layers;
    for (const WiredLayer& layer : group.layers) {
      staged.stages.push_back(layer_stages(layer, network_, card_));
      for (const Stage& stage : staged.stages.back()) {
        array_width += real(group.repeat) * stage.array_width;
        if (stage.kind == StageKind::attention) {
          // Both passes together read heads_per_key * passes vectors and do macs_per_key with them.
          vector_macs =
              card_.kv_heads_per_cycle * stage.macs_per_key / (card_.attention_passes * stage.heads_per_key);
        }
      }
    }
  }
  resources_ = hardwired_resources(card_, array_width, vector_macs);
  for (int kind = 0; kind < kStageKinds; ++kind) {
    labels_.emplace_back(name(static_cast<StageKind>(kind)));
  }
  set_energies();
}

HardwiredModel::Load HardwiredModel::load_of(const Step& step) const {
  Load load;
  load.step = &step;
  const std::int64_t sequences = step.sequences(), tokens = step.new_tokens();
  const std::int64_t fullest = ceil_div(sequences, copies_);
  load.tokens = ceil_div(tokens * fullest, sequences);
  load.mean_share = real(tokens) / copies_ / real(load.tokens);
  load.heads_share = real(sequences) / real(tokens);
  load.is_decode = std::all_of(step.slices.begin(), step.slices.end(),
                               [](const Slice& slice) { return slice.new_tokens == 1; });
  Bytes cache;
  for (const Slice& slice : step.slices) {
    cache +=
        kv_bytes_per_chip(network_, card_, real(slice.past_tokens + slice.new_tokens)) * real(slice.count);
  }
  cache *= real(fullest) / real(sequences);
  if (card_.hbm && cache > card_.kv_capacity) {
    load.resident = card_.kv_capacity / cache;
  }
  return load;
}

HardwiredModel::Keys HardwiredModel::keys_of(const Step& step, const WiredLayer& layer) const {
  const std::int64_t window = card_.windows_honoured ? layer.window : 0;
  Keys keys;
  double attended = 0;
  for (const Slice& slice : step.slices) {
    attended += attended_keys(slice, window);
    const double context = real(slice.past_tokens + slice.new_tokens);
    keys.longest = std::max(keys.longest, window > 0 ? std::min(context, real(window)) : context);
  }
  keys.mean = attended / real(step.new_tokens());
  return keys;
}

// Two tasks: the stage itself, then the exchanges at its seam. `chained`: after the last task of the block,
// so work tasks are added to a block after all of its latencies.
void HardwiredModel::add_latency(const Stage& stage, double keys, double tokens, const Load& load,
                                 bool chained, Block& block) const {
  const auto label = static_cast<std::int32_t>(stage.kind);
  Task inside;
  inside.label = label;
  if (chained && !block.tasks.empty()) {
    add_predecessor(inside, static_cast<std::int32_t>(block.tasks.size()) - 1);
  }
  add_demand(inside, kCycles, Category::overhead, 0, stage.vector_ops * card_.vector_op_cycles);
  if (stage.inputs > 0) {
    const double streamed = stage.inputs / card_.inputs_per_cycle;
    const double least = card_.least_array_cycles > 0 ? card_.least_array_cycles : streamed;
    add_demand(inside, kCycles, Category::arithmetic, least, std::max(least, streamed));
  }
  if (stage.kind == StageKind::attention) {
    const double all_keys = keys * tokens;
    const double cycles = card_.attention_passes * all_keys * stage.heads_per_key / card_.kv_heads_per_cycle;
    add_demand(inside, kCycles, Category::kv, cycles, cycles);
    const double spilled =
        (1 - load.resident) * all_keys * stage.values_per_key * card_.kv_bits / kBitsPerByte;
    if (spilled > 0) {
      add_demand(inside, kSpillWait, Category::kv, spilled, spilled);
    }
  }
  block.tasks.push_back(inside);
  if (stage.rounds > 0) {
    Task seam;
    seam.label = label;
    add_predecessor(seam, static_cast<std::int32_t>(block.tasks.size()) - 1);
    const double rounds = stage.rounds, wire = stage.wire.value;
    add_demand(seam, kLinkLatency, Category::communication, rounds, rounds);
    add_demand(seam, kLinkProtocol, Category::communication, 0, rounds);
    add_demand(seam, kLinkWire, Category::communication, wire, wire);
    block.tasks.push_back(seam);
  }
}

// What `share` tokens take of the shared units. No predecessor: units are busy on behalf of other tokens.
void HardwiredModel::add_work(const Stage& stage, double keys, double share, const Load& load,
                              Block& block) const {
  Task task;
  task.label = static_cast<std::int32_t>(stage.kind);
  const auto demand = [&](std::int32_t resource, Category category, double amount) {
    if (amount > 0) {
      add_demand(task, resource, category, share * amount, share * amount);
    }
  };
  demand(kArrays, Category::arithmetic, kOpsPerMac * stage.macs);
  if (stage.kind == StageKind::attention) {
    const double token_bytes = stage.values_per_key * card_.kv_bits / kBitsPerByte;
    const double bytes = (keys + 1) * token_bytes;  // and the new token's own, written
    demand(kVector, Category::kv, kOpsPerMac * keys * stage.macs_per_key);
    demand(kBuffer, Category::kv, load.resident * bytes);
    demand(kHbm, Category::kv, (1 - load.resident) * bytes);
  }
  demand(kColumnLinks, Category::communication, stage.column_sent.value);
  demand(kRowLinks, Category::communication, stage.row_sent.value);
  if (task.demand_count > 0) {
    block.tasks.push_back(task);
  }
}

void HardwiredModel::lower(const Step& step, Program& program) const {
  const Load load = load_of(step);
  program.resources = resources_;
  program.labels = labels_;
  program.replicas = real(card_.chips) * copies_;
  program.static_power = card_.idle * program.replicas;
  if (card_.is_pipeline()) {
    lower_pipeline(load, program);
  } else {
    lower_passes(load, program);
  }
}

void HardwiredModel::lower_pipeline(const Load& load, Program& program) const {
  program.blocks.resize(groups_.size() + 2);  // pace, groups, head
  Block& pace = restart(program.blocks.front(), load.is_decode ? load.tokens : load.tokens - 1);
  pace.name = "pace";
  Block& exit = restart(program.blocks.back(), 1);
  exit.name = "head";
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const StagedGroup& group = groups_[g];
    Block& passage = restart(program.blocks[g + 1], group.repeat);
    passage.name = network_.groups[g].name;
    if (g > 0 || !load.is_decode) {
      passage.after.push_back(static_cast<std::int32_t>(g));
    }
    for (std::size_t l = 0; l < group.layers.size(); ++l) {
      const Keys keys = keys_of(*load.step, group.layers[l]);
      for (const Stage& stage : group.stages[l]) {
        add_latency(stage, keys.mean, 1, load, false, pace);
        add_latency(stage, keys.longest, 1, load, true, passage);
      }
      for (const Stage& stage : group.stages[l]) {
        add_work(stage, keys.mean, real(group.repeat) * load.mean_share, load, pace);
      }
    }
    if (!load.is_decode) {
      for (std::size_t l = 0; l < group.layers.size(); ++l) {
        const Keys keys = keys_of(*load.step, group.layers[l]);
        for (const Stage& stage : group.stages[l]) {
          add_work(stage, keys.mean, load.mean_share, load, passage);
        }
      }
    }
  }
  add_latency(head_, 0, 1, load, false, pace);
  add_latency(head_, 0, 1, load, true, exit);
  exit.after.push_back(static_cast<std::int32_t>(groups_.size()));
  const double head_share = load.mean_share * load.heads_share;
  add_work(head_, 0, head_share, load, pace);
  if (!load.is_decode) {
    add_work(head_, 0, head_share, load, exit);
  }
}

void HardwiredModel::lower_passes(const Load& load, Program& program) const {
  const auto passes = static_cast<std::int64_t>(std::ceil(real(load.tokens) / card_.tokens_per_pass));
  const double per_pass = real(load.tokens) / real(passes);
  program.blocks.resize(groups_.size() + 1);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const StagedGroup& group = groups_[g];
    Block& block = restart(program.blocks[g], group.repeat * passes);
    block.name = network_.groups[g].name;
    if (g > 0) {
      block.after.push_back(static_cast<std::int32_t>(g) - 1);
    }
    for (std::size_t l = 0; l < group.layers.size(); ++l) {
      const Keys keys = keys_of(*load.step, group.layers[l]);
      for (const Stage& stage : group.stages[l]) {
        add_latency(stage, keys.mean, per_pass, load, true, block);
      }
    }
    for (std::size_t l = 0; l < group.layers.size(); ++l) {
      const Keys keys = keys_of(*load.step, group.layers[l]);
      for (const Stage& stage : group.stages[l]) {
        add_work(stage, keys.mean, per_pass * load.mean_share, load, block);
      }
    }
  }
  Block& exit = restart(program.blocks.back(), passes);
  exit.name = "head";
  exit.after.push_back(static_cast<std::int32_t>(groups_.size()) - 1);
  add_latency(head_, 0, 1, load, true, exit);
  add_work(head_, 0, per_pass * load.mean_share * load.heads_share, load, exit);
}

// Joules per operation and byte from each block's share of the power that is not idle, at the published
// operating point.
void HardwiredModel::set_energies() {
  Step step;
  step.slices = {{static_cast<std::int64_t>(card_.published_batch), 1,
                  static_cast<std::int64_t>(card_.published_context)}};
  Program program;
  lower(step, program);
  std::vector<double> amounts(kResourceCount, 0.0);  // per chip and token of the copies together
  for (const Block& block : program.blocks) {
    for (const Task& task : block.tasks) {
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        const Demand& demand = task.demands[static_cast<std::size_t>(i)];
        amounts[static_cast<std::size_t>(demand.resource)] +=
            real(block.repeat) * demand.charged * copies_ / card_.published_batch;
      }
    }
  }
  const Watts blocks = card_.array_power + card_.vector_power + card_.buffer_power + card_.link_power;
  const bool has_blocks = blocks > Watts(0);
  const auto set = [&](std::int32_t resource, Watts power, double amount) {
    if (amount > 0 && power > Watts(0)) {
      const Watts active = has_blocks ? (card_.tdp - card_.idle) * (power / blocks) : card_.tdp - card_.idle;
      resources_[static_cast<std::size_t>(resource)].energy_per_amount =
          Joules(active.value / card_.published_rate.value / amount);
    }
  };
  set(kArrays, has_blocks ? card_.array_power : card_.tdp, amounts[kArrays]);
  set(kVector, card_.vector_power, amounts[kVector]);
  set(kBuffer, card_.buffer_power, amounts[kBuffer]);
  const double link_bytes = amounts[kColumnLinks] + amounts[kRowLinks];
  set(kColumnLinks, card_.link_power, link_bytes);
  set(kRowLinks, card_.link_power, link_bytes);
}

}  // namespace memwall
