// What `memwall op` can ask of one chip: a section of a schedule by itself.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/processors/lpu/lowering.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
constexpr double kBitsPerByte = 8;

double real(std::int64_t value) { return static_cast<double>(value); }

class OpVisitor {
 public:
  explicit OpVisitor(const LpuCard& card) : card_(card), resources_(lpu_resources(card)) {}

  Program operator()(const GemmOp& op) const {
    const ArrayMode mode{card_.is_byte_arithmetic(op.activation), info(op.format).bits / kBitsPerByte};
    const double batch = real(op.batch);
    SectionLength length = linear_section(card_.geometry, mode, {real(op.n), real(op.k), real(op.m), 1});
    length = {batch * length.cycles, batch * length.load_cycles, batch * length.array_cycles};
    const double weights = batch * real(op.n) * real(op.k);
    return section("gemm", length, mode, weights * mode.stored_bytes, weights * real(op.m));
  }

  Program operator()(const AttentionOp& op) const {
    const Attention& a = op.shape;
    LpuAttention shape;
    shape.heads = real(a.heads);
    shape.kv_heads = a.is_latent() ? 1 : real(a.kv_heads);
    shape.qk_dim = real(a.is_latent() ? a.latent + a.rope_dim : a.qk_dim);
    shape.v_dim = real(a.is_latent() ? a.latent : a.v_dim);
    shape.kv_bytes = info(a.kv).bits / kBitsPerByte;
    shape.sequences = real(op.slice.count);
    shape.queries = real(op.slice.new_tokens);
    shape.keys = attended_keys(op.slice, a.window) / real(op.slice.count * op.slice.new_tokens);
    const double keys = shape.sequences * shape.keys;
    return section("attention", attention_section(card_.geometry, shape), {},
                   keys * real(a.kv_values_per_token()) * shape.kv_bytes,
                   keys * shape.queries * shape.heads * (shape.qk_dim + shape.v_dim));
  }

  Program operator()(const AllReduceOp& op) const {
    const bool reachable = op.chips <= card_.links.node || card_.links.global > 0;
    if (op.chips < 2 || !reachable) {
      throw ConfigError("chips", std::to_string(op.chips), fmt::format("2 to {}, a node", card_.links.node));
    }
    if (op.algorithm != "auto") {
      throw ConfigError("algorithm", quoted(op.algorithm), "'auto', what the schedule finds shortest");
    }
    constexpr double kHalfBytes = 2;
    const LinkTiming links = link_timing(card_);
    const double vectors = std::ceil(op.bytes.value / kHalfBytes / card_.geometry.lanes());
    const ExchangeLength length = all_reduce_section(card_.geometry, links, vectors, op.chips);
    Task task;
    add_demand(task, resources_.cycles, Category::overhead, 0, length.inside);
    add_demand(task, resources_.hop, Category::communication, length.hops, length.hops);
    add_demand(task, resources_.exchange, Category::communication, 0, 1);
    const double bytes = length.wire / links.wire * card_.geometry.lanes();
    add_demand(task, resources_.links, Category::communication, bytes, bytes);
    return program("all-reduce", task, op.chips);
  }

  Program operator()(const ExpertsOp&) const {
    throw ConfigError("experts", "a kernel of experts", "a step of a model that has them: 'memwall step'");
  }
  Program operator()(const PointwiseOp&) const {
    throw ConfigError("pointwise", "a pointwise kernel",
                      "a matrix: pointwise work is a link of its VXM chain");
  }

 private:
  Program section(const char* label, const SectionLength& length, const ArrayMode& mode, double bytes,
                  double macs) const {
    const LpuGeometry& g = card_.geometry;
    const double ops = kOpsPerMac * macs, ops_per_cycle = kOpsPerMac * card_.macs_per_cycle(mode.bytes);
    const double stream_bytes = length.load_cycles * LpuGeometry::kPlanes * g.weight_streams() * g.lanes();
    const double busy =
        std::max({length.load_cycles, length.array_cycles,
                  bytes / static_cast<double>(g.sram_bytes_per_cycle()), ops / ops_per_cycle});
    Task task;
    add_demand(task, resources_.cycles, Category::overhead, 0, std::max(0.0, length.cycles - busy));
    add_demand(task, resources_.sram, Category::weights, bytes, bytes);
    add_demand(task, resources_.streams, Category::weights, std::min(bytes, stream_bytes), stream_bytes);
    add_demand(task, mode.bytes ? resources_.byte_arrays : resources_.half_arrays, Category::arithmetic, ops,
               std::max(ops, length.array_cycles * ops_per_cycle));
    return program(label, task, 1);
  }
  Program program(const char* label, const Task& task, int chips) const {
    Program program;
    program.resources = resources_.list;
    program.labels = {label};
    program.blocks = {{label, 1, {task}, {}}};
    program.replicas = chips;
    program.static_power = card_.idle * chips;
    return program;
  }

  const LpuCard& card_;
  LpuResources resources_;
};

}  // namespace

Program lower_lpu_kernel(const KernelOp& op, const LpuCard& card) { return std::visit(OpVisitor(card), op); }

}  // namespace memwall
