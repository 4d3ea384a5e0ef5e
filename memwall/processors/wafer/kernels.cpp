// What `memwall op` can ask of a wafer: products on the square grid that suits them best, attention of one
// layer, pointwise kernels, and all-reduces between wafers.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/processors/wafer/lowering.h"
#include "memwall/processors/wafer/resources.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;

double real(std::int64_t value) { return static_cast<double>(value); }

class OpVisitor {
 public:
  explicit OpVisitor(const WaferCard& card) : card_(card), timing_(mesh_timing(card)) {}

  Program operator()(const GemmOp& op) const {
    const double macs = real(op.m) * real(op.n) * real(op.k) * real(op.batch);
    const double bytes = real(op.n) * real(op.k) * real(op.batch) * card_.value.value;
    require_room(bytes, "the matrix");
    const RegionCost cost = best_product(real(op.m), real(op.k), real(op.n));
    return program("gemm", cost, real(op.batch), macs, bytes, Category::weights);
  }
  Program operator()(const AttentionOp& op) const {
    Operator attention;
    attention.shape = op.shape;
    const double tokens = real(op.slice.new_tokens),
                 context = real(op.slice.new_tokens + op.slice.past_tokens);
    const double keys = attended_keys(op.slice, op.shape.window) / real(op.slice.count);
    const CacheShape cache = cache_shape(op.shape);
    const double bytes = real(op.slice.count) * context * bytes_of(cache.values_per_token, op.shape.kv).value;
    require_room(bytes, "the cache");
    RegionCost best;
    double least = std::numeric_limits<double>::infinity();
    for (const Grid& grid : tokens == 1 ? decode_grids(card_) : prefill_grids(card_)) {
      const RegionModel regions(timing_, grid, grid, Collective::ktree);
      Along at = Along::columns;
      const RegionCost cost = tokens == 1 ? regions.decode(attention, {1, 1, context}, at)
                                          : regions.prefill(attention, {tokens, context, keys / tokens, 1});
      if (cost.cycles.total() < least) {
        least = cost.cycles.total();
        best = cost;
      }
    }
    const double macs =
        keys * cache.kv_heads * cache.queries_per_head * (cache.key_width + cache.value_width);
    return program("attention", best, real(op.slice.count), macs * real(op.slice.count), bytes, Category::kv);
  }
  Program operator()(const ExpertsOp& op) const {
    Operator experts;
    experts.shape = op.shape;
    const double values = real(op.shape.num_experts) * real(op.shape.values_per_expert());
    require_room(values * card_.value.value, "the experts");
    RegionCost best;
    double least = std::numeric_limits<double>::infinity();
    for (const Grid& grid : decode_grids(card_)) {
      Along at = Along::columns;
      const RegionCost cost = RegionModel(timing_, grid, grid, Collective::ktree)
                                  .decode(experts, {real(op.tokens), real(op.tokens), 1}, at);
      if (cost.cycles.total() < least) {
        least = cost.cycles.total();
        best = cost;
      }
    }
    const double pairs = real(op.tokens) * real(op.shape.experts_per_token);
    const double distinct = expected_distinct_experts(op.shape.num_experts, op.shape.experts_per_token,
                                                      real(op.tokens), op.routing);
    return program("experts", best, 1, pairs * real(op.shape.values_per_expert()),
                   distinct * real(op.shape.values_per_expert()) * card_.value.value, Category::weights);
  }
  // Rows over the rows of the wafer, width over its columns.
  Program operator()(const PointwiseOp& op) const {
    const double length = std::ceil(real(op.rows) / card_.rows) * std::ceil(real(op.width) / card_.columns);
    RegionCost cost;
    const bool reduces = op.kind != PointwiseOp::Kind::gelu;
    constexpr double kInstructions = 5;
    cost.cycles = vector_ops(kInstructions, length, timing_);
    cost.cycles.compute += timing_.special * length;
    if (reduces) {
      for (int sums = 0; sums < 2; ++sums) {
        cost.cycles +=
            all_reduce(card_.columns, std::ceil(real(op.rows) / card_.rows), Collective::ktree, timing_);
      }
    }
    return program(std::string(name(op.kind)), cost, 1, 0, 0, Category::weights);
  }
  // Around a ring of wafers: each sends its share 2 (n - 1) times over the edge.
  Program operator()(const AllReduceOp& op) const {
    if (op.algorithm != "auto") {
      throw ConfigError("algorithm", quoted(op.algorithm), "'auto', a ring over the edges of the wafers");
    }
    Task task;
    const double steps = 2 * (op.chips - 1.0), bytes = steps / op.chips * op.bytes.value;
    add_demand(task, kEdgeLatency, Category::communication, steps, steps);
    add_demand(task, kEdgeWire, Category::communication, bytes, bytes);
    return program_of("all-reduce", {task}, op.chips);
  }

 private:
  void require_room(double bytes, const char* what) const {
    const double room = (card_.sram - card_.reserved).value * real(card_.cores());
    if (bytes > room) {
      throw ConfigError("op", fmt::format("{} of {:.3g} GB", what, bytes / 1e9),
                        fmt::format("what one wafer holds, {:.3g} GB", room / 1e9));
    }
  }
  RegionCost best_product(double m, double k, double n) const {
    RegionCost best;
    double least = std::numeric_limits<double>::infinity();
    const int most = std::min(card_.rows, card_.columns);
    const double matrix = k * n * card_.value.value, room = (card_.sram - card_.reserved).value;
    for (int side = 2; side <= most; ++side) {
      if (side < most && matrix > room * side * side) {
        continue;
      }
      const MeshCycles gemv = mesh_gemv(m, k, n, side, side, Collective::ktree, timing_);
      const MeshCycles gemm = m > 1 ? mesh_gemm(m, k, n, side, timing_) : gemv;
      const MeshCycles& cycles = gemm.total() < gemv.total() ? gemm : gemv;
      if (cycles.total() < least) {
        least = cycles.total();
        best.cycles = cycles;
        best.useful_compute = m * k * n / (static_cast<double>(side) * side) / timing_.simd;
        best.useful_fabric = side - 1;
      }
    }
    return best;
  }
  Program program(const std::string& label, const RegionCost& cost, double times, double macs, double bytes,
                  Category category) const {
    Task passage, used;
    RegionCost all = cost;
    all.cycles = times * all.cycles;
    all.useful_compute *= times;
    all.useful_fabric *= times;
    add_cycles(all, passage);
    if (macs > 0) {
      add_demand(used, kCores, Category::arithmetic, kOpsPerMac * macs, kOpsPerMac * macs);
    }
    if (bytes > 0) {
      add_demand(used, kSram, category, bytes, bytes);
    }
    return program_of(label, {passage, used}, 1);
  }
  Program program_of(const std::string& label, std::vector<Task> tasks, int wafers) const {
    Program result;
    result.resources = wafer_resources(card_, 1);
    result.labels = {label};
    result.blocks = {{label, 1, std::move(tasks), {}}};
    result.replicas = wafers;
    result.static_power =
        static_power_of(card_.tdp * wafers, card_.idle * wafers, result, bound_time(result).time);
    return result;
  }

  const WaferCard& card_;
  MeshTiming timing_;
};

}  // namespace

Program lower_wafer_kernel(const KernelOp& op, const WaferCard& card) {
  return std::visit(OpVisitor(card), op);
}

}  // namespace memwall
