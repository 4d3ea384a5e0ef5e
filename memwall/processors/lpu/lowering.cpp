#include "memwall/processors/lpu/lowering.h"

#include <algorithm>
#include <cmath>

#include "memwall/processors/shard.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
constexpr double kBitsPerByte = 8;
constexpr double kHalfBytes = 2;
constexpr std::string_view kEntry = "entry", kHandOver = "hand-over", kPace = "pace", kHead = "head";

double real(std::int64_t value) { return static_cast<double>(value); }

Block& restart(Block& block, std::string_view name, std::int64_t repeat, std::int32_t after) {
  block.name = name;
  block.repeat = repeat;
  block.tasks.clear();
  block.after.clear();
  if (after >= 0) {
    block.after.push_back(after);
  }
  return block;
}

Task next_task(std::int32_t label, const Block& block) {
  Task task;
  task.label = label;
  if (!block.tasks.empty()) {
    add_predecessor(task, static_cast<std::int32_t>(block.tasks.size()) - 1);
  }
  return task;
}

// VXM operations on a result before it is written: scale or convert, and a residual or gate.
constexpr double kLinearChain = 1, kPointwiseChain = 1, kGateChain = 2;

}  // namespace

LpuModel::LpuModel(const Model& model, const LpuCard& card, const Plan& plan)
    : card_(card),
      plan_(plan),
      embeds_(!model.prologue.empty()),
      stages_(lpu_stages(model, card, plan)),
      links_(link_timing(card)),
      resources_(lpu_resources(card)),
      hidden_(real(model.hidden_size)) {
  all_reduce_ = label("all-reduce");
  hand_over_ = label("hand-over");
  host_ = label("host");
  for (const LayerGroup& group : model.groups) {
    groups_.push_back({group.name, group.repeat, {}});
    place_operators(group.operators, groups_.back().ops);
  }
  place_operators(model.epilogue, head_);
}

std::int32_t LpuModel::label(const std::string& text) {
  const auto found = std::find(labels_.begin(), labels_.end(), text);
  if (found == labels_.end()) {
    labels_.push_back(text);
    return static_cast<std::int32_t>(labels_.size()) - 1;
  }
  return static_cast<std::int32_t>(found - labels_.begin());
}

void LpuModel::place_operators(const std::vector<Operator>& operators, std::vector<PlacedOp>& placed) {
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const Operator& op = operators[i];
    PlacedOp result;
    result.op = op;
    result.label = label(op.name);
    if (std::holds_alternative<Linear>(op.shape)) {
      result.n = columns_per_chip(operators, i, plan_.tp);
      result.k = rows_per_chip(op, plan_.tp);
      result.reduces = op.split == TensorSplit::rows;
      result.follows = result.reduces && op.role == OpRole::ffn;
      const Activation* activation =
          i + 1 < operators.size() ? std::get_if<Activation>(&operators[i + 1].shape) : nullptr;
      result.parts = activation != nullptr && activation->gated ? 2 : 1;
      place_heads(operators, i, result);
      if (op.role == OpRole::head) {  // its columns are dealt to all chips that hold a part of it
        result.n = std::ceil(real(std::get<Linear>(op.shape).n) / (plan_.tp * std::max(1, stages_.head)));
      }
    }
    if (const auto* attention = std::get_if<Attention>(&op.shape)) {
      for (std::size_t j = 0; j < i; ++j) {
        const auto* linear = std::get_if<Linear>(&placed[j].op.shape);
        if (linear != nullptr && placed[j].tile_columns > 0 && fed_attention(operators, j) == attention) {
          result.n = placed[j].n;
          result.k = placed[j].k;
          result.tile_columns = placed[j].tile_columns;
          result.feeding = mode_of(linear->weight, linear->activation);
        }
      }
    }
    result.reduces = result.reduces || std::holds_alternative<Experts>(op.shape);
    placed.push_back(std::move(result));
  }
}

// Heads that stand side by side in a vector: columns of the projection before attention, rows of the one
// behind it.
void LpuModel::place_heads(const std::vector<Operator>& operators, std::size_t index,
                           PlacedOp& placed) const {
  for (std::size_t i = 0; i < operators.size(); ++i) {
    const auto* attention = std::get_if<Attention>(&operators[i].shape);
    if (attention == nullptr || attention->is_latent() || placed.op.role != OpRole::attention) {
      continue;
    }
    const double dim = real(attention->qk_dim), kv_heads = std::ceil(real(attention->kv_heads) / plan_.tp);
    const double width = slots_of(card_.geometry, dim, kv_heads) * dim;
    (index < i ? placed.tile_columns : placed.tile_rows) = std::min<double>(width, card_.geometry.lanes());
  }
}

ArrayMode LpuModel::mode_of(Format weight, Format activation) const {
  return {card_.is_byte_arithmetic(activation), info(weight).bits / kBitsPerByte};
}

double LpuModel::vectors_of(double width) const { return std::ceil(width / card_.geometry.lanes()); }

LpuModel::Chunk LpuModel::chunk_of(const Step& step, double parts) const {
  Chunk chunk{step, parts};
  chunk.tokens = std::ceil(real(step.new_tokens()) / plan_.dp / parts);
  chunk.sequences = std::ceil(real(step.logits()) / plan_.dp);
  chunk.share = 1 / (parts * plan_.dp);
  return chunk;
}

// Seconds of one chunk in a stage, the mean of all stages; `scratch` is overwritten.
double LpuModel::stage_seconds(const Chunk& chunk, Block& scratch) const {
  double seconds = 0;
  for (const PlacedGroup& group : groups_) {
    scratch.tasks.clear();
    add_group(group.ops, chunk, scratch);
    for (const Task& task : scratch.tasks) {
      double delays = 0, work = 0;
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        const Demand& demand = task.demands[static_cast<std::size_t>(i)];
        const Resource& resource = resources_.list[static_cast<std::size_t>(demand.resource)];
        const double time = demand.charged / resource.sustained_rate;
        (resource.is_delay ? delays : work) = resource.is_delay ? delays + time : std::max(work, time);
      }
      seconds += real(group.repeat) * (delays + work);
    }
  }
  return seconds / stages_.layers;
}

void LpuModel::add_section(std::int32_t label, const SectionLength& length, const ArrayMode& mode,
                           Category category, double bytes, double macs, Block& block) const {
  const LpuGeometry& g = card_.geometry;
  Task task = next_task(label, block);
  const double ops = kOpsPerMac * macs;
  const double ops_per_cycle = kOpsPerMac * card_.macs_per_cycle(mode.bytes);
  const double stream_bytes = length.load_cycles * LpuGeometry::kPlanes * g.weight_streams() * g.lanes();
  const double busy = std::max(
      {length.load_cycles, length.array_cycles, bytes / real(g.sram_bytes_per_cycle()), ops / ops_per_cycle});
  add_demand(task, resources_.cycles, Category::overhead, 0, std::max(0.0, length.cycles - busy));
  if (bytes > 0) {
    add_demand(task, resources_.sram, category, bytes, bytes);
    add_demand(task, resources_.streams, category, std::min(bytes, stream_bytes), stream_bytes);
  }
  if (macs > 0) {
    add_demand(task, mode.bytes ? resources_.byte_arrays : resources_.half_arrays, Category::arithmetic, ops,
               std::max(ops, length.array_cycles * ops_per_cycle));
  }
  block.tasks.push_back(task);
}

void LpuModel::add_exchange(std::int32_t label, const ExchangeLength& length, Block& block) const {
  Task task = next_task(label, block);
  add_demand(task, resources_.cycles, Category::overhead, 0, length.inside);
  add_demand(task, resources_.hop, Category::communication, length.hops, length.hops);
  add_demand(task, resources_.exchange, Category::communication, 0, 1);
  const double bytes = length.wire / links_.wire * card_.geometry.lanes();
  add_demand(task, resources_.links, Category::communication, bytes, bytes);
  block.tasks.push_back(task);
}

void LpuModel::add_host(std::int32_t label, Block& block) const {
  Task task = next_task(label, block);
  add_demand(task, resources_.host, Category::communication, 1, 1);
  block.tasks.push_back(task);
}

void LpuModel::add_matrix(const PlacedOp& placed, SectionLength length, const ArrayMode& mode,
                          const Emission& emission, double bytes, double macs, const Chunk& chunk,
                          Block& block) const {
  const bool exchanged = placed.reduces && plan_.tp > 1;
  ExchangeLength exchange;
  if (exchanged) {
    exchange =
        all_reduce_section(card_.geometry, links_, vectors_of(hidden_) * chunk.tokens, plan_.tp, emission);
    const double inside = std::min(exchange.hidden, exchange.inside);
    exchange.inside -= inside;
    length.cycles -= exchange.hidden - inside;
  }
  add_section(placed.label, length, mode, Category::weights, bytes, macs, block);
  if (exchanged) {
    add_exchange(all_reduce_, exchange, block);
  }
}

void LpuModel::add_linear(const PlacedOp& placed, const Chunk& chunk, Block& block) const {
  const auto& linear = std::get<Linear>(placed.op.shape);
  const ArrayMode mode = mode_of(linear.weight, linear.activation);
  const double tokens = placed.op.role == OpRole::head ? chunk.sequences : chunk.tokens;
  // Of queries, keys and values nothing waits for the last tile, which is of values.
  const double waited =
      placed.tile_columns > 0 ? std::max(placed.tile_columns, placed.n - placed.tile_columns) : placed.n;
  LinearShape shape;
  shape.n = waited;
  shape.k = placed.k;
  shape.tokens = tokens;
  shape.chain = kLinearChain;
  shape.tile_columns = placed.tile_columns;
  shape.tile_rows = placed.tile_rows;
  shape.parts = placed.parts;
  shape.follows = placed.follows;
  shape.is_residual = placed.op.split == TensorSplit::rows && plan_.tp == 1;
  // The mathematics needs every weight of the chip once, and its tokens' products.
  add_matrix(placed, linear_section(card_.geometry, mode, shape), mode,
             emission_of(card_.geometry, mode, shape), placed.n * placed.k * mode.stored_bytes,
             placed.n * placed.k * tokens, chunk, block);
}

void LpuModel::add_attention(const PlacedOp& placed, const Chunk& chunk, Block& block) const {
  const auto& attention = std::get<Attention>(placed.op.shape);
  SectionLength length;
  double bytes = 0, macs = 0;
  LpuAttention shape;
  shape.heads = std::ceil(real(attention.heads) / plan_.tp);
  shape.kv_heads = attention.is_latent() ? 1 : std::ceil(real(attention.kv_heads) / plan_.tp);
  shape.qk_dim = real(attention.is_latent() ? attention.latent + attention.rope_dim : attention.qk_dim);
  shape.v_dim = real(attention.is_latent() ? attention.latent : attention.v_dim);
  shape.kv_bytes = info(attention.kv).bits / kBitsPerByte;
  if (placed.tile_columns > 0) {
    const LinearShape qkv{
        .n = placed.n, .k = placed.k, .tokens = chunk.tokens, .tile_columns = placed.tile_columns};
    shape.queries_lead = queries_lead(card_.geometry, placed.feeding, qkv);
  }
  const double width = shape.kv_heads * (attention.is_latent() ? shape.qk_dim : shape.qk_dim + shape.v_dim);
  for (const Slice& slice : chunk.step.slices) {
    // Chunks of a prefill differ in what they see: the mean of all.
    shape.sequences = std::ceil(real(slice.count) / plan_.dp);
    shape.queries = std::max(1.0, std::ceil(real(slice.new_tokens) / chunk.parts));
    shape.keys = attended_keys(slice, attention.window) / real(slice.count * slice.new_tokens);
    length += attention_section(card_.geometry, shape);
    bytes += shape.sequences * shape.keys * width * shape.kv_bytes;
    macs += shape.sequences * shape.queries * shape.keys * shape.heads * (shape.qk_dim + shape.v_dim);
  }
  add_section(placed.label, length, {}, Category::kv, bytes, macs, block);
}

void LpuModel::add_experts(const PlacedOp& placed, const Chunk& chunk, Block& block) const {
  const auto& experts = std::get<Experts>(placed.op.shape);
  const ArrayMode mode = mode_of(experts.weight, experts.activation);
  const double pairs = chunk.tokens * real(experts.experts_per_token);
  // The schedule is fixed before the tokens are known: it has room for the worst case, all experts distinct.
  const double active = std::min(pairs, real(experts.num_experts));
  const double hidden = std::ceil(real(experts.intermediate) / plan_.tp);
  const double up = experts.gated ? 2 : 1;
  const double width = real(experts.width), tokens = std::ceil(pairs / active);
  const LpuGeometry& g = card_.geometry;
  // Gate and up matrices of the experts stand side by side; their down matrices one below the other.
  const double lanes = g.lanes(), padded = active * std::ceil(hidden / lanes) * lanes;
  LinearShape first, down;
  first = {.n = up * padded, .k = width, .tokens = tokens, .chain = kGateChain, .parts = up};
  down = {.n = width, .k = padded, .tokens = tokens, .chain = kLinearChain, .follows = true};
  SectionLength length = linear_section(g, mode, first);
  length += linear_section(g, mode, down);
  add_matrix(placed, length, mode, emission_of(g, mode, down),
             active * (up + 1) * width * hidden * mode.stored_bytes, (up + 1) * width * hidden * pairs, chunk,
             block);
}

void LpuModel::add_op(const PlacedOp& placed, const Chunk& chunk, Block& block) const {
  const LpuGeometry& g = card_.geometry;
  const OpShape& shape = placed.op.shape;
  const double rows = placed.op.role == OpRole::head ? chunk.sequences : chunk.tokens;
  SectionLength length;
  if (const auto* norm = std::get_if<Norm>(&shape)) {
    const bool by_head = placed.op.role == OpRole::attention && norm->groups > 1;
    const double width = real(norm->width) * (by_head ? std::ceil(real(norm->groups) / plan_.tp) : 1);
    length = norm_section(g, vectors_of(width), rows);
    add_section(placed.label, length, {}, Category::weights, 0, 0, block);
  } else if (const auto* rope = std::get_if<Rope>(&shape)) {
    const double heads = std::ceil(real(rope->heads) / plan_.tp);
    // All but the heads that the last tile brings keep pace with the matrix before.
    length = rope_section(g, std::min(heads, slots_of(g, real(rope->dim), heads)));
    add_section(placed.label, length, {}, Category::weights, 0, 0, block);
  } else if (const auto* activation = std::get_if<Activation>(&shape)) {
    // Links of the chain behind the matrix that makes its operands.
    length.cycles = (activation->gated ? kGateChain : kPointwiseChain) * g.alu_delay;
    add_section(placed.label, length, {}, Category::weights, 0, 0, block);
  } else if (std::holds_alternative<ResidualAdd>(shape)) {
    length.cycles = kPointwiseChain * g.alu_delay;
    add_section(placed.label, length, {}, Category::weights, 0, 0, block);
  } else if (const auto* sampler = std::get_if<Sampler>(&shape)) {
    const double parts = plan_.tp * std::max(1, stages_.head);
    length.cycles = lane_maximum_cycles(g) + std::ceil(vectors_of(real(sampler->vocab)) / parts) * rows;
    add_section(placed.label, length, {}, Category::weights, 0, 0, block);
  } else if (std::holds_alternative<Linear>(shape)) {
    add_linear(placed, chunk, block);
  } else if (std::holds_alternative<Attention>(shape)) {
    add_attention(placed, chunk, block);
  } else if (std::holds_alternative<Experts>(shape)) {
    add_experts(placed, chunk, block);
  }
}

void LpuModel::add_group(const std::vector<PlacedOp>& ops, const Chunk& chunk, Block& block) const {
  for (const PlacedOp& op : ops) {
    add_op(op, chunk, block);
  }
}

// As many chunks as make a prefill shortest: (stages + chunks - 1) x the time of a chunk in a stage.
double LpuModel::best_parts(const Step& step, Block& scratch) const {
  constexpr double kLeastChunk = 16;
  const bool is_decode = std::all_of(step.slices.begin(), step.slices.end(),
                                     [](const Slice& slice) { return slice.new_tokens == 1; });
  double best = 1, least = 0;
  for (double parts = 1; !is_decode && plan_.pp > 1; parts *= 2) {
    const Chunk chunk = chunk_of(step, parts);
    if (parts > 1 && chunk.tokens < kLeastChunk) {
      break;
    }
    const double seconds = (stages_.layers + parts - 1) * stage_seconds(chunk, scratch);
    if (parts == 1 || seconds < least) {
      least = seconds;
      best = parts;
    }
  }
  return best;
}

void LpuModel::lower(const Step& step, Program& program) const {
  program.resources = resources_.list;
  program.labels = labels_;
  program.replicas = plan_.tp * plan_.dp;
  program.static_power = card_.idle * plan_.chips();
  program.blocks.resize(std::max<std::size_t>(program.blocks.size(), 1));
  const double parts = best_parts(step, program.blocks.front());
  const Chunk chunk = chunk_of(step, parts);
  const bool paced = parts > 1, handed = plan_.pp > 1;
  const std::size_t count = groups_.size() + (embeds_ ? 1 : 0) + (handed ? 1 : 0) +
                            (paced ? groups_.size() : 0) + (head_.empty() ? 0 : 1);
  program.blocks.resize(count);
  std::int32_t last = -1;
  const auto next = [&](std::string_view name, std::int64_t repeat) -> Block& {
    Block& block = restart(program.blocks[static_cast<std::size_t>(last + 1)], name, repeat, last);
    ++last;
    return block;
  };
  if (embeds_) {
    add_host(host_, next(kEntry, 1));
  }
  for (const PlacedGroup& group : groups_) {
    add_group(group.ops, chunk, next(group.name, group.repeat));
  }
  if (handed) {
    add_exchange(hand_over_, hand_over_section(card_.geometry, links_, vectors_of(hidden_) * chunk.tokens),
                 next(kHandOver, plan_.pp - 1));
  }
  if (paced) {
    // The other chunks follow at the pace of one stage, a share of every group's layers.
    for (const PlacedGroup& group : groups_) {
      const double runs = std::ceil((parts - 1) * real(group.repeat) / stages_.layers);
      add_group(group.ops, chunk, next(kPace, static_cast<std::int64_t>(runs)));
    }
  }
  if (!head_.empty()) {
    add_group(head_, chunk, next(kHead, 1));
  }
}

}  // namespace memwall
