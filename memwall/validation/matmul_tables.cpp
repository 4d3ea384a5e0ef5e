#include "memwall/validation/matmul_tables.h"

#include <algorithm>
#include <limits>
#include <map>

namespace memwall {
namespace {

void take(const Table& table, std::size_t row, KernelUse use, double seconds, Measurement measurement,
          MeasurementSink& sink) {
  measurement.what = std::vector<KernelUse>{std::move(use)};
  measurement.value = seconds;
  measurement.where = table.where(row);
  sink.take(measurement);
}

}  // namespace

void read_best_matmuls(const Table& table, MeasurementSink& sink) {
  const std::map<std::string_view, const char*> cards = {{"NVIDIA A100 SXM", "1xa100"},
                                                         {"NVIDIA H100 SXM", "1xh100"},
                                                         {"NVIDIA B200 SXM", "1xb200"},
                                                         {"NVIDIA B300 SXM", "1xb300"},
                                                         {"AMD MI300X", "1xmi300x"}};
  const std::map<std::string_view, Format> formats = {{"bf16", Format::bf16}, {"fp8", Format::fp8}};
  Measurement measurement;
  measurement.origin = "mamf";
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string_view accelerator = table.required(row, "accelerator");
    const std::string_view type = table.required(row, "dtype");
    const auto card = cards.find(accelerator);
    const auto format = formats.find(type);
    if (format == formats.end()) {
      throw ConfigError(table.where(row), "dtype", quoted(std::string(type)), "bf16 or fp8");
    }
    if (card == cards.end() || format->second == Format::fp8) {
      sink.exclude(measurement.origin, card == cards.end()
                                           ? "no card of " + std::string(accelerator)
                                           : "fp8 without quantising the input: not memwall's kernel");
      continue;
    }
    const KernelUse use{GemmOp{table.integer(row, "M"), table.integer(row, "N"), table.integer(row, "K"),
                               format->second, format->second}};
    const GemmOp& op = std::get<GemmOp>(use.op);
    const double operations =
        2 * static_cast<double>(op.m) * static_cast<double>(op.n) * static_cast<double>(op.k);
    measurement.system = card->second;
    take(table, row, use, operations / (1e12 * table.number(row, "achieved_tflops")), measurement, sink);
  }
}

void read_mi210_matmuls(const Table& table, MeasurementSink& sink) {
  Measurement measurement;
  measurement.origin = "llmcompass_mi210";
  measurement.system = "1xmi210";
  double shortest = std::numeric_limits<double>::infinity();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    shortest = std::min(shortest, 1e-3 * table.number(row, "latency_ms"));
  }
  for (std::size_t row = 0; row < table.rows(); ++row) {
    KernelUse use{GemmOp{table.integer(row, "M"), table.integer(row, "N"), table.integer(row, "K"),
                         Format::fp16, Format::fp16}};
    use.floor = Seconds(shortest);
    take(table, row, use, 1e-3 * table.number(row, "latency_ms"), measurement, sink);
  }
}

}  // namespace memwall
