#include "memwall/validation/kernel_tables.h"

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>
#include <tuple>

#include <fmt/format.h>

#include "memwall/core/data_files.h"
#include "memwall/validation/collector_routing.h"
#include "memwall/validation/table.h"

namespace memwall {
namespace {

const char* const kOrigin = "aic";
constexpr double kMillisecond = 1e-3;
// DeepSeek's latent attention, the only one in the tables: DeepSeek-V3's config.json.
constexpr std::int64_t kLatent = 512, kRope = 64, kLatentHead = 128;

struct FormatPair {
  Format weight, activation;
};
// The collector's names: _wo is weight-only, sq SmoothQuant (int8 both), w4a8 and w4a16 say both widths.
std::optional<FormatPair> formats_named(std::string_view name) {
  static const std::map<std::string_view, FormatPair> kNames = {
      {"bfloat16", {Format::bf16, Format::bf16}},
      {"float16", {Format::fp16, Format::fp16}},
      {"fp8", {Format::fp8, Format::fp8}},
      {"fp8_block", {Format::fp8_block, Format::fp8_block}},
      {"nvfp4", {Format::nvfp4, Format::nvfp4}},
      {"sq", {Format::int8, Format::int8}},
      {"int8_wo", {Format::int8, Format::bf16}},
      {"int4_wo", {Format::int4, Format::bf16}},
      {"w4a8_mxfp4_mxfp8", {Format::mxfp4, Format::fp8}},
      {"w4a16_mxfp4", {Format::mxfp4, Format::bf16}}};
  const auto found = kNames.find(name);
  return found == kNames.end() ? std::nullopt : std::optional<FormatPair>(found->second);
}

// One row as a kernel, or the reason why it is none.
struct RowKernel {
  KernelOp op;
  int chips = 1;
  std::string refusal = "";
};
RowKernel refused(std::string reason) { return {{}, 1, std::move(reason)}; }
RowKernel unknown_format(std::string_view name) {
  return refused(fmt::format("no number format like {}", name));
}

RowKernel gemm(const Table& table, std::size_t row) {
  const std::string_view name = table.required(row, "gemm_dtype");
  const std::optional<FormatPair> formats = formats_named(name);
  if (!formats) {
    return unknown_format(name);
  }
  return {GemmOp{table.integer(row, "m"), table.integer(row, "n"), table.integer(row, "k"), formats->weight,
                 formats->activation}};
}

RowKernel attention(const Table& table, std::size_t row, bool is_decode, bool is_latent) {
  const std::string_view cache = table.required(row, "kv_cache_dtype");
  const std::string_view arithmetic = table.required(row, is_latent ? "mla_dtype" : "attn_dtype");
  const std::optional<FormatPair> kv = formats_named(cache), activation = formats_named(arithmetic);
  if (!kv || !activation) {
    return unknown_format(kv ? arithmetic : cache);
  }
  AttentionOp op;
  op.shape.heads = table.integer(row, "num_heads");
  op.shape.kv = kv->weight;
  op.shape.activation = activation->activation;
  if (is_latent) {
    op.shape.kv_heads = op.shape.heads;
    op.shape.latent = kLatent;
    op.shape.rope_dim = kRope;
    op.shape.v_dim = kLatentHead;
    op.shape.qk_dim = kLatentHead + kRope;
  } else {
    op.shape.kv_heads = table.integer(row, "num_key_value_heads");
    op.shape.qk_dim = op.shape.v_dim = table.integer(row, "head_dim");
    op.shape.window = table.integer(row, "window_size", 0, 0);
  }
  const std::int64_t sequences = table.integer(row, "batch_size");
  op.slice = is_decode ? Slice{sequences, 1, table.integer(row, "kv_len")}
                       : Slice{sequences, table.integer(row, "isl"), 0};
  return {op};
}

// The same layers come again with other widths and formats.
using KnownRoutings = std::map<std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t>, Routing>;

const Routing& routing_of(const Table& table, std::size_t row, const CollectorLayer& layer,
                          KnownRoutings& known) {
  const std::string name(table.required(row, "distribution"));
  const auto key = std::tuple(name, layer.tokens, layer.num_experts, layer.top_k);
  auto found = known.find(key);
  if (found == known.end()) {
    try {
      found = known.emplace(key, collector_routing(name, layer)).first;
    } catch (const std::invalid_argument& error) {
      throw ConfigError(table.where(row), "distribution", quoted(name), error.what());
    }
  }
  return found->second;
}

RowKernel experts(const Table& table, std::size_t row, KnownRoutings& routings) {
  const std::string_view name = table.required(row, "moe_dtype");
  const std::optional<FormatPair> formats = formats_named(name);
  if (!formats) {
    return unknown_format(name);
  }
  ExpertsOp op;
  op.tokens = table.integer(row, "num_tokens");
  op.shape.num_experts = table.integer(row, "num_experts");
  op.shape.experts_per_token = table.integer(row, "topk");
  op.shape.width = table.integer(row, "hidden_size");
  op.shape.intermediate = table.integer(row, "inter_size");
  op.shape.weight = formats->weight;
  op.shape.activation = formats->activation;
  op.tp = static_cast<int>(table.integer(row, "moe_tp_size"));
  op.ep = static_cast<int>(table.integer(row, "moe_ep_size"));
  op.routing =
      routing_of(table, row, {op.tokens, op.shape.num_experts, op.shape.experts_per_token}, routings);
  return {op, op.tp * op.ep};
}

RowKernel all_reduce(const Table& table, std::size_t row, bool is_nccl) {
  const std::string_view operation = table.required(row, "op_name");
  if (operation != "all_reduce") {
    return refused(fmt::format("no kernel for {} by itself", operation));
  }
  const std::string_view element = table.required(row, is_nccl ? "nccl_dtype" : "allreduce_dtype");
  const double width = element == "int8" ? 1 : 2;  // message_size counts elements
  const int chips = static_cast<int>(table.integer(row, "num_gpus"));
  // TensorRT-LLM falls back to NCCL for large messages when asked for its own kernels: "auto".
  return {AllReduceOp{Bytes(width * table.number(row, "message_size")), chips, is_nccl ? "nccl" : "auto"},
          chips};
}

using RowReader = std::function<RowKernel(const Table&, std::size_t, KnownRoutings&)>;
struct TableKind {
  std::string prefix;
  RowReader read;
};
const std::vector<TableKind>& table_kinds() {
  using T = const Table&;
  using K = KnownRoutings&;
  using R = std::size_t;
  static const std::vector<TableKind> kinds = {
      {"gemm_", [](T table, R row, K) { return gemm(table, row); }},
      {"context_attention_", [](T table, R row, K) { return attention(table, row, false, false); }},
      {"generation_attention_", [](T table, R row, K) { return attention(table, row, true, false); }},
      {"context_mla_", [](T table, R row, K) { return attention(table, row, false, true); }},
      {"generation_mla_", [](T table, R row, K) { return attention(table, row, true, true); }},
      {"moe_", experts},
      {"nccl_", [](T table, R row, K) { return all_reduce(table, row, true); }},
      {"custom_allreduce_", [](T table, R row, K) { return all_reduce(table, row, false); }}};
  return kinds;
}

// "gemm_h100_sxm_trtllm-1.3.0rc20.csv.gz" after its prefix: the card's name is the word before "_sxm" or "_".
std::string chip_of(const std::string& rest) { return rest.substr(0, rest.find('_')); }

void read_one(const std::filesystem::path& path, const TableKind& kind, const std::string& chip,
              MeasurementSink& sink) {
  const Table table = read_table(path);
  const std::vector<std::string> cards = card_names("chips");
  const bool has_card = std::find(cards.begin(), cards.end(), chip) != cards.end();
  const std::string label = kind.prefix.substr(0, kind.prefix.size() - 1) + " " + chip + ": ";
  KnownRoutings routings;
  Measurement measurement;
  measurement.origin = kOrigin;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (!has_card) {
      sink.exclude(kOrigin, label + "no card of this chip");
      continue;
    }
    RowKernel kernel = kind.read(table, row, routings);
    if (!kernel.refusal.empty()) {
      sink.exclude(kOrigin, label + kernel.refusal);
      continue;
    }
    measurement.system = std::to_string(kernel.chips) + "x" + chip;
    measurement.what = std::vector<KernelUse>{{std::move(kernel.op), 1, std::nullopt}};
    measurement.value = kMillisecond * table.number(row, "latency_ms");
    measurement.where = table.where(row);
    sink.take(measurement);
  }
}

}  // namespace

void read_kernel_tables(const std::filesystem::path& folder, MeasurementSink& sink) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& path : files) {
    const std::string name = path.filename().string();
    if (!name.ends_with(".csv") && !name.ends_with(".csv.gz")) {
      continue;
    }
    const auto kind = std::find_if(table_kinds().begin(), table_kinds().end(),
                                   [&](const TableKind& each) { return name.starts_with(each.prefix); });
    if (kind == table_kinds().end()) {
      sink.exclude(kOrigin, name + ": no reader for such a table");
      continue;
    }
    read_one(path, *kind, chip_of(name.substr(kind->prefix.size())), sink);
  }
}

}  // namespace memwall
