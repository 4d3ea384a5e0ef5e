#include "memwall/processors/wafer/layer_time.h"

#include <algorithm>

namespace memwall {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }

constexpr double kLinksPerCore = 4;
constexpr double kMeanDistance = 3;  // of two random points on a side, as a divisor of the side

}  // namespace

MeshCycles decode_layer(const Model& model, const RegionModel& regions, const DecodeLoad& load) {
  MeshCycles sum;
  for (const LayerGroup& group : model.groups) {
    Along at = Along::rows;
    for (const Operator& op : group.operators) {
      sum += real(group.repeat) * regions.decode(op, load, at).cycles;
    }
  }
  return 1 / real(layer_count(model)) * sum;
}

MeshCycles prefill_layer(const Model& model, const RegionModel& regions, const PrefillLoad& load) {
  MeshCycles sum;
  for (const LayerGroup& group : model.groups) {
    for (const Operator& op : group.operators) {
      sum += real(group.repeat) * regions.prefill(op, load).cycles;
    }
  }
  return 1 / real(layer_count(model)) * sum;
}

MeshCycles decode_passage(const Model& model, const RegionModel& regions, const RegionShare& share,
                          const DecodeLoad& load) {
  MeshCycles sum = real(layer_count(model)) * decode_layer(model, regions, load);
  Along at = Along::rows;
  for (const std::vector<Operator>* ends : {&model.prologue, &model.epilogue}) {
    for (const Operator& op : *ends) {
      sum += regions.decode(op, load, at).cycles;
    }
  }
  return sum +
         (share.used - 1.0) * regions.hand_over(load.tokens, real(model.hidden_size), share.grid).cycles;
}

double waiting_for_weights(const Model& model, const RegionModel& regions, const RegionShare& share,
                           double layers_cycles) {
  const double parked = real(layer_count(model)) * share.layer * share.parked * share.grid.cores();
  const double links = share.grid.rows * regions.timing().bytes_per_wavelet;
  return std::max(0.0, parked / links - layers_cycles);
}

MeshCycles prefill_passage(const Model& model, const RegionModel& regions, const RegionShare& share,
                           const PrefillLoad& load) {
  MeshCycles sum = real(layer_count(model)) * prefill_layer(model, regions, load);
  sum.fabric += waiting_for_weights(model, regions, share, sum.total());
  for (const std::vector<Operator>* ends : {&model.prologue, &model.epilogue}) {
    for (const Operator& op : *ends) {
      sum += regions.prefill(op, load).cycles;
    }
  }
  return sum +
         (share.used - 1.0) * regions.hand_over(load.tokens, real(model.hidden_size), share.grid).cycles;
}

double relayout_cycles(const WaferCard& card, double bytes_per_core) {
  return bytes_per_core / card.wavelet.value * (card.rows + card.columns) / kMeanDistance / kLinksPerCore;
}

}  // namespace memwall
