#include "memwall/processors/gpu/gemm_kernel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace memwall {
namespace {

struct Tile {
  int m, n;
};
// Tiles that CUTLASS-style libraries instantiate; with few tokens the operands are swapped, so that a tile
// may be as short as 16 tokens.
constexpr std::array kTiles = {Tile{16, 64},   Tile{16, 128},  Tile{32, 64},  Tile{32, 128},
                               Tile{64, 64},   Tile{64, 128},  Tile{64, 256}, Tile{128, 64},
                               Tile{128, 128}, Tile{128, 256}, Tile{256, 128}};
constexpr double kStepK = 64;              // values of k that one pipeline stage holds
constexpr double kLeastStepsPerSplit = 4;  // below, a split does not pay its prologue
constexpr double kMostSplits = 16;
constexpr double kOutputBytes = 2;   // bf16
constexpr double kPartialBytes = 4;  // fp32

struct Candidate {
  double ops = 0, l2 = 0;  // charged
  double splits = 1, blocks = 0, waves = 0;
};

Candidate evaluate(const GpuSpec& spec, const GemmShape& shape, Tile tile, double splits, double x_bytes,
                   double w_bytes) {
  Candidate result;
  const double k_steps = std::ceil(std::ceil(shape.k / kStepK) / splits);
  const double k = k_steps * kStepK;
  result.splits = splits;
  result.blocks = shape.groups * std::ceil(shape.m / tile.m) * std::ceil(shape.n / tile.n) * splits;
  result.waves = std::ceil(result.blocks / spec.sms);
  const double slots = result.waves * spec.sms;
  // A cluster of SMs loads once what its blocks share: the larger operand, if there is a block beside.
  const bool beside_m = std::ceil(shape.m / tile.m) >= spec.cluster;
  const bool beside_n = std::ceil(shape.n / tile.n) >= spec.cluster;
  const bool w_is_larger = tile.n * w_bytes >= tile.m * x_bytes;
  const double share_w = beside_m && (w_is_larger || !beside_n) ? spec.cluster : 1;
  const double share_x = beside_n && share_w == 1 ? spec.cluster : 1;
  result.ops = slots * 2 * tile.m * tile.n * k;
  result.l2 = slots * (tile.m * x_bytes / share_x + tile.n * w_bytes / share_w) * k +
              shape.groups * shape.m * shape.n * (splits > 1 ? 2 * splits * kPartialBytes : kOutputBytes);
  return result;
}

// HBM bytes that the blocks of a wave draw when neither operand stays in L2: a wave covers r x c tiles, read
// (r tile_m x + c tile_n w) k, with r c = blocks of the wave and the two terms balanced.
double bytes_without_reuse(const GpuSpec& spec, const GemmShape& shape, Tile tile, double x_bytes,
                           double w_bytes) {
  const double tiles_m = std::ceil(shape.m / tile.m), tiles_n = std::ceil(shape.n / tile.n);
  const double resident = std::min(spec.sms, tiles_m * tiles_n);
  const double x_row = tile.m * x_bytes, w_column = tile.n * w_bytes;
  const double least_rows = resident / tiles_n;
  const double rows = std::clamp(std::sqrt(resident * w_column / x_row), std::max(1.0, least_rows), tiles_m);
  const double columns = resident / rows;
  const double waves = tiles_m * tiles_n / resident;
  return waves * (rows * x_row + columns * w_column) * shape.k;
}

}  // namespace

KernelCost gemm_cost(const GpuSpec& spec, const GemmShape& shape, GemmTiling* tiling) {
  const double x_bytes = info(shape.activation).bits / 8, w_bytes = info(shape.weight).bits / 8;
  const Format arithmetic = info(shape.activation).arithmetic;
  const int index = tensor_index(arithmetic);
  const double op_rate = index < 0 ? spec.vector_peak.value * spec.vector_achieved
                                   : spec.tensor[static_cast<std::size_t>(index)].peak.value *
                                         spec.tensor[static_cast<std::size_t>(index)].achieved;

  const double weights = shape.groups * shape.n * shape.k * w_bytes;
  const double activations = shape.groups * (shape.m * shape.k * x_bytes + shape.m * shape.n * kOutputBytes);
  const double w_achieved = (info(shape.weight).bits < 8 ? spec.hbm_packed : spec.hbm_gemm) * shape.hbm_share;
  const double streamed = spec.hbm_charge(weights, w_achieved) + spec.hbm_charge(activations, spec.hbm_read);
  const double stream_time = streamed / (spec.hbm_bandwidth.value * spec.hbm_best);

  double best_time = std::numeric_limits<double>::infinity();
  Candidate best;
  Tile best_tile = kTiles.front();
  for (const Tile& tile : kTiles) {
    // A tile twice as tall as the tokens only pads.
    if (tile.m >= 2 * shape.m && tile.m > 16) {
      continue;
    }
    const double tiles = shape.groups * std::ceil(shape.m / tile.m) * std::ceil(shape.n / tile.n);
    const double most = std::clamp(std::floor(shape.k / (kStepK * kLeastStepsPerSplit)), 1.0, kMostSplits);
    const double filling = std::clamp(std::floor(spec.sms / tiles), 1.0, most);
    for (const double splits : {1.0, filling, std::min(2 * filling, most)}) {
      const Candidate candidate = evaluate(spec, shape, tile, splits, x_bytes, w_bytes);
      const double reduction = splits > 1 ? spec.pointwise_start.value : 0;
      const double time = std::max({candidate.ops / (op_rate * shape.tensor_share),
                                    candidate.l2 / spec.l2_bandwidth.value, stream_time}) +
                          reduction;
      if (time < best_time) {
        best_time = time;
        best = candidate;
        best_tile = tile;
      }
    }
  }
  if (tiling != nullptr) {
    *tiling = {best_tile.m, best_tile.n, best.splits, best.blocks, best.waves};
  }

  KernelCost cost;
  cost.delay(GpuDelay::gemm_start) = 1;
  cost.delay(GpuDelay::pointwise_start) = best.splits > 1 ? 1 : 0;  // the partial sums are added
  const double useful_ops = shape.groups * 2 * shape.m * shape.n * shape.k;
  const double charged_ops = std::max(useful_ops, best.ops / shape.tensor_share);
  cost.multiply(arithmetic, Spent{useful_ops, charged_ops});
  cost.memory = Category::weights;
  double charged = streamed;
  // Half of L2 for the operand that stays, the other half for what streams past.
  if (std::min(shape.m * x_bytes, shape.n * w_bytes) * shape.k > spec.l2_capacity.value / 2) {
    const double again = shape.groups * (bytes_without_reuse(spec, shape, best_tile, x_bytes, w_bytes) +
                                         shape.m * shape.n * kOutputBytes);
    charged = std::max(charged, spec.hbm_charge(again, spec.hbm_gemm));
  }
  cost.hbm = {weights + activations, charged};
  cost.l2 = {0, best.l2};
  // Operands from L2 keep the matrix pipe busy, or weights flowing, whichever takes longer.
  cost.feed = charged_ops / op_rate > stream_time ? Category::arithmetic : Category::weights;
  return cost;
}

}  // namespace memwall
