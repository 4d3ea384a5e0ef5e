#include "memwall/validation/prompt_times.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

namespace memwall {
namespace {

const char* const kOrigin = "splitwise";
constexpr double kHostBound = 2;  // of the shortest prompt

struct Row {
  std::string model, chip;
  std::int64_t tp = 1, batch = 1, prompt = 1;
  double seconds = 0;
  auto machine() const { return std::tuple(model, chip); }
  auto shape_of(std::int64_t of_batch) const { return std::tuple(model, chip, tp, of_batch, prompt); }
};

Row row_of(const Table& table, std::size_t row) {
  const std::string hardware(table.required(row, "hardware"));
  return {std::string(table.required(row, "model")), hardware.substr(0, hardware.find('-')),
          table.integer(row, "tensor_parallel"),     table.integer(row, "batch_size"),
          table.integer(row, "prompt_size"),         1e-3 * table.number(row, "prompt_time")};
}

template <class Map, class Key>
void lower(Map& map, const Key& key, double value) {
  const auto [found, is_new] = map.emplace(key, value);
  found->second = std::min(found->second, value);
}

}  // namespace

void read_prompt_times(const Table& table, MeasurementSink& sink) {
  std::vector<Row> rows;
  std::map<std::tuple<std::string, std::string>, double> shortest;
  std::map<std::tuple<std::string, std::string, std::int64_t, std::int64_t, std::int64_t>, double> of_shape;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const Row& row = rows.emplace_back(row_of(table, i));
    lower(shortest, row.machine(), row.seconds);
    lower(of_shape, row.shape_of(row.batch), row.seconds);
  }
  const std::map<std::string, std::string> cards = {{"llama2-70b", "llama-2-70b"}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    sink.exclude(kOrigin, "times of further tokens: the host's, alike on 4 and on 8 chips");
    const auto card = cards.find(row.model);
    const auto half = of_shape.find(row.shape_of(row.batch / 2));
    if (card == cards.end()) {
      sink.exclude(kOrigin, "no card of the model " + row.model);
    } else if (row.seconds < kHostBound * shortest.at(row.machine())) {
      sink.exclude(kOrigin, "bound by the host: prompts under twice the shortest");
    } else if (half != of_shape.end() && row.seconds <= half->second) {
      sink.exclude(kOrigin, "no longer than half of the batch: not all at once");
    } else {
      StepRun run;
      run.kind = StepRun::Kind::generation;  // of one token: the prefill alone
      run.model = card->second;
      run.sampling = Sampling::greedy;
      run.plan.tp = static_cast<int>(row.tp);
      run.batch = row.batch;
      run.prompt = row.prompt;
      run.output = 1;
      Measurement measurement;
      measurement.origin = kOrigin;
      measurement.system = fmt::format("{}x{}", row.tp, row.chip);
      measurement.what = run;
      measurement.value = row.seconds;
      measurement.where = table.where(i);
      sink.take(measurement);
    }
  }
}

}  // namespace memwall
