#include "memwall/processors/kernel_op.h"

#include <fmt/format.h>

#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

std::string formats(Format weight, Format activation) {
  return weight == activation ? std::string(name(weight))
                              : fmt::format("{} x {}", name(activation), name(weight));
}

struct Describe {
  std::string operator()(const GemmOp& op) const {
    return fmt::format("gemm m={} n={} k={} {}{}", op.m, op.n, op.k, formats(op.format, op.activation),
                       op.batch > 1 ? fmt::format(" x{}", op.batch) : "");
  }
  std::string operator()(const AttentionOp& op) const {
    const Attention& shape = op.shape;
    const std::string heads = shape.is_latent() ? fmt::format("{} latent heads", shape.heads)
                                                : fmt::format("{} heads, {} KV heads, dim {}", shape.heads,
                                                              shape.kv_heads, shape.v_dim);
    return fmt::format("attention {}{}, {} sequences, {} new on {}, {}, KV {}", heads,
                       shape.window > 0 ? fmt::format(", window {}", shape.window) : "", op.slice.count,
                       op.slice.new_tokens, op.slice.past_tokens, name(shape.activation), name(shape.kv));
  }
  std::string operator()(const AllReduceOp& op) const {
    return fmt::format("all-reduce {} over {} chips, {}", to_text(op.bytes), op.chips, op.algorithm);
  }
  std::string operator()(const ExpertsOp& op) const {
    return fmt::format("experts {} of {}, {} x {}, {} tokens, tp{} ep{}, {}", op.shape.experts_per_token,
                       op.shape.num_experts, op.shape.width, op.shape.intermediate, op.tokens, op.tp, op.ep,
                       formats(op.shape.weight, op.shape.activation));
  }
  std::string operator()(const PointwiseOp& op) const {
    return fmt::format("{} {} x {}", name(op.kind), op.rows, op.width);
  }
};

}  // namespace

std::string_view name(PointwiseOp::Kind kind) {
  switch (kind) {
    case PointwiseOp::Kind::softmax:
      return "softmax";
    case PointwiseOp::Kind::layer_norm:
      return "layer_norm";
    case PointwiseOp::Kind::gelu:
      break;
  }
  return "gelu";
}

std::string describe(const KernelOp& op) { return std::visit(Describe{}, op); }

}  // namespace memwall
