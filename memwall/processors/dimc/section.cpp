#include "memwall/processors/dimc/section.h"

#include <algorithm>
#include <cmath>

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
constexpr double kBitsPerByte = 8;

}  // namespace

SectionCost section_cost(const DimcCard& card, const Section& section) {
  const CoreShape& core = card.core;
  const double columns = core.columns(section.weight_bits);
  const double k_tiles = std::ceil(section.k / core.inputs), n_tiles = std::ceil(section.n / columns);
  const double tiles = std::ceil(section.matrices * k_tiles * n_tiles);
  const double cores = card.cores;
  // A fraction of a matrix (an expert that is chosen now and then) still occupies whole tiles.
  const double copies = std::clamp(std::floor(cores / tiles), 1.0, std::ceil(section.m));
  const auto vectors = static_cast<std::int64_t>(std::ceil(section.m / copies));
  const auto per_core = static_cast<std::int64_t>(std::ceil(tiles / cores));

  SectionCost cost;
  const double macs = section.matrices * section.m * section.n * section.k;
  cost.useful_ops = kOpsPerMac * macs;
  cost.ops = kOpsPerMac * tiles * section.m * core.inputs * columns;
  cost.useful_bytes = section.matrices * section.n * section.k * section.weight_bits / kBitsPerByte;
  cost.bytes = std::max(cost.useful_bytes, tiles * copies * core.tile_bytes());
  cost.busiest_cycles = static_cast<double>(stream_cycles(core, per_core, vectors, section.activation_bits));
  const double steady = static_cast<double>(
      per_core * std::max(reload_cycles(core), vectors * product_cycles(core, section.activation_bits)));
  cost.fill_cycles = cost.busiest_cycles - steady;
  const double cores_per_column = std::min(k_tiles, std::floor(cores / (n_tiles * section.matrices)));
  if (cores_per_column > 1) {
    cost.partial_sums = (cores_per_column - 1) * section.matrices * section.m * section.n;
  }
  return cost;
}

}  // namespace memwall
