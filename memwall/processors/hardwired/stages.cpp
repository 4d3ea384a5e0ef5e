#include "memwall/processors/hardwired/stages.h"

namespace memwall {
namespace {

// Adds exchanges to a stage. `width` counts values of one token held or received by one chip.
class Exchanges {
 public:
  enum class Axis { row, column };

  Exchanges(const HardwiredCard& card, Stage& stage) : card_(card), stage_(stage) {}

  // Every chip of the group but the root sends its partial sums to the root.
  void reduce(Axis axis, double width) { one_to_one(axis, width, card_.links->partial_sum_bytes); }
  // The root sends the result to every other chip.
  void broadcast(Axis axis, double width) { one_to_one(axis, width, card_.links->result_bytes); }
  void all_reduce(Axis axis, double width) {
    reduce(axis, width);
    broadcast(axis, width);
  }
  // Every chip sends its part to every other.
  void all_gather(Axis axis, double width) {
    const double bytes = width * card_.links->result_bytes;
    add(axis, bytes, bytes * (group(axis) - 1));
  }

 private:
  double group(Axis axis) const { return axis == Axis::row ? card_.grid_columns : card_.grid_rows; }

  // group - 1 messages of the same length, by or to a root that every chip is in turn.
  void one_to_one(Axis axis, double width, double bytes_per_value) {
    const double bytes = width * bytes_per_value;
    add(axis, bytes, bytes * (group(axis) - 1) / group(axis));
  }
  void add(Axis axis, double wire, double sent) {
    if (group(axis) < 2) {
      return;
    }
    ++stage_.rounds;
    stage_.wire += Bytes(wire);
    (axis == Axis::row ? stage_.row_sent : stage_.column_sent) += Bytes(sent);
  }

  const HardwiredCard& card_;
  Stage& stage_;
};

struct Divided {  // sizes of the layer on one chip
  double hidden, hidden_part, queries, keys_values, heads, chips;
};

Stage qkv_stage(const Divided& size, const WiredLayer& layer, Exchanges::Axis column,
                const HardwiredCard& card) {
  Stage stage;
  stage.kind = StageKind::qkv;
  stage.inputs = size.hidden_part;
  stage.array_width = size.queries + size.keys_values;
  stage.macs = stage.inputs * stage.array_width;
  stage.vector_ops = 1 + (layer.has_rope ? 1 : 0);  // norm, rotation
  if (card.links) {
    Exchanges exchanges(card, stage);
    exchanges.reduce(column, size.queries + size.keys_values);
    exchanges.broadcast(column, size.queries);
  }
  return stage;
}

Stage attention_stage(const Divided& size, const WiredLayer& layer, Exchanges::Axis column,
                      const HardwiredCard& card) {
  Stage stage;
  stage.kind = StageKind::attention;
  const double rows = card.grid_rows, columns = card.grid_columns;
  stage.vector_ops = 2;  // softmax, rescaling by the statistics of all rows
  stage.heads_per_key = static_cast<double>(layer.kv_heads) / columns / rows;
  stage.macs_per_key = size.heads * static_cast<double>(layer.qk_dim + layer.v_dim) / rows;
  stage.values_per_key = static_cast<double>(layer.kv_values_per_token()) / columns / rows;
  if (card.links) {
    constexpr double kStatistics = 2;  // maximum and sum
    Exchanges exchanges(card, stage);
    exchanges.all_gather(column, kStatistics * size.heads);
    exchanges.all_reduce(column, size.heads * static_cast<double>(layer.v_dim));
  }
  return stage;
}

Stage output_stage(const Divided& size, const WiredLayer& layer, const HardwiredCard& card) {
  Stage stage;
  stage.kind = StageKind::o;
  stage.inputs = size.heads * static_cast<double>(layer.v_dim);
  stage.array_width = size.hidden_part;
  stage.macs = stage.inputs * stage.array_width;
  stage.vector_ops = 1;  // residual sum
  if (card.links) {
    Exchanges exchanges(card, stage);
    exchanges.all_reduce(Exchanges::Axis::row, size.hidden_part);
    exchanges.all_gather(Exchanges::Axis::column, size.hidden_part);
  }
  return stage;
}

Stage router_stage(const Divided& size, const WiredLayer& layer) {
  Stage stage;
  stage.kind = StageKind::router;
  stage.vector_ops = 1;  // norm
  if (layer.router_outputs > 0) {
    stage.inputs = size.hidden;
    stage.array_width = static_cast<double>(layer.router_outputs);
    stage.macs = stage.inputs * stage.array_width / size.chips;  // every chip repeats it: useful once
    stage.vector_ops += 1;                                       // top-k and its softmax
  }
  return stage;
}

// Networks on one chip and in use by one token, mean over the chips.
struct Networks {
  double here, active;
};
Networks networks(const Divided& size, const WiredLayer& layer) {
  if (layer.num_experts == 0) {
    return {1 / size.chips, 1 / size.chips};
  }
  return {static_cast<double>(layer.num_experts) / size.chips,
          static_cast<double>(layer.experts_per_token) / size.chips};
}

Stage up_stage(const Divided& size, const WiredLayer& layer) {
  const Networks count = networks(size, layer);
  Stage stage;
  stage.kind = StageKind::up;
  stage.inputs = size.hidden;
  stage.array_width = count.here * static_cast<double>(layer.up_outputs);
  stage.macs = stage.inputs * static_cast<double>(layer.up_outputs) * count.active;
  stage.vector_ops = 1;  // activation
  return stage;
}

Stage down_stage(const Divided& size, const WiredLayer& layer, const HardwiredCard& card) {
  const Networks count = networks(size, layer);
  const bool routed = layer.num_experts > 0;
  Stage stage;
  stage.kind = StageKind::down;
  stage.inputs = static_cast<double>(layer.intermediate) / (routed ? 1 : size.chips);
  stage.array_width = size.hidden * (routed ? count.here : 1);
  stage.macs = size.hidden * static_cast<double>(layer.intermediate) * count.active;
  stage.vector_ops = routed ? 2 : 1;  // sum of the experts by the router's weights; residual sum
  if (card.links) {
    Exchanges exchanges(card, stage);
    exchanges.all_reduce(Exchanges::Axis::row, size.hidden);
    exchanges.all_reduce(Exchanges::Axis::column, size.hidden);
  }
  return stage;
}

}  // namespace

std::string_view name(StageKind stage) {
  switch (stage) {
    case StageKind::qkv:
      return "qkv";
    case StageKind::attention:
      return "attention";
    case StageKind::o:
      return "o";
    case StageKind::router:
      return "router";
    case StageKind::up:
      return "up";
    case StageKind::down:
      return "down";
    case StageKind::head:
      return "head";
  }
  return "";
}

std::vector<Stage> layer_stages(const WiredLayer& layer, const WiredNetwork& network,
                                const HardwiredCard& card) {
  const double columns = card.grid_columns;
  Divided size{};
  size.hidden = static_cast<double>(network.hidden);
  size.hidden_part = size.hidden / card.grid_rows;
  size.heads = static_cast<double>(layer.heads) / columns;
  size.queries = size.heads * static_cast<double>(layer.qk_dim);
  size.keys_values = static_cast<double>(layer.kv_values_per_token()) / columns;
  size.chips = card.chips;
  constexpr auto kColumn = Exchanges::Axis::column;
  return {qkv_stage(size, layer, kColumn, card),
          attention_stage(size, layer, kColumn, card),
          output_stage(size, layer, card),
          router_stage(size, layer),
          up_stage(size, layer),
          down_stage(size, layer, card)};
}

Stage head_stage(const WiredNetwork& network, const HardwiredCard& card) {
  Stage stage;
  stage.kind = StageKind::head;
  stage.inputs = static_cast<double>(network.hidden);
  stage.array_width = static_cast<double>(network.vocab) / card.chips;
  stage.macs = stage.inputs * stage.array_width;
  stage.vector_ops = 2;  // norm, sampler
  if (card.links) {
    Exchanges exchanges(card, stage);
    exchanges.all_gather(Exchanges::Axis::row, stage.array_width);
    exchanges.all_gather(Exchanges::Axis::column, stage.array_width * card.grid_columns);
  }
  return stage;
}

}  // namespace memwall
