#include "memwall/processors/hardwired/lowering.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "memwall/processors/hardwired/placement.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
constexpr double kBitsPerByte = 8;

double real(std::int64_t value) { return static_cast<double>(value); }

std::int64_t ceil_div(std::int64_t amount, std::int64_t parts) { return (amount + parts - 1) / parts; }

// Clears tasks and order, keeps storage.
Block& restart(Block& block, std::string_view name, std::int64_t repeat) {
  block.name = name;
  block.repeat = repeat;
  block.tasks.clear();
  block.after.clear();
  return block;
}

std::int32_t last_task(const Block& block) { return static_cast<std::int32_t>(block.tasks.size()) - 1; }

constexpr std::string_view kPace = "pace";
constexpr std::string_view kHead = "head";

}  // namespace

HardwiredModel::HardwiredModel(const HardwiredCard& card, const WiredNetwork& network, int copies)
    : card_(card), network_(network), copies_(copies), head_(head_stage(network, card)) {
  slots_ = static_cast<int>(network.layers) * card.stages_per_layer;
  double array_width = head_.array_width, vector_macs = 0;
  for (const WiredGroup& group : network_.groups) {
    StagedGroup& staged = groups_.emplace_back();
    staged.repeat = group.repeat;
    for (const WiredLayer& layer : group.layers) {
      add_layer({card_.windows_honoured ? layer.window : 0, layer_stages(layer, network_, card_), 1}, staged);
      for (const Stage& stage : staged.layers.back().stages) {
        array_width += real(group.repeat) * stage.array_width;
        if (stage.kind == StageKind::attention) {
          // All passes together read heads_per_key * passes vectors and do macs_per_key with them.
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

void HardwiredModel::add_layer(StagedLayer layer, StagedGroup& group) {
  for (StagedLayer& earlier : group.layers) {
    if (earlier.alike > 0 && earlier.window == layer.window && earlier.stages == layer.stages) {
      ++earlier.alike;
      layer.alike = 0;
      break;
    }
  }
  group.layers.push_back(std::move(layer));
}

HardwiredModel::Load HardwiredModel::load_of(const Step& step) const {
  const std::int64_t sequences = step.sequences(), tokens = step.new_tokens();
  const std::int64_t fullest = ceil_div(sequences, copies_);
  Load load{step};
  load.tokens = ceil_div(tokens * fullest, sequences);
  load.mean_share = real(tokens) / copies_ / real(load.tokens);
  load.head_share = real(step.logits()) / real(tokens);
  load.is_decode = std::all_of(step.slices.begin(), step.slices.end(),
                               [](const Slice& slice) { return slice.new_tokens == 1; });
  Bytes cache;
  for (const Slice& slice : step.slices) {
    const double context = real(slice.past_tokens + slice.new_tokens);
    cache += kv_bytes_per_chip(network_, card_, context) * real(slice.count);
  }
  cache *= real(fullest) / real(sequences);
  if (card_.hbm && cache > card_.kv_capacity) {
    load.resident = card_.kv_capacity / cache;
  }
  return load;
}

HardwiredModel::Keys HardwiredModel::keys_of(const Step& step, std::int64_t window) const {
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

template <class Visit>
void HardwiredModel::for_each_stage(const StagedGroup& group, const Step& step, Visit&& visit) const {
  for (const StagedLayer& layer : group.layers) {
    const Keys keys = keys_of(step, layer.window);
    for (const Stage& stage : layer.stages) {
      visit(stage, keys, layer.alike);
    }
  }
}

// One task for the stage itself, one for the exchanges at its seam.
void HardwiredModel::add_latency(const Stage& stage, double keys, double tokens, const Load& load,
                                 Order order, Block& block) const {
  Task inside;
  inside.label = static_cast<std::int32_t>(stage.kind);
  if (order == Order::chained && !block.tasks.empty()) {
    add_predecessor(inside, last_task(block));
  }
  add_demand(inside, resources_.cycles, Category::overhead, 0, stage.vector_ops * card_.vector_op_cycles);
  if (stage.inputs > 0) {
    const double streamed = stage.inputs / card_.inputs_per_cycle;
    const double least = card_.least_array_cycles > 0 ? card_.least_array_cycles : streamed;
    add_demand(inside, resources_.cycles, Category::arithmetic, least, std::max(least, streamed));
  }
  if (stage.kind == StageKind::attention) {
    const double all_keys = keys * tokens;
    const double cycles = card_.attention_passes * all_keys * stage.heads_per_key / card_.kv_heads_per_cycle;
    add_demand(inside, resources_.cycles, Category::kv, cycles, cycles);
    if (load.resident < 1) {
      const double bytes = all_keys * stage.values_per_key * card_.kv_bits / kBitsPerByte;
      const double spilled = (1 - load.resident) * bytes;
      add_demand(inside, resources_.spill_wait, Category::kv, spilled, spilled);
    }
  }
  block.tasks.push_back(inside);
  if (stage.rounds > 0) {
    Task seam;
    seam.label = inside.label;
    add_predecessor(seam, last_task(block));
    const double rounds = stage.rounds, wire = stage.wire.value;
    add_demand(seam, resources_.link_latency, Category::communication, rounds, rounds);
    add_demand(seam, resources_.link_protocol, Category::communication, 0, rounds);
    add_demand(seam, resources_.link_wire, Category::communication, wire, wire);
    block.tasks.push_back(seam);
  }
}

// Two tasks, so that no unit of a chip waits for a link.
void HardwiredModel::add_work(const Stage& stage, double keys, double tokens, const Load& load,
                              Block& block) const {
  Task units, links;
  units.label = links.label = static_cast<std::int32_t>(stage.kind);
  const auto demand = [&](Task& task, std::int32_t resource, Category category, double per_token) {
    if (per_token > 0) {
      add_demand(task, resource, category, tokens * per_token, tokens * per_token);
    }
  };
  demand(units, resources_.arrays, Category::arithmetic, kOpsPerMac * stage.macs);
  if (stage.kind == StageKind::attention) {
    const double cached = stage.values_per_key * card_.kv_bits / kBitsPerByte;  // bytes of one token
    const double bytes = (keys + 1) * cached;                                   // and the new one, written
    demand(units, resources_.vector, Category::kv, kOpsPerMac * keys * stage.macs_per_key);
    demand(units, resources_.buffer, Category::kv, load.resident * bytes);
    demand(units, resources_.hbm, Category::kv, (1 - load.resident) * bytes);
  }
  demand(links, resources_.column_links, Category::communication, stage.column_sent.value);
  demand(links, resources_.row_links, Category::communication, stage.row_sent.value);
  for (const Task& task : {units, links}) {
    if (task.demand_count > 0) {
      block.tasks.push_back(task);
    }
  }
}

void HardwiredModel::lower(const Step& step, Program& program) const {
  program.resources = resources_.list;
  program.labels = labels_;
  program.replicas = real(card_.chips) * copies_;
  program.static_power = card_.idle * program.replicas;
  if (card_.is_pipeline()) {
    lower_pipeline(load_of(step), program);
  } else {
    lower_passes(load_of(step), program);
  }
}

void HardwiredModel::lower_pipeline(const Load& load, Program& program) const {
  program.blocks.resize(groups_.size() + 2);
  Block& pace = restart(program.blocks.front(), kPace, load.is_decode ? load.tokens : load.tokens - 1);
  Block& exit = restart(program.blocks.back(), kHead, 1);
  exit.after.push_back(static_cast<std::int32_t>(groups_.size()));
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const StagedGroup& group = groups_[g];
    Block& passage = restart(program.blocks[g + 1], network_.groups[g].name, group.repeat);
    if (g > 0 || !load.is_decode) {
      passage.after.push_back(static_cast<std::int32_t>(g));
    }
    for_each_stage(group, load.step, [&](const Stage& stage, const Keys& keys, std::int64_t alike) {
      if (alike > 0) {
        add_latency(stage, keys.mean, 1, load, Order::side_by_side, pace);
      }
      add_latency(stage, keys.longest, 1, load, Order::chained, passage);
    });
  }
  add_latency(head_, 0, 1, load, Order::side_by_side, pace);
  add_latency(head_, 0, 1, load, Order::chained, exit);

  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for_each_stage(groups_[g], load.step, [&](const Stage& stage, const Keys& keys, std::int64_t alike) {
      if (alike > 0) {
        add_work(stage, keys.mean, real(groups_[g].repeat * alike) * load.mean_share, load, pace);
      }
      if (!load.is_decode) {  // the token of the passage is not among those of the pace
        add_work(stage, keys.mean, load.mean_share, load, program.blocks[g + 1]);
      }
    });
  }
  add_work(head_, 0, load.mean_share * load.head_share, load, pace);
  if (!load.is_decode) {
    add_work(head_, 0, load.mean_share * load.head_share, load, exit);
  }
}

void HardwiredModel::lower_passes(const Load& load, Program& program) const {
  const auto passes = static_cast<std::int64_t>(std::ceil(real(load.tokens) / card_.tokens_per_pass));
  const double per_pass = real(load.tokens) / real(passes);
  program.blocks.resize(groups_.size() + 1);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const StagedGroup& group = groups_[g];
    Block& block = restart(program.blocks[g], network_.groups[g].name, group.repeat * passes);
    if (g > 0) {
      block.after.push_back(static_cast<std::int32_t>(g) - 1);
    }
    for_each_stage(group, load.step, [&](const Stage& stage, const Keys& keys, std::int64_t) {
      add_latency(stage, keys.mean, per_pass, load, Order::chained, block);
    });
    for_each_stage(group, load.step, [&](const Stage& stage, const Keys& keys, std::int64_t) {
      add_work(stage, keys.mean, per_pass * load.mean_share, load, block);
    });
  }
  Block& exit = restart(program.blocks.back(), kHead, passes);
  exit.after.push_back(static_cast<std::int32_t>(groups_.size()) - 1);
  add_latency(head_, 0, 1, load, Order::chained, exit);
  add_work(head_, 0, per_pass * load.mean_share * load.head_share, load, exit);
}

Joules HardwiredModel::energy_per_mac() const {
  return resources_.list[static_cast<std::size_t>(resources_.arrays)].energy_per_amount * kOpsPerMac;
}

// Joules per operation and byte from each block's share of the power that is not idle, at the published
// operating point.
void HardwiredModel::set_energies() {
  Step step;  // the published batch on every copy
  step.slices = {{static_cast<std::int64_t>(card_.published_batch) * copies_, 1,
                  static_cast<std::int64_t>(card_.published_context)}};
  Program program;
  lower(step, program);
  std::vector<double> per_token(resources_.list.size(), 0.0);  // on one chip
  for (const Block& block : program.blocks) {
    for (const Task& task : block.tasks) {
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        const Demand& demand = task.demands[static_cast<std::size_t>(i)];
        per_token[static_cast<std::size_t>(demand.resource)] +=
            real(block.repeat) * demand.charged / card_.published_batch;
      }
    }
  }
  const Watts blocks = card_.array_power + card_.vector_power + card_.buffer_power + card_.link_power;
  const Watts active = card_.tdp - card_.idle;
  const auto amount = [&](std::int32_t resource) {
    return resource < 0 ? 0 : per_token[static_cast<std::size_t>(resource)];
  };
  const auto set = [&](std::int32_t resource, Watts power, double of_amount) {
    if (amount(resource) > 0) {
      const Watts share = blocks > Watts(0) ? active * (power / blocks) : power;
      resources_[resource].energy_per_amount = Joules(share.value / card_.published_rate.value / of_amount);
    }
  };
  set(resources_.arrays, blocks > Watts(0) ? card_.array_power : active, amount(resources_.arrays));
  set(resources_.vector, card_.vector_power, amount(resources_.vector));
  set(resources_.buffer, card_.buffer_power, amount(resources_.buffer));
  const double link_bytes = amount(resources_.column_links) + amount(resources_.row_links);
  set(resources_.column_links, card_.link_power, link_bytes);
  set(resources_.row_links, card_.link_power, link_bytes);
}

}  // namespace memwall
