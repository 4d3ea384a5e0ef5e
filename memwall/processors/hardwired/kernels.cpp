// What `memwall op` can ask of a chip whose matrices are wired: attention and exchanges.
#include <fmt/format.h>

#include "memwall/core/error.h"
#include "memwall/core/unit_text.h"
#include "memwall/processors/hardwired/lowering.h"
#include "memwall/processors/hardwired/resources.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
constexpr double kBitsPerByte = 8;

class OpVisitor {
 public:
  explicit OpVisitor(const HardwiredCard& card) : card_(card) {}

  Program operator()(const GemmOp&) const { refuse("a GEMM of any other matrix"); }
  Program operator()(const ExpertsOp&) const { refuse("experts of another model"); }
  Program operator()(const PointwiseOp&) const {
    refuse("a pointwise kernel, which is part of the pipeline");
  }

  // The heads divided over the columns of the grid and the cache over its rows; no exchanges.
  Program operator()(const AttentionOp& op) const {
    if (op.shape.is_latent()) {
      refuse("latent attention");
    }
    const double chips = card_.chips;
    const double keys = attended_keys(op.slice, op.shape.window);
    const double vectors = keys * static_cast<double>(op.shape.kv_heads) / chips;  // of one pass
    const double macs = keys * static_cast<double>(op.shape.heads * (op.shape.qk_dim + op.shape.v_dim));
    const double per_cycle = macs / chips / (vectors * card_.attention_passes) * card_.kv_heads_per_cycle;
    const double ops = kOpsPerMac * macs / chips;
    const double bytes =
        keys * static_cast<double>(op.shape.kv_values_per_token()) * card_.kv_bits / kBitsPerByte / chips;
    const HardwiredResources resources = hardwired_resources(card_, 1, per_cycle);
    Task task;
    add_demand(task, resources.vector, Category::kv, ops, ops);
    add_demand(task, resources.buffer, Category::kv, bytes, bytes);
    return program("attention", task, resources);
  }

  // Over a row or column of the grid, or over a row and then its columns.
  Program operator()(const AllReduceOp& op) const {
    const bool over_all = op.chips == card_.chips, over_column = op.chips == card_.grid_rows;
    if (!card_.links || (!over_all && !over_column && op.chips != card_.grid_columns)) {
      throw ConfigError("chips", std::to_string(op.chips),
                        card_.links ? fmt::format("a row of {}, a column of {} or all {}", card_.grid_columns,
                                                  card_.grid_rows, card_.chips)
                                    : "a chip with links to others");
    }
    if (op.algorithm != "auto") {
      throw ConfigError("algorithm", quoted(op.algorithm), "'auto', a reduce and a broadcast");
    }
    // A reduce and a broadcast per axis, each of the whole tensor over one link.
    const double rounds = over_all && card_.grid_rows > 1 && card_.grid_columns > 1 ? 4 : 2;
    const double wire = rounds * op.bytes.value;
    const HardwiredResources resources = hardwired_resources(card_, 1, 1);
    Task task;
    add_demand(task, resources.link_latency, Category::communication, rounds, rounds);
    add_demand(task, resources.link_protocol, Category::communication, 0, rounds);
    add_demand(task, resources.link_wire, Category::communication, wire, wire);
    return program("all-reduce", task, resources);
  }

 private:
  [[noreturn]] void refuse(const std::string& found) const {
    throw ConfigError("op", found, "attention or allreduce; the matrices are those of " + card_.wired_model);
  }
  Program program(const char* label, const Task& task, const HardwiredResources& resources) const {
    Program result;
    result.resources = resources.list;
    result.labels = {label};
    result.blocks = {{label, 1, {task}, {}}};
    result.replicas = card_.chips;
    result.static_power = card_.idle * result.replicas;
    return result;
  }

  const HardwiredCard& card_;
};

}  // namespace

Program lower_hardwired_kernel(const KernelOp& op, const HardwiredCard& card) {
  return std::visit(OpVisitor(card), op);
}

}  // namespace memwall
