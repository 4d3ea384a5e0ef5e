#include "memwall/validation/step_rows.h"

#include <map>

#include "memwall/core/names.h"

namespace memwall {
namespace {

struct QuantityName {
  MeasuredQuantity quantity;
  double unit;
  StepRun::Kind kind;
};

QuantityName quantity_named(const Table& table, std::size_t row) {
  static const std::map<std::string, QuantityName> kNames = {
      {"itl_ms", {MeasuredQuantity::time, 1e-3, StepRun::Kind::decode_step}},
      {"e2e_s", {MeasuredQuantity::time, 1, StepRun::Kind::generation}},
      {"tokens_per_s", {MeasuredQuantity::throughput, 1, StepRun::Kind::decode_step}},
      {"j_per_token", {MeasuredQuantity::energy_per_token, 1, StepRun::Kind::decode_step}}};
  const std::string name(table.required(row, "quantity"));
  const auto found = kNames.find(name);
  if (found == kNames.end()) {
    throw ConfigError(table.where(row), "quantity", quoted(name),
                      "itl_ms, e2e_s, tokens_per_s or j_per_token");
  }
  return found->second;
}

Sampling sampling_named(const Table& table, std::size_t row) {
  const std::string_view name = table.text(row, "sampling");
  if (name.empty() || name == "sorted") {
    return Sampling::sorted;
  }
  if (name != "plain" && name != "greedy") {
    throw ConfigError(table.where(row), "sampling", quoted(std::string(name)), "sorted, plain or greedy");
  }
  return name == "plain" ? Sampling::plain : Sampling::greedy;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// "hbm.capacity=40 GB; hbm.bandwidth=1.555 TB/s"
std::vector<FactChange> changes_of(const Table& table, std::size_t row) {
  std::vector<FactChange> changes;
  for (std::string_view rest = table.text(row, "facts"); !rest.empty();) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view entry = rest.substr(0, end);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) {
      throw ConfigError(table.where(row), "facts", quoted(std::string(entry)), "KEY=VALUE; KEY=VALUE");
    }
    changes.push_back(
        {std::string(trimmed(entry.substr(0, equals))), std::string(trimmed(entry.substr(equals + 1)))});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return changes;
}

}  // namespace

void read_step_rows(const Table& table, const std::string& origin, MeasurementSink& sink) {
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string_view named = table.text(row, "set");
    const std::string set = named.empty() ? origin : std::string(named);
    if (const std::string_view reason = table.text(row, "excluded"); !reason.empty()) {
      sink.exclude(set, std::string(reason));
      continue;
    }
    const QuantityName quantity = quantity_named(table, row);
    StepRun run;
    run.model = table.required(row, "model");
    run.plan = parse_plan(std::string(table.required(row, "plan")));
    run.batch = table.integer(row, "batch");
    run.prompt = table.integer(row, "prompt");
    run.output = table.integer(row, "output");
    run.kind = quantity.kind;
    run.sampling = sampling_named(table, row);
    Measurement measurement;
    measurement.origin = set;
    measurement.system = table.required(row, "system");
    measurement.changes = changes_of(table, row);
    measurement.what = run;
    measurement.quantity = quantity.quantity;
    measurement.value = quantity.unit * table.number(row, "measured");
    measurement.where = table.where(row);
    sink.take(measurement);
    if (table.text(row, "watts").empty()) {
      continue;
    }
    const double watts = table.number(row, "watts");
    const double step_time = measurement.value;
    // Watts beside a time between tokens are those of a server that replaces finished sequences.
    const bool is_served =
        quantity.quantity == MeasuredQuantity::time && quantity.kind == StepRun::Kind::decode_step;
    run.kind = is_served ? StepRun::Kind::serving : StepRun::Kind::decode_step;
    measurement.what = run;
    measurement.origin = set + "_power";
    measurement.quantity = MeasuredQuantity::power;
    measurement.value = watts;
    sink.take(measurement);
    if (is_served) {
      run.kind = StepRun::Kind::decode_step;
      measurement.what = run;
      measurement.origin = set + "_energy";
      measurement.quantity = MeasuredQuantity::energy_per_token;
      measurement.value = watts * step_time / static_cast<double>(run.batch);
      sink.take(measurement);
    }
  }
}

}  // namespace memwall
