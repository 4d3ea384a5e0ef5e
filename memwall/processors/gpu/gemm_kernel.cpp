#include "memwall/processors/gpu/gemm_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace memwall {
namespace {

constexpr double kOutputBytes = 2;    // bf16
constexpr double kPartialPasses = 2;  // fp32 partial sums are written and read
constexpr double kPartialBytes = 4;
constexpr double kStepBytes = 128;    // of k that one step of a pipeline takes: a swizzled row
constexpr double kIssue = 0.97;       // share of its clocks in which a busy matrix pipe multiplies
constexpr double kScaleBlock = 128;   // values of k under one scale
constexpr double kScaleOps = 1;       // a multiply-add for the two operations of each of its products
constexpr double kPortBytes = 64;     // that an SM draws from L2 in a clock
constexpr double kMostBlocks = 4;     // per SM, with split-K
constexpr double kShallowSplits = 4;  // the most when blocks fill half the chip
constexpr std::array kSplits = {1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0};

double up(double value) {
  constexpr double kWhole = 4503599627370496;  // from 2^52 on a double has no fraction
  if (value >= kWhole) {
    return value;
  }
  const double whole = static_cast<double>(static_cast<std::int64_t>(value));
  return whole < value ? whole + 1 : whole;
}

// Share of bytes that come from HBM when `cycle` bytes pass between two uses: none while they fit well into
// what L2 keeps, all beyond.
double missing(double cycle, double kept) {
  const double share = std::min(1.0, cycle / kept);
  return share * share * share;
}

double root_of_squares(double a, double b) { return std::sqrt(a * a + b * b); }

struct Operands {
  double w_bytes = 0, x_bytes = 0;  // per value
  Format arithmetic = Format::bf16;
  double peak = 0, served = 0;  // op/s: of the datasheet, of a large GEMM
  double achieved = 0;          // op/s of this kernel at its best
  // Every partial sum over a block of scales is scaled and added by the vector lanes, in turn with the matrix
  // pipe: s per multiplication and addition, whole chip.
  double scaling = 0;
};
Operands operands_of(const GpuSpec& spec, Format weight, Format activation, bool wide_scales) {
  Operands result;
  result.w_bytes = info(weight).bits / 8;
  result.x_bytes = info(activation).bits / 8;
  result.arithmetic = info(activation).arithmetic;
  const int index = tensor_index(result.arithmetic);
  if (index < 0) {
    result.peak = spec.vector_peak.value;
    result.served = result.peak * spec.vector_achieved;
  } else {
    const TensorRate& rate = spec.tensor[static_cast<std::size_t>(index)];
    result.peak = rate.peak.value;
    result.served = result.peak * rate.achieved;
  }
  result.achieved = result.served;
  if (activation == Format::fp8_block && (wide_scales || spec.gemm.scales_in_software)) {
    result.scaling = kScaleOps / kScaleBlock / (spec.vector_peak.value * spec.vector_achieved);
  }
  return result;
}

// What all tilings of a shape have in common.
struct Floors {
  double ops = 0;
  double weights = 0, hit_weights = 0;  // bytes, and those that L2 still has
  double inputs = 0, hit_inputs = 0, outputs = 0, hit_outputs = 0;
  double compute = 0, memory = 0;  // s
  double hbm = 0;                  // bytes to charge
};
void set_times(const GpuSpec& spec, const Operands& of, Format weight, double hbm_share, Floors& floors) {
  const double packed = info(weight).weight_only || info(weight).bits < 8 ? spec.hbm_packed : spec.hbm_gemm;
  floors.hbm = spec.hbm_charge(floors.weights - floors.hit_weights, packed * hbm_share) +
               spec.hbm_charge(floors.inputs - floors.hit_inputs, spec.hbm_gemm) +
               (floors.outputs - floors.hit_outputs) * spec.hbm_best;
  floors.memory = floors.hbm / (spec.hbm_bandwidth.value * spec.hbm_best);
  floors.compute = floors.ops * (1 / of.achieved + of.scaling);
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
  TileSearch(const GpuSpec& spec, const GemmKernels& kernels, const Operands& of, const Floors& floors,
             double n, double k)
      : spec_(spec),
        kernels_(kernels),
        floors_(floors),
        n_(n),
        step_values_(kStepBytes / of.x_bytes),
        steps_(up(k / step_values_)),
        multiply_(2 * step_values_ / (of.peak / spec.sms * (spec.gemm.boost / spec.clock) * kIssue)),
        scale_(2 * step_values_ * spec.sms * of.scaling),
        feed_x_(step_values_ * of.x_bytes / spec.gemm.feed.value),
        feed_w_(step_values_ * of.w_bytes / spec.gemm.feed.value),
        draw_x_(step_values_ * of.x_bytes / l2_rate(spec)),
        draw_w_(step_values_ * of.w_bytes / l2_rate(spec)),
        store_(kOutputBytes / spec.hbm_bandwidth.value) {}

  static double l2_rate(const GpuSpec& spec) {
    return spec.sms * kPortBytes * spec.gemm.boost.value * spec.gemm.sharing;
  }

  void try_tile(const GemmTile& tile, double row_tiles, double most_splits) {
    const double tiles = row_tiles * up(n_ / tile.n);
    const double area = tile.m * tile.n;
    const double step = std::max({area * (tile.slowdown * multiply_ + scale_),
                                  tile.m * feed_x_ + tile.n * feed_w_, kernels_.step.value});
    const double draw = tile.m * draw_x_ + tile.n * draw_w_;
    const double store = kernels_.store_passes * area * store_;
    for (const double splits : kSplits) {
      if (splits > 1 &&
          (splits > most_splits || steps_ < 2 * splits || tiles * splits > kMostBlocks * spec_.sms ||
           (2 * tiles > spec_.sms && splits > kShallowSplits))) {
        break;
      }
      const double blocks = tiles * splits;
      const double waves = up(blocks / spec_.sms);
      const double steps = splits > 1 ? up(steps_ / splits) : steps_;
      const double second = splits > 1
                                ? spec_.gemm.helper_start.value +
                                      blocks * area * (kPartialPasses * kPartialBytes / kOutputBytes) * store_
                                : 0;
      const double compute =
          std::max(waves * (steps * step + store * std::min(blocks, spec_.sms)), floors_.compute);
      const double memory = std::max(floors_.memory, blocks * steps * draw);
      if (second + std::max(compute, memory) >= best_.time) {
        continue;  // the root is never below its larger term
      }
      const double time = second + root_of_squares(compute, memory);
      if (time < best_.time) {
        best_ = {&tile, splits, blocks, waves, steps, compute, memory, second, time};
      }
    }
  }
  const Candidate& best() const { return best_; }
  double step_values() const { return step_values_; }

 private:
  const GpuSpec& spec_;
  const GemmKernels& kernels_;
  const Floors& floors_;
  double n_;
  double step_values_, steps_;  // of k
  double multiply_, scale_;     // s per output of a tile and step
  double feed_x_, feed_w_;      // s per row and column of a tile and step, of one SM
  double draw_x_, draw_w_;      // the same of L2, for all SMs
  double store_;                // s per output
  Candidate best_;
};

// The chosen candidate as demands. The amounts are what passes; the time beyond what the slowest resource
// needs for its amount is stall.
KernelCost cost_of(const GpuSpec& spec, const Operands& of, const Floors& floors, const Candidate& best,
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
  const Operands of = operands_of(spec, shape.weight, shape.activation, shape.wide_scales);
  Floors floors;
  floors.ops = shape.groups * 2 * shape.m * shape.n * shape.k;
  floors.weights = shape.groups * shape.n * shape.k * of.w_bytes;
  floors.inputs = shape.groups * shape.m * shape.k * of.x_bytes;
  floors.outputs = shape.groups * shape.m * shape.n * kOutputBytes;
  const double kept = spec.gemm.retained * spec.l2_capacity.value;
  const double activations = floors.inputs + floors.outputs;
  if (shape.operand_sets > 0) {
    floors.hit_weights =
        floors.weights * (1 - missing(shape.operand_sets * floors.weights + activations, kept));
  }
  floors.hit_inputs = floors.inputs * (1 - missing(floors.weights + activations, kept));
  floors.hit_outputs = floors.outputs * (1 - missing(floors.weights + activations, kept));
  set_times(spec, of, shape.weight, 1, floors);

  const GemmKernels& kernels = spec.gemm.kernels(shape.activation);
  TileSearch search(spec, kernels, of, floors, shape.n, shape.k);
  for (const GemmTile& tile : kernels.tiles) {
    search.try_tile(tile, shape.groups * up(shape.m / tile.m), kernels.most_splits);
  }
  report(search.best(), tiling);
  return cost_of(spec, of, floors, search.best(), search.step_values());
}

}  // namespace memwall
