#include <algorithm>

#include "memwall/validation/error_bars.h"

namespace memwall {
namespace {

constexpr double kActivationBytes = 2;

std::int64_t share_of(std::int64_t whole, int parts) {
  return std::max<std::int64_t>(1, (whole + parts - 1) / parts);
}

class Collector {
 public:
  Collector(const Model& model, const Step& step, const Plan& plan)
      : model_(model), step_(step), plan_(plan) {}

  void add(const Operator& op, std::int64_t repeat) {
    const double times = static_cast<double>(repeat);
    if (const auto* linear = std::get_if<Linear>(&op.shape)) {
      add(*linear, op, times);
    } else if (const auto* attention = std::get_if<Attention>(&op.shape)) {
      add(*attention, times);
    } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
      kernels_.push_back({ExpertsOp{*experts, step_.new_tokens(), step_.routing,
                                    std::max(1, plan_.tp * plan_.dp / plan_.ep), plan_.ep},
                          times, std::nullopt});
      add_all_reduce(times);
    }
  }
  std::vector<KernelUse> take() { return std::move(kernels_); }

 private:
  void add(const Linear& linear, const Operator& op, double times) {
    const std::int64_t rows = op.role == OpRole::head ? step_.logits() : step_.new_tokens();
    GemmOp gemm{share_of(rows, plan_.dp), linear.n, linear.k, linear.weight, linear.activation};
    if (op.split == TensorSplit::columns || op.split == TensorSplit::heads) {
      gemm.n = share_of(gemm.n, plan_.tp);
    } else if (op.split == TensorSplit::rows) {
      gemm.k = share_of(gemm.k, plan_.tp);
    }
    kernels_.push_back({gemm, times, std::nullopt});
    if (op.split == TensorSplit::rows) {
      add_all_reduce(times);
    }
  }
  void add(const Attention& attention, double times) {
    for (const Slice& slice : step_.slices) {
      AttentionOp op{attention, slice};
      op.slice.count = share_of(slice.count, plan_.dp);
      op.shape.heads = share_of(attention.heads, plan_.tp);
      op.shape.kv_heads = attention.is_latent() ? op.shape.heads : share_of(attention.kv_heads, plan_.tp);
      kernels_.push_back({op, times, std::nullopt});
    }
  }
  void add_all_reduce(double times) {
    if (plan_.tp > 1) {
      const double values = static_cast<double>(share_of(step_.new_tokens(), plan_.dp) * model_.hidden_size);
      kernels_.push_back(
          {AllReduceOp{Bytes(kActivationBytes * values), plan_.tp, "auto"}, times, std::nullopt});
    }
  }

  const Model& model_;
  const Step& step_;
  const Plan& plan_;
  std::vector<KernelUse> kernels_;
};

}  // namespace

std::vector<KernelUse> kernels_of(const Model& model, const Step& step, const Plan& plan) {
  Collector collector(model, step, plan);
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) { collector.add(op, repeat); });
  return collector.take();
}

}  // namespace memwall
