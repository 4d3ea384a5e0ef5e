#include "memwall/validation/profiler_tables.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "memwall/hardware/chip.h"
#include "memwall/validation/layer_profile.h"
#include "memwall/validation/table.h"

namespace memwall {
namespace {

struct TableSource {
  const Table& table;
  std::string origin, chip;
  MeasurementSink& sink;

  void take(std::size_t row, KernelOp op, int chips, double seconds) const {
    Measurement measurement;
    measurement.origin = origin;
    measurement.system = fmt::format("{}x{}", chips, chip);
    KernelUse use{std::move(op)};
    // Layer after layer without a pause, for minutes: where a GEMM can bring the board to its limit, it is
    // there.
    use.is_steady = std::holds_alternative<GemmOp>(use.op);
    measurement.what = std::vector<KernelUse>{std::move(use)};
    measurement.value = seconds;
    measurement.where = table.where(row);
    sink.take(measurement);
  }
  void exclude(const std::string& reason) const { sink.exclude(origin, reason); }
};

std::string median_of(std::string_view operation) { return fmt::format("time_stats.{}.median", operation); }

std::string file_name(const Table& table) { return std::filesystem::path(table.file()).filename().string(); }

// Qwen3's heads are 128 wide whatever the hidden size (config.json); of the other models hidden / heads.
std::int64_t head_dim(const Table& table, std::size_t row, std::int64_t hidden, std::string_view heads) {
  constexpr std::int64_t kQwen3Head = 128;
  return file_name(table).find("Qwen3") != std::string::npos
             ? kQwen3Head
             : std::max<std::int64_t>(1, hidden / table.integer(row, heads));
}

bool is_true(std::string_view cell) { return cell == "True"; }

// Vidur runs in fp16; Frontier says its precision, and fp8 weights only in its signature.
Format precision(const Table& table, std::size_t row) {
  return table.text(row, "profiling_precision") == "BF16" ? Format::bf16 : Format::fp16;
}

LayerSizes linear_sizes(const Table& table, std::size_t row) {
  LayerSizes sizes;
  sizes.hidden = table.integer(row, "n_embd");
  sizes.heads = table.integer(row, "n_head");
  sizes.kv_heads = table.integer(row, "n_kv_head");
  sizes.head_dim = head_dim(table, row, sizes.hidden, "n_head");
  sizes.intermediate = table.integer(row, "n_expanded_embd");
  sizes.gated = is_true(table.required(row, "use_gated_mlp"));
  sizes.tp = table.integer(row, "num_tensor_parallel_workers");
  sizes.weight = sizes.activation = precision(table, row);
  if (table.text(row, "quant_signature").find("method=fp8") != std::string_view::npos) {
    sizes.weight = sizes.activation = Format::fp8;
  }
  return sizes;
}

const std::vector<std::pair<std::string, LayerGemm>>& gemm_columns() {
  static const std::vector<std::pair<std::string, LayerGemm>> columns = {
      {median_of("attn_pre_proj"), LayerGemm::qkv},
      {median_of("attn_post_proj"), LayerGemm::attention_out},
      {median_of("mlp_up_proj"), LayerGemm::ffn_in},
      {median_of("mlp_down_proj"), LayerGemm::ffn_out}};
  return columns;
}

// Columns of operators that are no kernel by themselves here.
std::vector<std::string> without_kernel(const Table& table, std::initializer_list<const char*> operations) {
  std::vector<std::string> found;
  for (const char* operation : operations) {
    if (table.has(median_of(operation))) {
      found.emplace_back(operation);
    }
  }
  return found;
}

void exclude_each(const TableSource& from, std::size_t row, const std::vector<std::string>& operations) {
  for (const std::string& operation : operations) {
    if (milliseconds(from.table, row, median_of(operation))) {
      from.exclude("no kernel for " + operation + " by itself");
    }
  }
}

void read_linear(const TableSource& from) {
  const Table& table = from.table;
  const std::vector<std::string> others = without_kernel(table, {"emb", "attn_rope", "add"});
  const std::string norms[] = {median_of("input_layernorm"), median_of("post_attention_layernorm")};
  const bool is_old = !table.has("measurement_type");
  const std::string activation = median_of("mlp_act");
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::int64_t tokens = table.integer(row, "num_tokens");
    const LayerSizes sizes = linear_sizes(table, row);
    for (const auto& [column, part] : gemm_columns()) {
      if (const std::optional<double> seconds = milliseconds(table, row, column)) {
        from.take(row, layer_gemm(part, tokens, sizes), 1, *seconds);
      }
    }
    for (const std::string& column : norms) {
      if (const std::optional<double> seconds = milliseconds(table, row, column)) {
        if (is_old && sizes.gated) {
          from.exclude("an RMS norm of vLLM of 2023, which loads value by value: no such kernel here");
        } else {
          from.take(row, layer_norm(tokens, sizes), 1, *seconds);
        }
      }
    }
    if (const std::optional<double> seconds = milliseconds(table, row, activation)) {
      if (sizes.gated) {
        from.exclude("no kernel for a gated mlp_act by itself");
      } else {
        const std::int64_t width = std::max<std::int64_t>(1, sizes.intermediate / sizes.tp);
        from.take(row, PointwiseOp{PointwiseOp::Kind::gelu, tokens, width}, 1, *seconds);
      }
    }
    exclude_each(from, row, others);
  }
}

// Each expert by itself: its two GEMMs on an even share of the pairs.
void read_experts(const TableSource& from) {
  const Table& table = from.table;
  const bool is_fused = table.has("moe_grouped_gemm_backend");
  const std::vector<std::string> others =
      without_kernel(table, {"moe_gating", "moe_gating_linear", "moe_gating_routing_topk", "moe_shuffling"});
  for (std::size_t row = 0; row < table.rows(); ++row) {
    exclude_each(from, row, others);
    if (is_fused) {
      from.exclude("the two grouped GEMMs of a layer without what comes between them");
      continue;
    }
    LayerSizes sizes;
    sizes.hidden = table.integer(row, "hidden_dim");
    sizes.intermediate = table.integer(row, "expert_hidden_dim");
    sizes.gated = is_true(table.required(row, "use_gated"));
    sizes.tp = table.integer(row, "num_tensor_parallel_workers");
    const double pairs =
        static_cast<double>(table.integer(row, "num_tokens") * table.integer(row, "router_topk"));
    const auto tokens = std::max<std::int64_t>(
        1, std::llround(pairs / static_cast<double>(table.integer(row, "num_experts"))));
    for (const auto& [operation, part] :
         {std::pair{"moe_expert_up_proj", LayerGemm::ffn_in}, {"moe_expert_down_proj", LayerGemm::ffn_out}}) {
      if (const std::optional<double> seconds = milliseconds(table, row, median_of(operation))) {
        GemmOp op = layer_gemm(part, tokens, sizes);
        op.operand_sets = 0;
        from.take(row, op, 1, *seconds);
      }
    }
    from.exclude("a loop over the experts, whose GEMMs are scored");
  }
}

void read_collectives(const TableSource& from) {
  const Table& table = from.table;
  const Chip card = read_chip(from.chip);
  const std::int64_t box =
      card.has("scale_up.domain") ? std::llround(card.get<Ratio>("scale_up.domain").value) : 1;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string collective(table.required(row, "collective"));
    const std::int64_t chips = table.integer(row, "num_workers");
    const std::int64_t together = table.integer(row, "devices_per_node");
    const std::int64_t of_box = table.integer(row, "max_devices_per_node");
    if (collective != "all_reduce") {
      from.exclude("no kernel for " + collective + " by itself");
    } else if (of_box != box) {
      from.exclude(fmt::format("{} in boxes of {}, other boards than the card's", from.chip, of_box));
    } else if (together != chips) {
      from.exclude("between boxes, over a network that is not stated");
    } else {
      const std::optional<double> seconds = milliseconds(table, row, median_of(collective));
      if (seconds) {
        from.take(row, AllReduceOp{Bytes(table.number(row, "size")), static_cast<int>(chips), "nccl"},
                  static_cast<int>(chips), *seconds);
      }
    }
  }
}

void read_attention(const TableSource& from, bool same_pages) {
  const Table& table = from.table;
  const std::vector<std::string> others =
      without_kernel(table, {"attn_input_reshape", "attn_kv_cache_save", "attn_output_reshape"});
  for (std::size_t row = 0; row < table.rows(); ++row) {
    exclude_each(from, row, others);
    if (table.text(row, "mode") == "true_mixed") {
      from.exclude("prompts and decodes in one batch");
      continue;
    }
    LayerSizes sizes;
    sizes.hidden = table.integer(row, "n_embd");
    sizes.heads = table.integer(row, "n_q_head");
    sizes.kv_heads = table.integer(row, "n_kv_head");
    sizes.head_dim = head_dim(table, row, sizes.hidden, "n_q_head");
    sizes.tp = table.integer(row, "num_tensor_parallel_workers");
    sizes.activation = precision(table, row);
    if (sizes.heads % sizes.kv_heads != 0) {
      throw ConfigError(table.where(row), "n_kv_head", std::string(table.text(row, "n_kv_head")),
                        "a divisor of the heads");
    }
    const std::int64_t batch = table.integer(row, "batch_size");
    const bool is_prefill = is_true(table.required(row, "is_prefill"));
    const std::optional<double> seconds =
        milliseconds(table, row, median_of(is_prefill ? "attn_prefill" : "attn_decode"));
    if (!seconds) {
      continue;
    }
    if (same_pages && batch > 1) {
      from.exclude("every sequence reads the same pages: no batch that an engine runs");
      continue;
    }
    const Slice slice{batch, is_prefill ? table.integer(row, "prefill_chunk_size") : 1,
                      table.integer(row, "kv_cache_size", 0, 0)};
    AttentionOp op = layer_attention(slice, sizes);
    op.operand_sets = 1;  // the same batch is run again
    from.take(row, op, 1, *seconds);
  }
}

// Tables that cannot be right, and why.
const std::map<std::string, std::string>& wrong_tables() {
  static const std::map<std::string, std::string> tables = {
      {"attention_a100_qwen2_moe_example.csv.gz",
       "a100: decode times that would read the cache at 290 TB/s: something else was timed"}};
  return tables;
}

void read_one(const std::filesystem::path& path, const std::string& origin, MeasurementSink& sink) {
  const Table table = read_table(path);
  const std::string name = path.filename().string();
  const std::optional<std::string> chip = card_in(name);
  const auto wrong = wrong_tables().find(name);
  if (!chip || wrong != wrong_tables().end()) {
    for (std::size_t row = 0; row < table.rows(); ++row) {
      sink.exclude(origin, chip ? wrong->second : name + ": no card of its chip");
    }
    return;
  }
  const TableSource from{table, origin, *chip, sink};
  if (table.has("n_expanded_embd")) {
    read_linear(from);
  } else if (table.has("kv_cache_size")) {
    read_attention(from, table.has("seq_lens"));
  } else if (table.has("expert_hidden_dim")) {
    read_experts(from);
  } else if (table.has("collective")) {
    read_collectives(from);
  } else {
    throw ConfigError(Location{path.string()}, "columns", quoted(table.titles().front()) + " and others",
                      "those of operators, attention, experts or collectives");
  }
}

}  // namespace

void read_profiler_tables(const std::filesystem::path& folder, const std::string& origin,
                          MeasurementSink& sink) {
  for (const std::filesystem::path& path : tables_in(folder)) {
    read_one(path, origin, sink);
  }
}

}  // namespace memwall
