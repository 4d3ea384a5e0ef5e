// kernel_class.h - sorts kernels by what their errors have in common: kind, regime and number format.
//
// Regimes follow what limits a kernel. GEMM: decode (m <= 64) and prefill (m >= 2048) when n and k are at
// least 1024, else middle or small. Attention and experts: short below 20 us of predicted time, long above.
// All-reduce and pointwise kernels: one.
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "memwall/core/number_format.h"
#include "memwall/core/units.h"
#include "memwall/processors/kernel_op.h"

namespace memwall {

enum class KernelKind {
  gemm,
  decode_attention,
  prefill_attention,
  decode_mla,
  prefill_mla,
  experts,
  all_reduce,
  nccl_all_reduce,
  softmax,
  layer_norm,
  gelu,
};
inline constexpr int kKernelKindCount = 11;
std::string_view name(KernelKind kind);

enum class Regime { decode, middle, prefill, small, brief, steady, all };
std::string_view name(Regime regime);

inline constexpr Seconds kBriefKernel{20e-6};

// A kernel's class (but for the chip) and its sizes, in the order of size_names.
struct KernelFeatures {
  static constexpr int kMostSizes = 5;
  KernelKind kind = KernelKind::gemm;
  Regime regime = Regime::all;
  Format format = Format::bf16;  // of the weights, of the KV cache, else bf16
  std::array<double, kMostSizes> sizes{};
};
// `time` is the predicted one.
KernelFeatures features(const KernelOp& op, Seconds time);

// Names of a kind's sizes, empty at the end: {"m", "n", "k"}.
const std::array<std::string_view, KernelFeatures::kMostSizes>& size_names(KernelKind kind);

}  // namespace memwall
