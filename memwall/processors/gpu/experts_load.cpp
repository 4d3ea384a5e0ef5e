#include "memwall/processors/gpu/experts_load.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "memwall/processors/gpu/rounding.h"

namespace memwall {
namespace {

// Integral of ceil(t / height) from 0 to x.
double integral_of_ceil(double x, double height) {
  const double whole = std::floor(x / height);
  return height * whole * (whole + 1) / 2 + (x - whole * height) * (whole + 1);
}

// Mean of ceil(c / height) when c spreads around `mean` as counts do (variance = mean): over the interval
// mean -+ sqrt(3 mean), which has that variance.
double mean_tiles(double mean, double height) {
  const double half = std::sqrt(3 * mean);
  const double low = std::max(0.0, mean - half), high = mean + half;
  return (integral_of_ceil(high, height) - integral_of_ceil(low, height)) / (high - low);
}

RowTiles expected_tiles(double experts, double pairs) {
  RowTiles tiles;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    tiles[i] = experts * mean_tiles(pairs / experts, kTileHeights[i]);
  }
  return tiles;
}

double sum(std::span<const double> values) {
  double result = 0;
  for (const double value : values) {
    result += value;
  }
  return result;
}

// One dealing, `weight` of the mean. The shares become pairs by `unit`.
void add_dealing(std::span<const double> shares, std::size_t held, double unit, double weight,
                 ExpertsLoad& load) {
  std::span<const double> busiest;
  double most = -1;
  for (std::size_t first = 0; first < shares.size(); first += held) {
    const std::span<const double> group = shares.subspan(first, held);
    if (const double of_group = sum(group); of_group > most) {
      most = of_group;
      busiest = group;
    }
  }
  load.pairs += weight * most * unit;
  for (const double share : busiest) {
    const double rows = share * unit;
    load.experts += weight * std::min(rows, 1.0);
    for (std::size_t i = 0; i < kTileHeights.size(); ++i) {
      load.row_tiles[i] += weight * up(rows / kTileHeights[i]);
      load.full_tiles[i] += weight * down(rows / kTileHeights[i]);
    }
  }
  for (const double share : shares) {
    for (std::size_t i = 0; i < kTileHeights.size(); ++i) {
      load.all_tiles[i] += weight * up(share * unit / kTileHeights[i]);
    }
  }
}

ExpertsLoad dealt_load(double pairs, const Routing& routing, std::int64_t num_experts, int ep) {
  ExpertsLoad load{};
  const std::span<const double> all(routing.histogram);
  const auto experts = static_cast<std::size_t>(num_experts);
  const double weight = static_cast<double>(experts) / static_cast<double>(all.size());
  for (std::size_t first = 0; first < all.size(); first += experts) {
    const std::span<const double> dealing = all.subspan(first, experts);
    add_dealing(dealing, experts / static_cast<std::size_t>(ep), pairs / sum(dealing), weight, load);
  }
  return load;
}

}  // namespace

std::size_t tile_height_index(double height) {
  return static_cast<std::size_t>(std::find(kTileHeights.begin(), kTileHeights.end(), height) -
                                  kTileHeights.begin());
}

ExpertsLoad busiest_load(const Experts& shape, double tokens, const Routing& routing,
                         const ExpertsSplit& split) {
  const double pairs = tokens * static_cast<double>(shape.experts_per_token);
  if (routing.kind == Routing::Kind::dealt) {
    return dealt_load(pairs, routing, shape.num_experts, split.ep);
  }
  const double imbalance = expected_imbalance(shape.num_experts, shape.experts_per_token, split.ep, routing);
  const double distinct =
      expected_distinct_experts(shape.num_experts, shape.experts_per_token, tokens, routing);
  const double held = static_cast<double>(shape.num_experts) / split.ep;
  ExpertsLoad load{};
  load.pairs = pairs / split.ep * imbalance;
  load.experts = std::min({distinct / split.ep * imbalance, held, std::max(load.pairs, 1e-9)});
  load.row_tiles = expected_tiles(load.experts, load.pairs);
  load.all_tiles = expected_tiles(distinct, pairs);
  // Almost every expert ends in a tile that it does not fill.
  for (std::size_t i = 0; i < kTileHeights.size(); ++i) {
    load.full_tiles[i] = std::max(0.0, load.row_tiles[i] - load.experts);
  }
  return load;
}

}  // namespace memwall
