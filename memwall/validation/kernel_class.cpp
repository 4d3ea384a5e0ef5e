#include "memwall/validation/kernel_class.h"

namespace memwall {
namespace {

using Sizes = std::array<double, KernelFeatures::kMostSizes>;

Regime by_time(Seconds time) { return time > kBriefKernel ? Regime::steady : Regime::brief; }

struct FeaturesOf {
  Seconds time;

  KernelFeatures operator()(const GemmOp& op) const {
    constexpr std::int64_t kLeastWide = 1024, kMostDecode = 64, kLeastPrefill = 2048;
    Regime regime = Regime::middle;
    if (op.n < kLeastWide || op.k < kLeastWide) {
      regime = Regime::small;
    } else if (op.m <= kMostDecode) {
      regime = Regime::decode;
    } else if (op.m >= kLeastPrefill) {
      regime = Regime::prefill;
    }
    return {KernelKind::gemm, regime, op.format, sizes(op.m, op.n, op.k)};
  }
  KernelFeatures operator()(const AttentionOp& op) const {
    const bool is_decode = op.slice.new_tokens == 1;
    const bool is_latent = op.shape.is_latent();
    const KernelKind kind = is_latent
                                ? (is_decode ? KernelKind::decode_mla : KernelKind::prefill_mla)
                                : (is_decode ? KernelKind::decode_attention : KernelKind::prefill_attention);
    return {kind, by_time(time), op.shape.kv,
            sizes(op.slice.count, op.slice.new_tokens + op.slice.past_tokens, op.shape.heads,
                  is_latent ? 1 : op.shape.kv_heads, op.shape.v_dim)};
  }
  KernelFeatures operator()(const AllReduceOp& op) const {
    return {op.algorithm == "nccl" ? KernelKind::nccl_all_reduce : KernelKind::all_reduce,
            Regime::all,
            Format::bf16,
            {op.bytes.value, static_cast<double>(op.chips)}};
  }
  KernelFeatures operator()(const ExpertsOp& op) const {
    return {KernelKind::experts, by_time(time), op.shape.weight,
            sizes(op.tokens, op.shape.num_experts, op.shape.experts_per_token, op.shape.width,
                  op.shape.intermediate / op.tp)};
  }
  KernelFeatures operator()(const PointwiseOp& op) const {
    const KernelKind kind = op.kind == PointwiseOp::Kind::softmax      ? KernelKind::softmax
                            : op.kind == PointwiseOp::Kind::layer_norm ? KernelKind::layer_norm
                                                                       : KernelKind::gelu;
    return {kind, Regime::all, Format::bf16, sizes(op.rows, op.width)};
  }

 private:
  template <class... Values>
  static Sizes sizes(Values... values) {
    return {static_cast<double>(values)...};
  }
};

}  // namespace

std::string_view name(KernelKind kind) {
  constexpr std::array<std::string_view, kKernelKindCount> kNames = {
      "gemm",       "decode_attention", "prefill_attention", "decode_mla", "prefill_mla", "experts",
      "all_reduce", "nccl_all_reduce",  "softmax",           "layer_norm", "gelu"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name(Regime regime) {
  constexpr std::array<std::string_view, 7> kNames = {"decode", "middle", "prefill", "small",
                                                      "brief",  "steady", "all"};
  return kNames[static_cast<std::size_t>(regime)];
}

KernelFeatures features(const KernelOp& op, Seconds time) { return std::visit(FeaturesOf{time}, op); }

const std::array<std::string_view, KernelFeatures::kMostSizes>& size_names(KernelKind kind) {
  using Names = std::array<std::string_view, KernelFeatures::kMostSizes>;
  static constexpr Names kGemm = {"m", "n", "k"};
  static constexpr Names kAttention = {"sequences", "context", "heads", "kv_heads", "head_dim"};
  static constexpr Names kExperts = {"tokens", "experts", "top_k", "width", "intermediate"};
  static constexpr Names kAllReduce = {"bytes", "chips"};
  static constexpr Names kPointwise = {"rows", "width"};
  switch (kind) {
    case KernelKind::gemm:
      return kGemm;
    case KernelKind::decode_attention:
    case KernelKind::prefill_attention:
    case KernelKind::decode_mla:
    case KernelKind::prefill_mla:
      return kAttention;
    case KernelKind::experts:
      return kExperts;
    case KernelKind::all_reduce:
    case KernelKind::nccl_all_reduce:
      return kAllReduce;
    case KernelKind::softmax:
    case KernelKind::layer_norm:
    case KernelKind::gelu:
      break;
  }
  return kPointwise;
}

}  // namespace memwall
