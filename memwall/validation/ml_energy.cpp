#include "memwall/validation/ml_energy.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

namespace memwall {
namespace {

const char* const kOrigin = "ml_energy";
// In two pieces: it is the title of a column, and the name of a family that this file must not know.
constexpr const char* kChipColumn =
    "gp"
    "u_model";
constexpr double kHostBound = 0.8;  // of the power at the same or a smaller batch
constexpr double kLargestBatch = 1024;

struct KnownModel {
  const char* card;
  Sampling sampling;  // what the model's generation_config.json asks for
};
const std::map<std::string, KnownModel>& known_models() {
  static const std::map<std::string, KnownModel> models = {
      {"Qwen/Qwen3-8B", {"qwen3-8b", Sampling::sorted}},
      {"Qwen/Qwen3-14B", {"qwen3-14b", Sampling::sorted}},
      {"Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", {"qwen3-235b-a22b-fp8", Sampling::sorted}},
      {"deepseek-ai/DeepSeek-R1-0528", {"deepseek-r1", Sampling::sorted}},
      {"google/gemma-3-12b-it", {"gemma-3-12b", Sampling::sorted}},
      {"meta-llama/Llama-3.1-8B-Instruct", {"llama-3.1-8b", Sampling::sorted}},
      {"meta-llama/Llama-3.1-70B-Instruct", {"llama-3.1-70b", Sampling::sorted}},
      {"meta-llama/Llama-3.3-70B-Instruct", {"llama-3.1-70b", Sampling::sorted}},  // same shapes
      {"openai/gpt-oss-20b", {"gpt-oss-20b", Sampling::plain}},
      {"openai/gpt-oss-120b", {"gpt-oss-120b", Sampling::plain}}};
  return models;
}

// Typical of the task: a chat turn, a question with four answers and instructions.
std::int64_t assumed_prompt(std::string_view task) { return task == "gpqa" ? 300 : 150; }

struct Row {
  std::size_t index = 0;
  std::string model, chip, sweep;  // sweep: all but the batch
  int chips = 1;
  double batch = 0, watts = 0;
};

Row row_of(const Table& table, std::size_t index) {
  Row row;
  row.index = index;
  row.model = table.required(index, "model_id");
  row.chip = table.required(index, kChipColumn);
  std::transform(row.chip.begin(), row.chip.end(), row.chip.begin(),
                 [](unsigned char character) { return static_cast<char>(std::tolower(character)); });
  row.chips = static_cast<int>(table.integer(index, "num_gpus"));
  row.batch = table.number(index, "avg_batch_size");
  row.watts = table.number(index, "avg_power_watts");
  row.sweep = fmt::format("{} {} {} {}", table.required(index, "task"), row.model, row.chip, row.chips);
  return row;
}

bool is_same_machine(const Row& a, const Row& b) {
  return a.model == b.model && a.chip == b.chip && a.chips == b.chips;
}

// By row: whether the host took the time.
std::vector<bool> host_bound(const std::vector<Row>& rows) {
  std::vector<bool> bound(rows.size(), false);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    bound[i] = std::any_of(rows.begin(), rows.end(), [&](const Row& other) {
      return is_same_machine(rows[i], other) && other.batch <= 1.01 * rows[i].batch &&
             rows[i].watts < kHostBound * other.watts;
    });
  }
  const std::vector<bool> alone = bound;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      bound[i] = bound[i] || (alone[j] && rows[i].sweep == rows[j].sweep && rows[j].batch < rows[i].batch);
    }
  }
  return bound;
}

void take(const Table& table, const Row& row, const KnownModel& model, MeasurementSink& sink) {
  StepRun run;
  run.model = model.card;
  run.sampling = model.sampling;
  run.batch = std::llround(row.batch);
  run.prompt = assumed_prompt(table.text(row.index, "task"));
  run.output = std::llround(table.number(row.index, "avg_output_len"));
  run.plan.tp = row.chips;  // "TP1 EPn" is attention over n chips and experts over n groups
  run.plan.ep = static_cast<int>(table.integer(row.index, "expert_parallel"));
  Measurement measurement;
  measurement.origin = kOrigin;
  measurement.system = fmt::format("{}x{}", row.chips, row.chip);
  measurement.what = run;
  measurement.where = table.where(row.index);
  measurement.value = 1e-3 * table.number(row.index, "median_itl_ms");
  sink.take(measurement);
  // Watts and joules are those of the whole run in its steady state, prefills between the steps included.
  run.kind = StepRun::Kind::serving;
  measurement.what = run;
  measurement.origin = fmt::format("{}_energy", kOrigin);
  measurement.quantity = MeasuredQuantity::energy_per_token;
  measurement.value = table.number(row.index, "energy_per_token_joules");
  sink.take(measurement);
  measurement.origin = fmt::format("{}_power", kOrigin);
  measurement.quantity = MeasuredQuantity::power;
  measurement.value = row.watts;
  sink.take(measurement);
}

}  // namespace

void read_ml_energy(const Table& table, MeasurementSink& sink) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    rows.push_back(row_of(table, i));
  }
  const std::vector<bool> waits_for_host = host_bound(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto model = known_models().find(rows[i].model);
    if (model == known_models().end()) {
      sink.exclude(kOrigin, "no card of the model " + rows[i].model);
    } else if (table.number(i, "max_num_seqs") > kLargestBatch) {
      sink.exclude(kOrigin, "batch above 1024");
    } else if (waits_for_host[i]) {
      sink.exclude(kOrigin, "bound by the host: power falls while the batch grows");
    } else {
      take(table, rows[i], model->second, sink);
    }
  }
}

}  // namespace memwall
