#include "memwall/validation/untuned_layers.h"

#include <algorithm>
#include <limits>
#include <span>

namespace memwall {
namespace {

// Of the busiest group of experts, in the mean over dealings.
struct Busiest {
  double experts = 0, pairs = 0;
};
Busiest busiest(const ExpertsOp& op) {
  const auto experts = static_cast<std::size_t>(op.shape.num_experts);
  const std::size_t held = experts / static_cast<std::size_t>(op.ep);
  const std::span<const double> all(op.routing.histogram);
  const double share = static_cast<double>(experts) / static_cast<double>(all.size());
  Busiest mean;
  for (std::size_t dealing = 0; dealing < all.size(); dealing += experts) {
    Busiest most;
    for (std::size_t first = dealing; first < dealing + experts; first += held) {
      Busiest group;
      for (const double pairs : all.subspan(first, held)) {
        group.experts += pairs > 0 ? 1 : 0;
        group.pairs += pairs;
      }
      most = group.pairs > most.pairs ? group : most;
    }
    mean.experts += share * most.experts;
    mean.pairs += share * most.pairs;
  }
  return mean;
}

double roofline_seconds(const Chip& chip, const ExpertsOp& op) {
  const Busiest load = busiest(op);
  const double values = static_cast<double>(op.shape.values_per_expert()) / static_cast<double>(op.tp);
  const std::string peak = "tensor." + std::string(name(info(op.shape.activation).arithmetic));
  const double compute = chip.has(peak) ? 2 * load.pairs * values / chip.get<OpsPerSecond>(peak).value : 0;
  return std::max(compute, bytes_of(load.experts * values, op.shape.weight).value /
                               chip.get<BytesPerSecond>("hbm.bandwidth").value);
}

}  // namespace

UntunedLayers::FileName UntunedLayers::file_name(const ExpertsOp& op) {
  return {op.shape.weight, op.shape.width, op.shape.intermediate / op.tp, op.shape.num_experts / op.ep};
}

UntunedLayers::Layer UntunedLayers::layer(const ExpertsOp& op, const std::string& distribution) {
  return {op.shape.experts_per_token, op.ep, distribution};
}

void UntunedLayers::add(const ExpertsOp& op, const std::string& distribution, double seconds) {
  const auto [known, is_new] =
      least_[file_name(op)].emplace(layer(op, distribution), std::numeric_limits<double>::infinity());
  known->second = std::min(known->second, seconds / roofline_seconds(*chip_, op));
}

bool UntunedLayers::contains(const ExpertsOp& op, const std::string& distribution) const {
  const auto same_name = least_.find(file_name(op));
  if (same_name == least_.end()) {
    return false;
  }
  const auto& [top_k, ep, any] = layer(op, distribution);
  bool is_shared = false;
  double best = std::numeric_limits<double>::infinity(), own = 0;
  for (const auto& [other, least] : same_name->second) {
    best = std::min(best, least);
    is_shared |= std::get<0>(other) != top_k || std::get<1>(other) != ep;
    own = other == layer(op, distribution) ? least : own;
  }
  return is_shared && own > kSlower * best;
}

}  // namespace memwall
