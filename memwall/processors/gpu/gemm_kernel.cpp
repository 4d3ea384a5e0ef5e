#include "memwall/processors/gpu/gemm_kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "memwall/processors/gpu/gemm_operands.h"
#include "memwall/processors/gpu/rounding.h"

namespace memwall {
namespace {

constexpr double kOutputBytes = 2;    // bf16
constexpr double kPartialPasses = 2;  // fp32 partial sums are written and read
constexpr double kPartialBytes = 4;
constexpr double kStepBytes = 128;  // of k that one step of a pipeline takes: a swizzled row
constexpr double kIssue = 0.97;     // share of its clocks in which a busy matrix pipe multiplies
constexpr double kFewTokens = 32;   // below which DeepGEMM swaps tokens and weights
constexpr double kMostBlocks = 4;   // per SM, with split-K
constexpr std::array kSplits = {1.0,  2.0,  3.0,  4.0,  5.0,  6.0,  7.0,  8.0, 10.0,
                                12.0, 14.0, 16.0, 20.0, 24.0, 32.0, 48.0, 64.0};

// Share of bytes that come from HBM when `cycle` bytes pass between two uses: none while they fit well into
// what L2 keeps, all beyond.
double missing(double cycle, double kept) {
  const double share = std::min(1.0, cycle / kept);
  return share * share * share;
}

// (a^p + b^p)^(1/p) for p = 2 or 4.
double power_mean(double a, double b, int exponent) {
  const double a2 = a * a, b2 = b * b;
  return exponent == 4 ? std::sqrt(std::sqrt(a2 * a2 + b2 * b2)) : std::sqrt(a2 + b2);
}

// What all tilings of a shape have in common.
struct Floors {
  double ops = 0;
  double weights = 0, hit_weights = 0;  // bytes, and those that L2 still has
  double inputs = 0, hit_inputs = 0, outputs = 0, hit_outputs = 0;
  double far = 1;                  // share of the weights that comes from memory
  double compute = 0, memory = 0;  // s
  double hbm = 0;                  // bytes to charge
};
void set_times(const GpuSpec& spec, const GemmOperands& of, Format weight, double hbm_share, Floors& floors) {
  const double packed = info(weight).weight_only || info(weight).bits < 8 ? spec.hbm_packed : spec.hbm_gemm;
  floors.hbm = spec.hbm_charge(floors.weights - floors.hit_weights, packed * hbm_share) +
               spec.hbm_charge(floors.inputs - floors.hit_inputs, spec.hbm_gemm) +
               (floors.outputs - floors.hit_outputs) * spec.hbm_best;
  floors.memory = floors.hbm / (spec.hbm_bandwidth.value * spec.hbm_best);
  floors.compute = floors.ops * (1 / of.served + of.scaling);
}

// How one tile at one split would run.
struct Candidate {
  const GemmTile* tile = nullptr;
  double splits = 1, blocks = 0, waves = 0;
  double steps = 0;                                       // of each block
  double compute = 0, memory = 0, second_pass = 0;        // s
  double time = std::numeric_limits<double>::infinity();  // without the start
};

// Tries tiles and splits and keeps the fastest.
class TileSearch {
 public:
  TileSearch(const GpuSpec& spec, const GemmKernels& kernels, const GemmOperands& of, const Floors& floors,
             double n, double k)
      : spec_(spec),
        kernels_(kernels),
        floors_(floors),
        n_(n),
        least_step_(kernels.step.value * (1 + kernels.far_step * floors.far)),
        step_values_(kStepBytes / of.x_bytes),
        steps_(up(k / step_values_)),
        multiply_(2 * step_values_ / (of.peak / spec.sms * (spec.gemm.boost / spec.clock) * kIssue)),
        scale_(2 * step_values_ * spec.sms * of.scaling),
        feed_x_(step_values_ * of.x_bytes / spec.gemm.feed.value),
        feed_w_(step_values_ * of.w_bytes / spec.gemm.feed.value),
        draw_x_(step_values_ * of.x_bytes / l2_rate(spec, kernels)),
        draw_w_(step_values_ * of.w_bytes / l2_rate(spec, kernels)),
        store_(kOutputBytes / spec.hbm_bandwidth.value) {}

  static double l2_rate(const GpuSpec& spec, const GemmKernels& kernels) {
    return spec.sms * kernels.draw * spec.gemm.boost.value;
  }

  // delay: s of compute beside what a tile's area says.
  void try_tile(const GemmTile& tile, double row_tiles, double most_splits, double delay = 0) {
    const double tiles = row_tiles * up(n_ / tile.n);
    const double area = tile.m * tile.n;
    const double slots = std::floor(spec_.sms / tile.sms);
    const double step = std::max({area / tile.sms * (tile.slowdown * multiply_ + scalings(tile) * scale_),
                                  (tile.m * feed_x_ + tile.n * feed_w_) / tile.sms, least_step_});
    const double draw = tile.m * draw_x_ + tile.n * draw_w_;
    const double store = kernels_.store_passes * area * store_;
    for (const double splits : kSplits) {
      if (splits > 1 &&
          (splits > most_splits || steps_ < 2 * splits || tiles * splits > kMostBlocks * slots)) {
        break;
      }
      const double blocks = tiles * splits;
      const double waves = up(blocks / slots);
      const double steps = splits > 1 ? up(steps_ / splits) : steps_;
      const double second = splits > 1
                                ? spec_.gemm.helper_start.value +
                                      blocks * area * (kPartialPasses * kPartialBytes / kOutputBytes) * store_
                                : 0;
      const double compute =
          std::max(waves * (steps * step + store * std::min(blocks, slots)) + delay, floors_.compute);
      const double memory = std::max(floors_.memory, blocks * steps * draw);
      if (second + std::max(compute, memory) >= best_.time) {
        continue;  // the mean is never below its larger term
      }
      const double time = second + power_mean(compute, memory, kernels_.overlap);
      if (time < best_.time) {
        best_ = {&tile, splits, blocks, waves, steps, compute, memory, second, time};
      }
    }
  }
  const Candidate& best() const { return best_; }
  double step_values() const { return step_values_; }

 private:
  // A tile of weights that does not end with a block of scales has two scales in every step.
  static double scalings(const GemmTile& tile) {
    return std::fmod(kScaleBlock, tile.n) > 0 && std::fmod(tile.n, kScaleBlock) > 0 ? 2 : 1;
  }

  const GpuSpec& spec_;
  const GemmKernels& kernels_;
  const Floors& floors_;
  double n_, least_step_;
  double step_values_, steps_;  // of k
  double multiply_, scale_;     // s per output of a tile and step
  double feed_x_, feed_w_;      // s per row and column of a tile and step, of one SM
  double draw_x_, draw_w_;      // the same of L2, for all SMs
  double store_;                // s per output
  Candidate best_;
};

// DeepGEMM's choice for Hopper (its get_best_gemm_config): 128 tokens or weights, 64 where there are no more,
// by a width of the other side that needs the fewest waves; of those the one with the fullest last wave, then
// the narrowest. Below kFewTokens the tokens are the side that varies.
GemmTile fewest_waves(double sms, double m, double n) {
  constexpr double kHalfSide = 64, kSide = 128, kNarrowest = 16, kWidthStep = 8;
  const bool is_swapped = m < kFewTokens;
  const double rows = is_swapped ? n : m, columns = is_swapped ? m : n;
  const double side = rows <= kHalfSide ? kHalfSide : kSide;
  double best_waves = std::numeric_limits<double>::infinity(), best_last = 0, best = 0;
  for (double width = kNarrowest; width <= kSide; width += kWidthStep) {
    const double tiles = up(rows / side) * up(columns / width);
    const double waves = up(tiles / sms), last = tiles - (waves - 1) * sms;
    if (waves < best_waves || (waves == best_waves && last > best_last)) {
      best_waves = waves;
      best_last = last;
      best = width;
    }
  }
  return is_swapped ? GemmTile{best, side, 1} : GemmTile{side, best, 1};
}

// The bulk copies of a last tile ask for rows beyond the last token too. Nothing is there to read, and yet
// such tiles wait for as long as if all of those in flight brought these rows from HBM (AIConfigurator's H100
// table: 38 ps per row, tile and step of 128 bytes, to a tenth; few tiles at once do not show it).
double missing_rows_delay(const GpuSpec& spec, const GemmTile& tile, double m, double n, double row_bytes) {
  constexpr double kUnseen = 16;  // tiles
  const double row_tiles = up(m / tile.m), columns = up(n / tile.n);
  const double together = std::min(columns, spec.sms / row_tiles);
  if (m < kFewTokens || together <= kUnseen) {
    return 0;
  }
  return (row_tiles * tile.m - m) * row_bytes * together / spec.hbm_bandwidth.value *
         std::max(1.0, columns / spec.sms);
}

// The chosen candidate as demands. The amounts are what passes; the time beyond what the slowest resource
// needs for its amount is stall.
KernelCost cost_of(const GpuSpec& spec, const GemmOperands& of, const Floors& floors, const Candidate& best,
                   double step_values) {
  KernelCost cost;
  cost.delay(GpuDelay::gemm_start) = 1;
  const double busiest = std::max(best.compute, best.memory);
  const double padded = best.blocks * best.steps * 2 * best.tile->m * best.tile->n * step_values;
  const double ops = std::max(floors.ops, std::min(padded, best.compute * of.served));
  cost.multiply(of.arithmetic, Spent{floors.ops, ops});
  const double moved = floors.weights + floors.inputs + floors.outputs;
  cost.hbm = {std::min(moved - floors.hit_weights, floors.hbm), floors.hbm};
  const double drawn = best.blocks * best.steps * step_values *
                       (best.tile->m * of.x_bytes + best.tile->n * of.w_bytes) / spec.cluster;
  cost.l2 = {0, std::min(drawn, busiest * spec.l2_bandwidth.value)};
  cost.memory = Category::weights;
  const bool is_compute = best.compute > best.memory;
  cost.feed = cost.stalled = is_compute ? Category::arithmetic : Category::weights;
  const double accounted =
      std::max({ops / of.served, floors.memory, cost.l2.charged / spec.l2_bandwidth.value});
  cost.delay(GpuDelay::stall) = std::max(0.0, best.time - accounted) / kStall.value;
  return cost;
}

void report(const Candidate& best, GemmTiling* tiling) {
  if (tiling != nullptr) {
    *tiling = {best.tile->m, best.tile->n, best.splits, best.blocks, best.waves};
  }
}

}  // namespace

KernelCost gemm_cost(const GpuSpec& spec, const GemmShape& shape, GemmTiling* tiling) {
  const GemmOperands of =
      gemm_operands(spec, shape.weight, shape.activation, shape.wide_scales || spec.gemm.scales_in_software);
  Floors floors;
  floors.ops = shape.groups * 2 * shape.m * shape.n * shape.k;
  floors.weights = shape.groups * shape.n * shape.k * of.w_bytes;
  floors.inputs = shape.groups * shape.m * shape.k * of.x_bytes;
  floors.outputs = shape.groups * shape.m * shape.n * kOutputBytes;
  const double kept = spec.gemm.retained * spec.l2_capacity.value;
  const double activations = floors.inputs + floors.outputs;
  if (shape.operand_sets > 0) {
    floors.far = missing(shape.operand_sets * floors.weights + activations, kept);
    floors.hit_weights = floors.weights * (1 - floors.far);
  }
  floors.hit_inputs = floors.inputs * (1 - missing(floors.weights + activations, kept));
  floors.hit_outputs = floors.outputs * (1 - missing(floors.weights + activations, kept));
  set_times(spec, of, shape.weight, 1, floors);

  const GemmKernels& kernels = spec.gemm.kernels(shape.activation);
  TileSearch search(spec, kernels, of, floors, shape.n, shape.k);
  const auto try_tile = [&](const GemmTile& tile, double delay) {
    search.try_tile(tile, shape.groups * up(shape.m / tile.m), kernels.most_splits, delay);
  };
  GemmTile tile;
  if (kernels.choice == TileChoice::fewest_waves) {
    tile = fewest_waves(spec.sms, shape.m, shape.n);
    try_tile(tile, missing_rows_delay(spec, tile, shape.m, shape.n, shape.k * of.x_bytes));
  } else {
    for (const GemmTile& each : kernels.tiles) {
      try_tile(each, 0);
    }
  }
  report(search.best(), tiling);
  return cost_of(spec, of, floors, search.best(), search.step_values());
}

}  // namespace memwall
