#include "memwall/processors/gpu/grouped_gemm.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "memwall/processors/gpu/gemm_operands.h"

namespace memwall {
namespace {

constexpr double kOutputBytes = 2;  // bf16
constexpr double kStepBytes = 128;  // of k that one step of a pipeline takes: a swizzled row
constexpr double kIssue = 0.97;     // share of its clocks in which a busy matrix pipe multiplies
// Many experts' weights stream with less to wait for than those of a lone GEMM.
constexpr double kLongStream = 1.06;
constexpr double kFullTile = 128 * 256;
constexpr std::array<double, 3> kWidths = {64, 128, 256};

// On the vector lanes, for a weight that is expanded on the way: shift, mask, convert, scale, and its way
// through shared memory.
constexpr double kUnpackOps = 6;

// The untuned kernel.
constexpr double kFirstHeight = 128;
constexpr double kFirstStep = 0.25e-6;
constexpr double kCountedWidth = 128;  // of tiles whose height goes by count
constexpr double kPartialTile = 2;     // steps of a tile that rows do not fill, to those of a full one

// The generated kernel: shares of the peak and of gemm.feed, of a tile of 128 x 128.
constexpr double kGeneratedTensor = 0.39, kGeneratedFeed = 0.195;
constexpr double kScaledFeed = 0.46;  // of that, when every step loads scales as well
constexpr double kSmallTile = 0.62;   // power of the area by which smaller tiles multiply slower
constexpr double kGeneratedTile = 128 * 128;
constexpr double kSharedMemory = 228e3;  // bytes of an SM that hold the stages of its blocks
constexpr double kMostBlocks = 8;        // on an SM
// Of an SM, to find nothing to do in a block of 64 x 128 and to write its zeros.
constexpr double kIdleBlock = 0.48e-6, kIdleArea = 64 * 128;

struct GeneratedTile {
  double m, n, k;  // values
  double stages;
};
// vLLM's default table, by tokens of the layer.
GeneratedTile generated_tile(double tokens, Format activation) {
  if (activation == Format::fp8_block) {
    return {tokens <= 64 ? 16.0 : 64.0, 128, 128, 3};
  }
  const double height = tokens <= 32 ? 16 : tokens <= 96 ? 32 : tokens <= 512 ? 64 : 128;
  const bool is_deep = tokens <= 64 || activation == Format::fp8;
  return {height, tokens <= 64 ? 64.0 : 128.0, is_deep ? 128.0 : 64.0, tokens <= 32 ? 4.0 : 3.0};
}

// What all tiles have in common.
struct Amounts {
  double ops = 0;
  double weights = 0, hit_weights = 0, activations = 0;  // bytes; hit: those that L2 still has
  double hbm = 0;                                        // bytes to charge
  double memory = 0;                                     // s
};
Amounts amounts_of(const GpuSpec& spec, const GroupedGemm& shape, const GemmOperands& of) {
  Amounts amounts;
  const double rows = shape.load.pairs;
  amounts.ops = 2 * rows * shape.n * shape.k;
  amounts.weights = shape.load.experts * shape.n * shape.k * of.w_bytes;
  amounts.activations = rows * (shape.k * of.x_bytes + shape.n * kOutputBytes);
  if (shape.resident > 0) {
    const double share = std::min(1.0, shape.resident / (spec.gemm.retained * spec.l2_capacity.value));
    amounts.hit_weights = amounts.weights * (1 - share * share * share);
  }
  // Weights that are expanded on the way to 16-bit products come as a lone GEMM's do.
  const bool is_expanded = info(shape.weight).weight_only && of.arithmetic == Format::bf16;
  const double achieved =
      is_expanded ? spec.hbm_packed : std::min(spec.hbm_best, kLongStream * spec.hbm_gemm);
  amounts.hbm = spec.hbm_charge(amounts.weights - amounts.hit_weights, achieved) +
                spec.hbm_charge(amounts.activations, spec.hbm_read);
  amounts.memory = amounts.hbm / (spec.hbm_bandwidth.value * spec.hbm_best);
  return amounts;
}

struct Run {
  double seconds = std::numeric_limits<double>::infinity();  // without the start
  double compute = 0;                                        // s
  double padded = 0;                                         // operations, with those on padding
  double drawn = 0;                                          // bytes from L2
};

Run tuned_run(const GpuSpec& spec, const GroupedGemm& shape, const GemmOperands& of, const Amounts& amounts) {
  const ExpertsLibrary& library = spec.experts.library;
  const double values = kStepBytes / of.x_bytes;  // of k in a step
  const double steps = std::ceil(shape.k / values);
  const double least = info(shape.activation).bits < 8 ? spec.experts.packed_step.value
                                                       : library.step_clocks / spec.gemm.boost.value;
  const double multiply = 2 * values / (of.peak / spec.sms * (spec.gemm.boost / spec.clock) * kIssue);
  const double scale = 2 * values * spec.sms * of.scaling;
  const double l2_rate = spec.sms * library.draw * spec.gemm.boost.value;
  const double floor = amounts.ops * (1 / (of.served * spec.experts.tensor) + of.scaling);
  Run best;
  for (std::size_t i = 0; i < kTileHeights.size(); ++i) {
    for (const double width : kWidths) {
      const double height = kTileHeights[i], area = height * width;
      if (area > kFullTile) {
        continue;
      }
      const double tiles = shape.load.row_tiles[i] * std::ceil(shape.n / width);
      const double slowdown = std::max(1.0, std::pow(kFullTile / area, library.small_tile));
      const double bytes = values * (height * of.x_bytes + width * of.w_bytes);
      const double step = std::max(
          {area * (slowdown * multiply + scale), bytes / (library.feed * spec.gemm.feed.value), least});
      const double store = area * kOutputBytes / spec.hbm_bandwidth.value * std::min(tiles, spec.sms);
      const double compute = std::max(std::ceil(tiles / spec.sms) * (steps * step + store), floor);
      const double memory = std::max(amounts.memory, tiles * steps * bytes / l2_rate);
      if (const double seconds = std::hypot(compute, memory); seconds < best.seconds) {
        best = {seconds, compute, 2 * tiles * area * steps * values, tiles * steps * bytes / spec.cluster};
      }
    }
  }
  return best;
}

Run stepwise_run(const GpuSpec& spec, const GroupedGemm& shape, const GemmOperands& of,
                 const Amounts& amounts, double height, double width) {
  const std::size_t index = tile_height_index(height);
  const double full = shape.load.full_tiles[index], tiles = shape.load.row_tiles[index];
  const double steps = std::ceil(shape.n / width) * std::ceil(shape.k * of.x_bytes / kStepBytes);
  const double step = kFirstStep * height / kFirstHeight;
  const double compute = (full + kPartialTile * (tiles - full)) * steps * step / spec.sms;
  const double drawn = tiles * shape.n / width * shape.k * (height * of.x_bytes + width * of.w_bytes);
  return {std::max(compute, amounts.memory), compute, 2 * tiles * height * shape.n * shape.k, drawn};
}

// The least power of two from 8 to 128 that holds so many rows.
double height_for(double rows) {
  double height = kTileHeights.front();
  while (height < rows && height < kFirstHeight) {
    height *= 2;
  }
  return height;
}

Run generated_run(const GpuSpec& spec, const GroupedGemm& shape, const GemmOperands& of,
                  const Amounts& amounts) {
  const GeneratedTile tile = generated_tile(shape.tokens, shape.activation);
  const std::size_t height = tile_height_index(tile.m);
  const double area = tile.m * tile.n, columns = std::ceil(shape.n / tile.n);
  const double stage = (tile.m * of.x_bytes + tile.n * of.w_bytes) * tile.k;
  // Scales take registers for a second set of sums: room for one block less.
  const bool is_scaled = shape.activation == Format::fp8_block;
  const double room = std::floor(kSharedMemory / (tile.stages * stage)) - (is_scaled ? 1 : 0);
  const double resident = std::clamp(room, 1.0, kMostBlocks);
  const double rate = of.peak * kGeneratedTensor * std::pow(area / kGeneratedTile, kSmallTile);
  const double multiply = 2 * area * tile.k * spec.sms / rate;
  const double feed = spec.gemm.feed.value * kGeneratedFeed * (is_scaled ? kScaledFeed : 1);
  const double tiles = shape.load.row_tiles[height] * columns;
  const double blocks = std::ceil(tiles / spec.sms);  // one SM after another
  const double step = std::max(blocks * multiply, std::ceil(blocks / resident) * stage / feed);
  const double compute = std::ceil(shape.k / tile.k) * step;
  const double idle = (shape.load.all_tiles[height] - shape.load.row_tiles[height]) * columns;
  const double seconds =
      std::hypot(compute, amounts.memory) + std::max(0.0, idle) * kIdleBlock * area / kIdleArea / spec.sms;
  return {seconds, compute, 2 * tiles * area * shape.k, tiles * shape.k / tile.k * stage};
}

Run run_of(const GpuSpec& spec, const GroupedGemm& shape, const GemmOperands& of, const Amounts& amounts) {
  switch (shape.kernel) {
    case GroupedKernel::tuned:
      return tuned_run(spec, shape, of, amounts);
    case GroupedKernel::first:
      return stepwise_run(spec, shape, of, amounts, kFirstHeight, spec.experts.library.first_width);
    case GroupedKernel::by_count:
      return stepwise_run(spec, shape, of, amounts, height_for(shape.mean_rows), kCountedWidth);
    case GroupedKernel::generated:
      return generated_run(spec, shape, of, amounts);
  }
  return {};
}

}  // namespace

KernelCost grouped_gemm_cost(const GpuSpec& spec, const GroupedGemm& shape) {
  const GemmOperands of = gemm_operands(spec, shape.weight, shape.activation, spec.gemm.scales_in_software);
  const Amounts amounts = amounts_of(spec, shape, of);
  const Run run = run_of(spec, shape, of, amounts);
  KernelCost cost;
  cost.delay(GpuDelay::gemm_start) = 1;
  const double ops = std::max(amounts.ops, std::min(run.padded, run.seconds * of.served));
  cost.multiply(of.arithmetic, Spent{amounts.ops, ops});
  if (info(shape.weight).weight_only && info(shape.activation).bits > 8) {
    const double unpacking = kUnpackOps * shape.load.experts * shape.n * shape.k;
    cost.vector = {unpacking, unpacking};
    // A task has room for so many demands; its start passes like any other stall.
    cost.delay(GpuDelay::gemm_start) = 0;
    cost.delay(GpuDelay::stall) = spec.gemm.start / kStall;
  }
  const double moved = amounts.weights + amounts.activations;
  cost.hbm = {std::min(moved - amounts.hit_weights, amounts.hbm), amounts.hbm};
  cost.l2 = {0, std::min(run.drawn, run.seconds * spec.l2_bandwidth.value)};
  cost.memory = Category::weights;
  cost.feed = cost.stalled = run.compute > amounts.memory ? Category::arithmetic : Category::weights;
  const double accounted =
      std::max({ops / of.served, amounts.memory, cost.l2.charged / spec.l2_bandwidth.value,
                cost.vector.charged / (spec.vector_peak.value * spec.vector_achieved)});
  cost.delay(GpuDelay::stall) += std::max(0.0, run.seconds - accounted) / kStall.value;
  return cost;
}

}  // namespace memwall
