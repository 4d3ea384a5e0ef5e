#include "memwall/validation/kernel_tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>
#include <tuple>

#include <fmt/format.h>

#include "memwall/core/data_files.h"
#include "memwall/hardware/chip.h"
#include "memwall/validation/collector_routing.h"
#include "memwall/validation/error_statistics.h"
#include "memwall/validation/table.h"
#include "memwall/validation/untuned_layers.h"

namespace memwall {
namespace {

const char* const kOrigin = "aic";
constexpr double kMillisecond = 1e-3;
constexpr double kAtLimit = 0.97;  // of the power limit, from which a board counts as being at it
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

// How the collector of a table ran its kernels (collector/ of the same repository).
struct Harness {
  bool is_vllm = false;
  double cache_bytes = 0;  // last-level cache of the chip; 0: its card does not say
  // TensorRT-LLM 1.0.0's decode tables imply up to 3.4 TB/s from caches of gigabytes on an A100, whose pins
  // give 2.0 TB/s: keys and values cannot have been stored apart. Half of the bytes explain every row.
  bool shares_cache_pages = false;
  // The same release timed its quantised GEMMs by events around a launch (all of its times are multiples of
  // an event's 1.024 us), not in a recorded graph as its bf16 ones.
  bool times_launches = false;
};
// The kernel for one query head per KV head showed it only where it does not split the keys.
constexpr std::int64_t kLeastSplitContext = 400;
// Weights that it takes in turn: TensorRT-LLM's as many as fill the cache, 5 at most; vLLM's 6, but 1 in the
// formats that it quantises by blocks.
std::int64_t weight_sets(const Harness& harness, Format weight, double values) {
  if (harness.is_vllm) {
    return weight == Format::fp8_block || weight == Format::nvfp4 ? 1 : 6;
  }
  return std::clamp<std::int64_t>(
      static_cast<std::int64_t>(std::ceil(harness.cache_bytes / bytes_of(values, weight).value)), 1, 5);
}
// vLLM's blockwise fp8 GEMM is launched from Python, call by call: most of the table's rows have one time,
// the host's, whatever the shape.
bool is_launched_by_host(const Harness& harness, Format weight) {
  return harness.is_vllm && weight == Format::fp8_block;
}
bool is_timed_with_launch(const Harness& harness, Format weight) {
  return harness.times_launches && weight != Format::bf16;
}
// Of a table's GEMMs of one format: what the host takes is above a quarter of the times, and the smallest
// kernel is as long as the shortest fiftieth.
constexpr double kHostShare = 0.25, kSmallestShare = 0.02;

// Gemma's layers in 16 bits: TensorRT-LLM's collector runs them in FlashInfer's kernels, as vLLM does,
// without a kernel that prepares keys. The shortest take 9 us where all others take 13.
bool runs_as_gemma(const Attention& shape) {
  constexpr std::int64_t kGemmaWindow = 1024, kGemmaHead = 512;
  return !shape.is_latent() && info(shape.kv).bits == 16 &&
         (shape.window == kGemmaWindow || shape.qk_dim == kGemmaHead);
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

RowKernel gemm(const Table& table, std::size_t row, const Harness& harness) {
  const std::string_view name = table.required(row, "gemm_dtype");
  const std::optional<FormatPair> formats = formats_named(name);
  if (!formats) {
    return unknown_format(name);
  }
  GemmOp op{table.integer(row, "m"), table.integer(row, "n"), table.integer(row, "k"), formats->weight,
            formats->activation};
  op.wide_scales = harness.is_vllm && op.format == Format::fp8_block;
  op.narrow_input = op.activation == Format::int8;  // SmoothQuant's plugin is given them
  op.operand_sets = weight_sets(harness, op.format, static_cast<double>(op.n) * static_cast<double>(op.k));
  return {op};
}

RowKernel attention(const Table& table, std::size_t row, const Harness& harness, bool is_decode,
                    bool is_latent) {
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
  op.operand_sets = 1;
  op.engine = harness.is_vllm || runs_as_gemma(op.shape) ? "vllm" : "tensorrt-llm";
  const bool may_share = is_decode && !is_latent && harness.shares_cache_pages;
  if (may_share && (op.shape.heads != op.shape.kv_heads || op.slice.past_tokens < kLeastSplitContext)) {
    op.cache_share = 0.5;
  }
  return {op};
}

// The same layers come again with other widths and formats.
using KnownRoutings =
    std::map<std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t, std::int64_t>, Routing>;

const Routing& routing_of(const Table& table, std::size_t row, const CollectorLayer& layer,
                          KnownRoutings& known) {
  const std::string name(table.required(row, "distribution"));
  const auto key = std::tuple(name, layer.tokens, layer.num_experts, layer.top_k, layer.groups);
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

// TensorRT-LLM's collector times the experts of Nemotron 3 with their squared ReLU, which has no gate; its
// table says so by their sizes only.
bool is_without_gate(const Experts& shape) {
  constexpr std::array<std::pair<std::int64_t, std::int64_t>, 3> kWidths = {
      {{2688, 1856}, {2048, 5120}, {1024, 2688}}};
  return std::find(kWidths.begin(), kWidths.end(), std::pair(shape.width, shape.intermediate)) !=
         kWidths.end();
}

RowKernel experts(const Table& table, std::size_t row, const Harness& harness, KnownRoutings& routings) {
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
  op.shape.gated = harness.is_vllm || !is_without_gate(op.shape);
  op.shape.weight = formats->weight;
  op.shape.activation = formats->activation;
  op.tp = static_cast<int>(table.integer(row, "moe_tp_size"));
  op.ep = static_cast<int>(table.integer(row, "moe_ep_size"));
  op.routing =
      routing_of(table, row, {op.tokens, op.shape.num_experts, op.shape.experts_per_token, op.ep}, routings);
  op.operand_sets = 1;
  op.rows = harness.is_vllm ? ExpertRows::gathered : ExpertRows::sorted;
  return {op, op.tp * op.ep};
}

// Of a table that TensorRT-LLM's collector wrote.
void find_untuned(const Table& table, const Harness& harness, KnownRoutings& routings,
                  UntunedLayers& untuned) {
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const RowKernel kernel = experts(table, row, harness, routings);
    if (kernel.refusal.empty()) {
      untuned.add(std::get<ExpertsOp>(kernel.op), std::string(table.required(row, "distribution")),
                  kMillisecond * table.number(row, "latency_ms"));
    }
  }
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

// What the readers of one table share.
struct TableContext {
  Harness harness;
  KnownRoutings routings;
  std::optional<UntunedLayers> untuned = std::nullopt;
};
using RowReader = std::function<RowKernel(const Table&, std::size_t, TableContext&)>;
struct TableKind {
  std::string prefix;
  RowReader read;
};
const std::vector<TableKind>& table_kinds() {
  using T = const Table&;
  using C = TableContext&;
  using R = std::size_t;
  static const std::vector<TableKind> kinds = {
      {"gemm_", [](T table, R row, C context) { return gemm(table, row, context.harness); }},
      {"context_attention_",
       [](T table, R row, C context) { return attention(table, row, context.harness, false, false); }},
      {"generation_attention_",
       [](T table, R row, C context) { return attention(table, row, context.harness, true, false); }},
      {"context_mla_",
       [](T table, R row, C context) { return attention(table, row, context.harness, false, true); }},
      {"generation_mla_",
       [](T table, R row, C context) { return attention(table, row, context.harness, true, true); }},
      {"moe_",
       [](T table, R row, C context) { return experts(table, row, context.harness, context.routings); }},
      {"nccl_", [](T table, R row, C) { return all_reduce(table, row, true); }},
      {"custom_allreduce_", [](T table, R row, C) { return all_reduce(table, row, false); }}};
  return kinds;
}

// "gemm_h100_sxm_trtllm-1.3.0rc20.csv.gz" after its prefix: the card's name is the word before "_sxm" or "_".
std::string chip_of(const std::string& rest) { return rest.substr(0, rest.find('_')); }

bool is_vllm(const std::filesystem::path& path) {
  return path.filename().string().find("_vllm") != std::string::npos;
}

bool is_release_1_0_0(const std::filesystem::path& path) {
  return path.filename().string().find("_trtllm-1.0.0") != std::string::npos;
}

double cache_of(const Chip& card) {
  return card.has("l2.capacity") ? card.get<Bytes>("l2.capacity").value : 0;
}

// Of the times of a table's GEMMs, by format: a share of them are below.
std::map<std::string, double> gemm_quantiles(const Table& table, double share) {
  std::map<std::string, std::vector<float>> times;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    times[std::string(table.text(row, "gemm_dtype"))].push_back(
        static_cast<float>(kMillisecond * table.number(row, "latency_ms")));
  }
  std::map<std::string, double> quantiles;
  for (auto& [format, values] : times) {
    quantiles[format] = quantile(std::move(values), share);
  }
  return quantiles;
}

void read_one(const std::filesystem::path& path, const TableKind& kind, const std::string& chip,
              MeasurementSink& sink) {
  const Table table = read_table(path);
  const std::vector<std::string> cards = card_names("chips");
  const bool has_card = std::find(cards.begin(), cards.end(), chip) != cards.end();
  const std::string label = kind.prefix.substr(0, kind.prefix.size() - 1) + " " + chip + ": ";
  const Chip card = has_card ? read_chip(chip) : Chip{};
  const bool is_old = is_release_1_0_0(path);
  TableContext context{{is_vllm(path), cache_of(card), is_old, is_old}, {}};
  const Harness& harness = context.harness;
  if (has_card && table.has("moe_dtype") && !harness.is_vllm) {
    context.untuned.emplace(card);
    find_untuned(table, harness, context.routings, *context.untuned);
  }
  std::map<std::string, double> host, smallest;
  if (table.has("gemm_dtype")) {
    host = gemm_quantiles(table, kHostShare);
    smallest = gemm_quantiles(table, kSmallestShare);
  }
  // The board's own mean power says whether it had reached its limit when the kernel was timed.
  const bool has_power = table.has("power_limit_w");
  Measurement measurement;
  measurement.origin = kOrigin;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (!has_card) {
      sink.exclude(kOrigin, label + "no card of this chip");
      continue;
    }
    RowKernel kernel = kind.read(table, row, context);
    if (!kernel.refusal.empty()) {
      sink.exclude(kOrigin, label + kernel.refusal);
      continue;
    }
    measurement.system = std::to_string(kernel.chips) + "x" + chip;
    KernelUse use{std::move(kernel.op)};
    if (auto* op = std::get_if<ExpertsOp>(&use.op); op && context.untuned) {
      op->is_tuned = !context.untuned->contains(*op, std::string(table.required(row, "distribution")));
    }
    use.is_steady =
        has_power && table.number(row, "power_w") >= kAtLimit * table.number(row, "power_limit_w");
    if (const auto* op = std::get_if<GemmOp>(&use.op)) {
      const std::string format(table.text(row, "gemm_dtype"));
      if (is_launched_by_host(harness, op->format)) {
        use.host = Seconds(host.at(format));
      }
      if (is_timed_with_launch(harness, op->format)) {
        use.floor = Seconds(smallest.at(format));
      }
    }
    measurement.what = std::vector<KernelUse>{std::move(use)};
    measurement.value = kMillisecond * table.number(row, "latency_ms");
    measurement.where = table.where(row);
    sink.take(measurement);
  }
}

}  // namespace

void read_kernel_tables(const std::filesystem::path& folder, MeasurementSink& sink) {
  for (const std::filesystem::path& path : tables_in(folder)) {
    const std::string name = path.filename().string();
    const auto kind = std::find_if(table_kinds().begin(), table_kinds().end(),
                                   [&](const TableKind& each) { return name.starts_with(each.prefix); });
    if (kind == table_kinds().end()) {
      sink.exclude(kOrigin,
                   name + (name.starts_with("wideep_deepep_")
                               ? ": dispatch and combine of experts' tokens, no kernels by themselves"
                               : ": no reader for such a table"));
      continue;
    }
    read_one(path, *kind, chip_of(name.substr(kind->prefix.size())), sink);
  }
}

}  // namespace memwall
