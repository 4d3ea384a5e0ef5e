#include "memwall/validation/layer_profile.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "memwall/core/data_files.h"

namespace memwall {
namespace {

constexpr double kMillisecond = 1e-3;

// Heads that do not go round are held by several chips.
std::int64_t share(std::int64_t whole, std::int64_t tp) { return std::max<std::int64_t>(1, whole / tp); }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char character) { return static_cast<char>(std::tolower(character)); });
  return text;
}

}  // namespace

namespace {

// Without operand_sets.
GemmOp gemm_of(LayerGemm part, std::int64_t tokens, const LayerSizes& sizes) {
  const std::int64_t heads = share(sizes.heads, sizes.tp) * sizes.head_dim;
  const std::int64_t kv = share(sizes.kv_heads, sizes.tp) * sizes.head_dim;
  const std::int64_t ffn = share(sizes.intermediate, sizes.tp);
  GemmOp op{tokens, 1, sizes.hidden, sizes.weight, sizes.activation};
  switch (part) {
    case LayerGemm::qkv:
      op.n = heads + 2 * kv;
      break;
    case LayerGemm::q:
      op.n = heads;
      break;
    case LayerGemm::kv:
      op.n = kv;
      break;
    case LayerGemm::attention_out:
      op.n = sizes.hidden;
      op.k = heads;
      break;
    case LayerGemm::ffn_in:
      op.n = sizes.gated ? 2 * ffn : ffn;
      break;
    case LayerGemm::ffn_half:
      op.n = ffn;
      break;
    case LayerGemm::ffn_out:
      op.n = sizes.hidden;
      op.k = ffn;
      break;
  }
  return op;
}

std::int64_t values_of(const GemmOp& op) { return op.n * op.k; }

}  // namespace

GemmOp layer_gemm(LayerGemm part, std::int64_t tokens, const LayerSizes& sizes) {
  GemmOp op = gemm_of(part, tokens, sizes);
  std::int64_t layer = 0;
  for (const LayerGemm each :
       {LayerGemm::qkv, LayerGemm::attention_out, LayerGemm::ffn_in, LayerGemm::ffn_out}) {
    layer += values_of(gemm_of(each, tokens, sizes));
  }
  op.operand_sets = std::max<std::int64_t>(1, layer / values_of(op));
  return op;
}

PointwiseOp layer_norm(std::int64_t tokens, const LayerSizes& sizes) {
  return {PointwiseOp::Kind::layer_norm, tokens, sizes.hidden};
}

AttentionOp layer_attention(const Slice& slice, const LayerSizes& sizes) {
  AttentionOp op;
  op.shape.heads = share(sizes.heads, sizes.tp);
  op.shape.kv_heads = share(sizes.kv_heads, sizes.tp);
  op.shape.qk_dim = op.shape.v_dim = sizes.head_dim;
  op.shape.activation = op.shape.kv = sizes.activation;
  op.slice = slice;
  op.engine = "vllm";
  return op;
}

std::optional<std::string> card_in(const std::string& file_name) {
  static const std::vector<std::string> cards = card_names("chips");
  const std::string name = file_name.substr(0, file_name.rfind(".csv"));
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('_', begin), name.size());
    std::string word = lower(name.substr(begin, end - begin));
    if (word.ends_with("-1")) {
      word.resize(word.size() - 2);
    }
    if (std::find(cards.begin(), cards.end(), word) != cards.end()) {
      return word;
    }
    begin = end + 1;
  }
  return std::nullopt;
}

std::optional<double> milliseconds(const Table& table, std::size_t row, std::string_view title) {
  const std::string_view cell = table.text(row, title);
  if (cell.empty() || cell == "0" || cell == "0.0") {
    return std::nullopt;
  }
  return kMillisecond * table.number(row, title);
}

}  // namespace memwall
