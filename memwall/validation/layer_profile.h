// layer_profile.h - the kernels of a decoder layer as profilers of serving engines name and size them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "memwall/core/number_format.h"
#include "memwall/processors/kernel_op.h"
#include "memwall/validation/table.h"

namespace memwall {

// Of the whole layer; one chip of `tp` has its share.
struct LayerSizes {
  std::int64_t hidden = 1, heads = 1, kv_heads = 1, head_dim = 1, intermediate = 1;
  bool gated = true;  // the first GEMM of the feed-forward part makes gate and value in one
  std::int64_t tp = 1;
  Format weight = Format::fp16, activation = Format::fp16;
};

// Y(tokens, n) = X(tokens, k) W(k, n), one chip's share of it. A profiler runs one layer over and over, so
// that all the layer's weights pass between two uses of one (GemmOp::operand_sets).
enum class LayerGemm { qkv, q, kv, attention_out, ffn_in, ffn_half, ffn_out };
GemmOp layer_gemm(LayerGemm part, std::int64_t tokens, const LayerSizes& sizes);
// Over the hidden state, which every chip has in whole.
PointwiseOp layer_norm(std::int64_t tokens, const LayerSizes& sizes);
// Of an engine that rotates and stores keys by kernels of their own.
AttentionOp layer_attention(const Slice& slice, const LayerSizes& sizes);

// The card that a word of a file's name means, the words between '_': "a100", "RTX4090", "TPU-v6e-1" (one
// chip of tpu-v6e). None: no card of such a name.
std::optional<std::string> card_in(const std::string& file_name);

// A time in seconds out of a column of milliseconds; none for an empty cell, 0 and a column that is not
// there.
std::optional<double> milliseconds(const Table& table, std::size_t row, std::string_view title);

}  // namespace memwall
