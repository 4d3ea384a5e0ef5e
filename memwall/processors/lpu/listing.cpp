#include "memwall/processors/lpu/listing.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "memwall/processors/lpu/layer_compiler.h"
#include "memwall/processors/lpu/machine.h"
#include "memwall/processors/lpu/resources.h"

namespace memwall {
namespace {

[[noreturn]] void refuse_layer(const Model& model, const std::string& found) {
  throw ConfigError("explain schedule", fmt::format("{} in {}", found, model.name),
                    "a layer of norm, grouped attention with rotary positions and a gated feed-forward");
}

DecoderLayerShape shape_of(const Model& model, const Step& step, bool bytes) {
  DecoderLayerShape shape;
  shape.hidden = static_cast<int>(model.hidden_size);
  shape.bytes = bytes;
  for (const Operator& op : model.groups.front().operators) {
    if (const auto* attention = std::get_if<Attention>(&op.shape)) {
      if (attention->is_latent() || attention->window > 0 || attention->qk_dim != attention->v_dim) {
        refuse_layer(model, "another attention");
      }
      shape.heads = static_cast<int>(attention->heads);
      shape.kv_heads = static_cast<int>(attention->kv_heads);
      shape.head_dim = static_cast<int>(attention->qk_dim);
    } else if (const auto* activation = std::get_if<Activation>(&op.shape)) {
      if (!activation->gated) {
        refuse_layer(model, "a feed-forward without a gate");
      }
      shape.intermediate = static_cast<int>(activation->width);
    } else if (std::holds_alternative<Experts>(op.shape)) {
      refuse_layer(model, "experts");
    }
  }
  if (shape.heads == 0 || shape.intermediate == 0) {
    refuse_layer(model, "no attention or no feed-forward");
  }
  if (step.slices.size() != 1 || step.slices.front().new_tokens != 1) {
    throw ConfigError("explain schedule", "a step that is not one slice of decode", "--decode such as 1@128");
  }
  shape.sequences = static_cast<int>(step.slices.front().count);
  shape.context = static_cast<int>(step.slices.front().past_tokens);
  return shape;
}

// Values, of weights and cache, that the listing's schedule would start from.
double values_of(const DecoderLayerShape& s) {
  const double q = static_cast<double>(s.heads) * s.head_dim,
               kv = static_cast<double>(s.kv_heads) * s.head_dim;
  return s.hidden * (2 * q + 2 * kv + 3.0 * s.intermediate) +
         2 * kv * s.sequences * static_cast<double>(s.context);
}

DecoderLayerData zeros(const DecoderLayerShape& s) {
  const auto of = [](double count) { return std::vector<float>(static_cast<std::size_t>(count), 0.0f); };
  const double q = static_cast<double>(s.heads) * s.head_dim,
               kv = static_cast<double>(s.kv_heads) * s.head_dim;
  DecoderLayerData data;
  data.q = data.o = of(s.hidden * q);
  data.k = data.v = of(s.hidden * kv);
  data.gate = data.up = data.down = of(static_cast<double>(s.hidden) * s.intermediate);
  data.attention_gain = data.feed_forward_gain = of(s.hidden);
  data.keys = data.values = of(kv * s.sequences * static_cast<double>(s.context));
  data.x = of(static_cast<double>(s.hidden) * s.sequences);
  return data;
}

// A cycle as whole picoseconds, so that slices of a timeline meet exactly: 1111 of the 1111.1 at 0.9 GHz.
std::int64_t cycle_ps(const LpuCard& card) { return static_cast<std::int64_t>(1e12 / card.clock.value); }
SimTime at_cycle(std::int64_t cycle, const LpuCard& card) { return {cycle * cycle_ps(card)}; }

}  // namespace

ScheduleListing listing_of(const LpuSchedule& schedule, const LpuCard& card) {
  const LpuGeometry& g = schedule.geometry;
  std::vector<const LpuInstruction*> order;
  for (const LpuInstruction& i : schedule.instructions) {
    order.push_back(&i);
  }
  const auto key = [&](const LpuInstruction* i) {
    return std::tuple(i->chip, queue_of(g, *i), i->cycle, i->bank);
  };
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) { return key(a) < key(b); });
  ScheduleListing listing;
  Program& program = listing.program;
  program.labels = schedule.labels;
  program.blocks = {{"layer", 1, {}, {}}};
  const LpuInstruction* before = nullptr;
  for (const LpuInstruction* i : order) {
    const int queue = queue_of(g, *i);
    listing.lines.push_back({i->cycle, i->chip, queue_name(g, queue), to_text(*i),
                             schedule.labels[static_cast<std::size_t>(i->label)]});
    const bool same_queue = before != nullptr && before->chip == i->chip && queue_of(g, *before) == queue;
    if (!same_queue) {
      Resource resource;
      resource.name = fmt::format("chip {} {}", i->chip, listing.lines.back().queue);
      constexpr double kRounding = 1e-3;  // picoseconds: durations are rounded up to whole ones
      resource.peak_rate = resource.sustained_rate = 1e12 / (static_cast<double>(cycle_ps(card)) - kRounding);
      program.resources.push_back(resource);
    }
    if (same_queue && before->label == i->label && i->cycle <= before->cycle + 1) {
      if (i->cycle > before->cycle) {  // one more cycle of the same run
        Demand& demand = program.blocks.front().tasks.back().demands.front();
        demand.useful = demand.charged += 1;
        listing.spans.back().end = at_cycle(i->cycle + 1, card);
      }
    } else {
      Task task;
      task.label = i->label;
      add_demand(task, static_cast<std::int32_t>(program.resources.size()) - 1, Category::overhead, 1, 1);
      program.blocks.front().tasks.push_back(task);
      const SimTime begin = at_cycle(i->cycle, card);
      listing.spans.push_back({0, static_cast<std::int32_t>(program.blocks.front().tasks.size()) - 1, 0,
                               begin, begin, at_cycle(i->cycle + 1, card)});
    }
    before = i;
  }
  return listing;
}

ScheduleListing list_lpu_schedule(const Model& model, const System& system, const LpuCard& card,
                                  const Plan& plan, const Step& step) {
  Format activation = Format::bf16;
  for (const Operator& op : model.groups.front().operators) {
    if (const auto* linear = std::get_if<Linear>(&op.shape)) {
      activation = linear->activation;
    }
  }
  // The compiler's byte arithmetic is int8.
  const bool bytes = card.byte_format == Format::int8 && card.is_byte_arithmetic(activation);
  const DecoderLayerShape shape = shape_of(model, step, bytes);
  if (values_of(shape) > kMostListedWeights) {
    throw ConfigError("explain schedule",
                      fmt::format("{:.0f} million values in a layer", values_of(shape) / 1e6),
                      fmt::format("at most {:.0f} million: a smaller model", kMostListedWeights / 1e6));
  }
  const LinkTiming links = link_timing(card);
  const CompiledLayer layer = compile_layer(card.geometry, links, plan.tp, shape, zeros(shape));
  LpuMachine machine(layer.schedule, {});
  const LpuRun run = machine.run();
  if (run.error) {
    throw std::logic_error("[lpu] the compiler made a schedule error: " + to_text(*run.error));
  }
  ScheduleListing listing = listing_of(layer.schedule, card);
  listing.title = fmt::format(
      "one layer of {} over {} chip{} of {}: {} cycles, {} by closed form; {} instructions", model.name,
      plan.tp, plan.tp == 1 ? "" : "s", system.name, run.cycles,
      static_cast<std::int64_t>(layer_cycles(card.geometry, links, plan.tp, shape)), run.instructions);
  return listing;
}

}  // namespace memwall
