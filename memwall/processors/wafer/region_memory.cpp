// What a core holds: tiles of weights, rows of the cache, activations.
#include <algorithm>
#include <cmath>
#include <variant>

#include "memwall/processors/wafer/operator_cost.h"
#include "memwall/processors/wafer/placement.h"

namespace memwall {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }
double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

double tile(double k, double n, Grid grid) { return ceil_div(k, grid.rows) * ceil_div(n, grid.columns); }

// Values per core of one operator's weights, or of one expert's of it.
double weight_values(const Operator& op, Grid grid, bool of_one_expert) {
  const auto* routed = std::get_if<Experts>(&op.shape);
  const double held_experts = routed != nullptr && !of_one_expert ? real(routed->num_experts) : 1;
  if (const auto* linear = std::get_if<Linear>(&op.shape)) {
    return tile(real(linear->k), real(linear->n), grid) +
           (linear->bias ? ceil_div(real(linear->n), grid.columns) : 0);
  }
  if (const auto* experts = std::get_if<Experts>(&op.shape)) {
    const double up = (experts->gated ? 2 : 1) * real(experts->intermediate);
    return held_experts * (tile(real(experts->width), up, grid) +
                           tile(real(experts->intermediate), real(experts->width), grid));
  }
  if (const auto* norm = std::get_if<Norm>(&op.shape)) {
    return ceil_div(real(norm->width), grid.rows);
  }
  return 0;
}

double group_weight_values(const LayerGroup& group, Grid grid) {
  double values = 0;
  for (const Operator& op : group.operators) {
    values += weight_values(op, grid, false);
  }
  return values / real(group.layers_per_repeat);
}

// Of the largest matrix that is at work at a time.
double largest_values(const Model& model, Grid grid) {
  double largest = 0;
  for (const LayerGroup& group : model.groups) {
    for (const Operator& op : group.operators) {
      largest = std::max(largest, weight_values(op, grid, true));
    }
  }
  return largest;
}

// Of embedding and head together.
double table_values(const Model& model) {
  double values = 0;
  for (const std::vector<Operator>* ends : {&model.prologue, &model.epilogue}) {
    for (const Operator& op : *ends) {
      values += real(parameters(op).total);
    }
  }
  return values;
}

double widest(const Model& model) {
  double width = real(model.hidden_size);
  for (const LayerGroup& group : model.groups) {
    for (const Operator& op : group.operators) {
      if (const auto* linear = std::get_if<Linear>(&op.shape)) {
        width = std::max({width, real(linear->n), real(linear->k)});
      }
    }
  }
  return width;
}

double most_heads(const Model& model) {
  double heads = 1;
  for (const LayerGroup& group : model.groups) {
    for (const Operator& op : group.operators) {
      if (const auto* attention = std::get_if<Attention>(&op.shape)) {
        heads = std::max(heads, real(attention->heads));
      }
    }
  }
  return heads;
}

}  // namespace

std::int64_t layer_count(const Model& model) {
  std::int64_t layers = 0;
  for (const LayerGroup& group : model.groups) {
    layers += group.repeat * group.layers_per_repeat;
  }
  return layers;
}

RegionShare share_of(const Model& model, const WaferCard& card, Grid grid, int wafers) {
  RegionShare share;
  share.grid = grid;
  share.wafers = wafers;
  share.regions = wafers * regions_per_wafer(card, grid);
  const auto layers = static_cast<double>(layer_count(model));
  share.layers_per_region = static_cast<int>(ceil_div(layers, share.regions));
  share.used = static_cast<int>(ceil_div(layers, share.layers_per_region));
  double layer = 0;
  for (const LayerGroup& group : model.groups) {
    layer = std::max(layer, group_weight_values(group, grid));
  }
  share.layer = layer * card.value.value;
  share.largest = largest_values(model, grid) * card.value.value;
  share.tables = table_values(model) * card.value.value;
  const double room = card.sram.value - card.reserved.value;
  const double outside = (wafers * real(card.cores()) - share.used * grid.cores()) * room;
  share.parked = std::max(0.0, 1 - room / (share.layer * share.layers_per_region));
  share.weights = share.layer * share.layers_per_region +
                  std::max(0.0, share.tables - outside) / (share.used * grid.cores());
  return share;
}

double kv_per_core(const Model& model, const RegionShare& share, double context) {
  double most = 0;
  for (const LayerGroup& group : model.groups) {
    double bytes = 0;
    for (const Operator& op : group.operators) {
      if (const auto* attention = std::get_if<Attention>(&op.shape)) {
        const double kept = attention->window > 0 ? std::min(context, real(attention->window)) : context;
        const double values = ceil_div(kept, share.grid.rows) *
                              ceil_div(real(attention->kv_values_per_token()), share.grid.columns);
        bytes += bytes_of(values, attention->kv).value;
      }
    }
    most = std::max(most, bytes / real(group.layers_per_repeat));
  }
  return most * share.layers_per_region;
}

double decode_activations(const Model& model, const WaferCard& card, Grid grid, double tokens) {
  constexpr double kVectors = 3;  // the stream, what a layer makes of it, what arrives
  return kVectors * tokens * ceil_div(widest(model), std::min(grid.rows, grid.columns)) * card.value.value;
}

PrefillRoom prefill_room(const Model& model, const WaferCard& card, const RegionShare& share,
                         const PrefillNeed& need) {
  // Residual stream, its norm, queries, keys, values, their result; up, gate and their product.
  constexpr double kStreams = 6, kWide = 2, kMatrices = 2;
  const double side = share.grid.rows, value = card.value.value;
  const double hidden = ceil_div(real(model.hidden_size), side), wide = ceil_div(widest(model), side);
  const double usable = card.sram.value - card.reserved.value;
  const double per_row = (kStreams * hidden + kWide * wide) * value;

  PrefillRoom result;
  const double at_work = share.used * share.grid.cores();
  const double elsewhere = (share.wafers * real(card.cores()) - at_work) * usable;
  result.held = real(layer_count(model)) * share.layer * share.grid.cores() + share.tables +
                need.sequences * kv_per_core(model, share, need.context) * at_work;
  result.tiles = std::max(kMatrices * share.largest, (result.held - elsewhere) / at_work);
  const double room = usable - result.tiles;
  const double rows = std::max(1.0, std::min(ceil_div(need.tokens, side), std::floor(room / per_row)));
  result.tokens = std::min(need.tokens, rows * side);
  const double scores = result.tokens * need.context * most_heads(model) / (side * side) * value;
  const double left = std::max(room - rows * per_row, value * need.context / side);
  result.score_parts = std::max(1.0, std::min(ceil_div(scores, left), rows));
  result.activations = rows * per_row + scores / result.score_parts;
  return result;
}

}  // namespace memwall
