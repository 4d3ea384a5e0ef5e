#include "memwall/validation/kernel_rows.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include <fmt/format.h>

#include "memwall/core/names.h"
#include "memwall/validation/collector_routing.h"

namespace memwall {
namespace {

constexpr double kMicrosecond = 1e-6;

const std::vector<std::string>& known_columns() {
  static const std::vector<std::string> columns = {
      "chip",     "kernel",    "measured_us",  "format",     "activation",  "m",       "n",
      "k",        "batch",     "sequences",    "new_tokens", "past_tokens", "heads",   "kv_heads",
      "head_dim", "window",    "latent",       "rope_dim",   "kv_format",   "tokens",  "experts",
      "top_k",    "width",     "intermediate", "tp",         "ep",          "routing", "bytes",
      "chips",    "algorithm", "rows",         "set",        "sum",         "times",   "floor_us",
      "host_us",  "engine",    "operand_sets", "excluded",   "source"};
  return columns;
}

void refuse_unknown_columns(const Table& table) {
  for (const std::string& title : table.titles()) {
    const std::vector<std::string>& known = known_columns();
    if (std::find(known.begin(), known.end(), title) == known.end()) {
      throw ConfigError(Location{table.file()}, "columns", quoted(title), suggest_names(title, known));
    }
  }
}

class Row {
 public:
  Row(const Table& table, std::size_t row) : table_(table), row_(row) {}

  std::string text(std::string_view title, const std::string& fallback = "") const {
    const std::string_view cell = table_.text(row_, title);
    return cell.empty() ? fallback : std::string(cell);
  }
  std::int64_t count(std::string_view title) const { return table_.integer(row_, title); }
  std::int64_t count(std::string_view title, std::int64_t fallback, std::int64_t least = 1) const {
    return table_.integer(row_, title, fallback, least);
  }
  bool has(std::string_view title) const { return !table_.text(row_, title).empty(); }
  double number(std::string_view title) const { return table_.number(row_, title); }
  std::string required(std::string_view title) const { return std::string(table_.required(row_, title)); }
  Location where() const { return table_.where(row_); }

  Format format(std::string_view title, Format fallback) const {
    const std::string cell = text(title);
    if (cell.empty()) {
      return fallback;
    }
    const std::optional<Format> found = find_format(cell);
    if (!found) {
      throw ConfigError(where(), std::string(title), quoted(cell), "a number format such as bf16");
    }
    return *found;
  }

 private:
  const Table& table_;
  std::size_t row_;
};

KernelOp gemm(const Row& row) {
  const Format format = row.format("format", Format::bf16);
  return GemmOp{row.count("m"),
                row.count("n"),
                row.count("k"),
                format,
                row.format("activation", info(format).arithmetic),
                row.count("batch", 1)};
}

KernelOp attention(const Row& row) {
  AttentionOp op;
  op.shape.heads = row.count("heads");
  op.shape.kv_heads = row.count("kv_heads", op.shape.heads);
  op.shape.window = row.count("window", 0, 0);
  op.shape.latent = row.count("latent", 0, 0);
  op.shape.rope_dim = row.count("rope_dim", 0, 0);
  op.shape.v_dim = row.count("head_dim");
  op.shape.qk_dim = op.shape.v_dim + op.shape.rope_dim;
  op.shape.activation = row.format("activation", Format::bf16);
  op.shape.kv = row.format("kv_format", Format::bf16);
  op.slice = {row.count("sequences"), row.count("new_tokens", 1), row.count("past_tokens", 0, 0)};
  op.operand_sets = row.count("operand_sets", 0, 0);
  op.engine = row.text("engine");
  if (op.shape.heads % op.shape.kv_heads != 0) {
    throw ConfigError(row.where(), "kv_heads", row.text("kv_heads"), "a divisor of the heads");
  }
  return op;
}

Routing routing(const Row& row, const CollectorLayer& layer) {
  const std::string text = row.text("routing", "uniform");
  try {
    return text == "balanced" || text.starts_with("power_law_") ? collector_routing(text, layer)
                                                                : parse_routing(text);
  } catch (const std::invalid_argument& error) {
    throw ConfigError(row.where(), "routing", quoted(text), error.what());
  }
}

KernelOp moe(const Row& row) {
  ExpertsOp op;
  op.tokens = row.count("tokens");
  op.shape.num_experts = row.count("experts");
  op.shape.experts_per_token = row.count("top_k");
  op.shape.width = row.count("width");
  op.shape.intermediate = row.count("intermediate");
  op.shape.weight = row.format("format", Format::bf16);
  op.shape.activation = row.format("activation", info(op.shape.weight).arithmetic);
  op.tp = static_cast<int>(row.count("tp", 1));
  op.ep = static_cast<int>(row.count("ep", 1));
  op.routing = routing(row, {op.tokens, op.shape.num_experts, op.shape.experts_per_token, op.ep});
  op.operand_sets = row.count("operand_sets", 0, 0);
  if (op.shape.experts_per_token > op.shape.num_experts) {
    throw ConfigError(row.where(), "top_k", row.text("top_k"), "at most the experts");
  }
  return op;
}

KernelOp all_reduce(const Row& row) {
  return AllReduceOp{Bytes(row.number("bytes")), static_cast<int>(row.count("chips")),
                     row.text("algorithm", "auto")};
}

KernelOp pointwise(const Row& row, PointwiseOp::Kind kind) {
  return PointwiseOp{kind, row.count("rows"), row.count("width")};
}

KernelOp kernel_of(const Row& row) {
  using Maker = KernelOp (*)(const Row&);
  static const std::map<std::string, Maker> makers = {
      {"gemm", gemm},
      {"attention", attention},
      {"moe", moe},
      {"all_reduce", all_reduce},
      {"softmax", [](const Row& each) { return pointwise(each, PointwiseOp::Kind::softmax); }},
      {"layer_norm", [](const Row& each) { return pointwise(each, PointwiseOp::Kind::layer_norm); }},
      {"gelu", [](const Row& each) { return pointwise(each, PointwiseOp::Kind::gelu); }}};
  const std::string kernel = row.required("kernel");
  const auto maker = makers.find(kernel);
  if (maker == makers.end()) {
    std::vector<std::string> known;
    for (const auto& [name, make] : makers) {
      known.push_back(name);
    }
    throw ConfigError(row.where(), "kernel", quoted(kernel), suggest_names(kernel, known));
  }
  return maker->second(row);
}

int chips_of(const KernelOp& op) {
  if (const auto* collective = std::get_if<AllReduceOp>(&op)) {
    return collective->chips;
  }
  const auto* experts = std::get_if<ExpertsOp>(&op);
  return experts == nullptr ? 1 : experts->tp * experts->ep;
}

}  // namespace

void read_kernel_rows(const Table& table, const std::string& origin, MeasurementSink& sink) {
  refuse_unknown_columns(table);
  std::string open_sum;
  int chips = 1;
  Measurement measurement;
  std::vector<KernelUse> kernels;
  const auto finish = [&] {
    if (!kernels.empty()) {
      measurement.what = std::move(kernels);
      sink.take(measurement);
    }
    kernels = {};
    chips = 1;
    open_sum.clear();
  };
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const Row row(table, i);
    const std::string set = row.text("set", origin);
    if (row.has("excluded")) {
      sink.exclude(set, row.text("excluded"));
      continue;
    }
    const std::string sum = row.text("sum");
    if (sum.empty() || sum != open_sum) {
      finish();
      measurement = {};
      measurement.origin = set;
      measurement.where = row.where();
      measurement.note = open_sum = sum;
    }
    KernelUse use{kernel_of(row), static_cast<double>(row.count("times", 1)), std::nullopt};
    chips = std::max(chips, chips_of(use.op));
    measurement.system = fmt::format("{}x{}", chips, row.required("chip"));
    measurement.value += use.times * kMicrosecond * row.number("measured_us");
    if (row.has("floor_us")) {
      use.floor = Seconds(kMicrosecond * row.number("floor_us"));
    }
    if (row.has("host_us")) {
      use.host = Seconds(kMicrosecond * row.number("host_us"));
    }
    kernels.push_back(std::move(use));
    if (sum.empty()) {
      finish();
    }
  }
  finish();
}

}  // namespace memwall
