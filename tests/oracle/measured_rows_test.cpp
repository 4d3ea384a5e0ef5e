// How far kernels and decode steps are from published measurements, before any calibration. Each set's median
// must stay below 20 %; the residuals are printed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/processor.h"
#include "memwall/program/ledger.h"

namespace memwall {
namespace {

constexpr double kAllowedMedian = 0.20;

using Row = std::map<std::string, std::string>;

std::vector<Row> read_rows(const std::string& name) {
  std::ifstream file(std::string(MEMWALL_SOURCE_DIR) + "/validation/" + name);
  std::vector<Row> rows;
  std::vector<std::string> columns;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    std::vector<std::string> cells;
    std::istringstream stream(line + ",");
    for (std::string cell; std::getline(stream, cell, ',');) {
      cells.push_back(cell);
    }
    if (columns.empty()) {
      columns = cells;
      continue;
    }
    Row row;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      row[columns[i]] = cells.at(i);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

class Residuals {
 public:
  void add(const std::string& set, double predicted, double measured) {
    sets_[set].push_back(predicted / measured - 1);
  }
  // Prints every set and checks its median.
  void check() {
    EXPECT_FALSE(sets_.empty());
    for (auto& [set, errors] : sets_) {
      std::vector<double> sizes;
      for (const double error : errors) {
        sizes.push_back(std::abs(error));
      }
      std::printf("%-34s n = %3zu  median |error| %5.1f %%  bias %+6.1f %%  p90 %5.1f %%\n", set.c_str(),
                  errors.size(), 100 * quantile(sizes, 0.5), 100 * quantile(errors, 0.5),
                  100 * quantile(sizes, 0.9));
      EXPECT_LT(quantile(sizes, 0.5), kAllowedMedian) << set;
    }
  }

 private:
  static double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
  }
  std::map<std::string, std::vector<double>> sets_;
};

KernelOp kernel_of(const Row& row) {
  const std::string& kernel = row.at("kernel");
  const Format format = format_named("format", row.at("format"));
  if (kernel == "gemm") {
    return GemmOp{std::stoll(row.at("m")), std::stoll(row.at("n")), std::stoll(row.at("k")), format, format};
  }
  if (kernel == "attention") {
    AttentionOp op;
    op.shape.heads = 32;
    op.shape.kv_heads = 8;
    op.shape.qk_dim = op.shape.v_dim = 128;
    op.shape.kv = format;
    op.slice = {std::stoll(row.at("sequences")), 1, std::stoll(row.at("context"))};
    return op;
  }
  AllReduceOp op;
  op.bytes = Bytes(std::stod(row.at("bytes")));
  op.chips = std::stoi(row.at("chips"));
  // The engine falls back to NCCL for large messages when asked for its own kernels.
  op.algorithm = row.at("algorithm") == "nccl" ? "nccl" : "auto";
  return op;
}

std::unique_ptr<Processor> family_of(const System& system) {
  ProcessorRegistry families("processor family");
  register_builtin_processors(families);
  return families.find(system.chip().family).make();
}

TEST(MeasuredRows, KernelsAgainstPublishedTables) {
  ScheduleClock clock;
  Residuals residuals;
  for (const Row& row : read_rows("measured_kernels.csv")) {
    const System system = read_system("8x" + row.at("chip"));
    const Program program = family_of(system)->lower_kernel(kernel_of(row), system, {});
    const double measured = std::stod(row.at("measured_us"));
    std::string set = row.at("chip") + " " + row.at("kernel") + " " + row.at("format");
    if (row.at("kernel") == "all_reduce") {
      set = row.at("chip") + " all_reduce " + row.at("algorithm");
    }
    residuals.add(set, 1e6 * clock.run(program).time.value, measured);
    EXPECT_LE(1e6 * bound_time(program).time.value, 1.02 * measured) << set << " m = " << row.at("m");
  }
  residuals.check();
}

// A system whose sampler sorts only if the model's sampling settings make it.
System system_for(const Row& row) {
  System system = read_system(row.at("chips") + "x" + row.at("chip").substr(0, row.at("chip").find('_')));
  std::map<std::string, Fact>& facts = system.pools.front().chip.facts;
  if (row.at("chip") == "a100_40gb") {  // NVIDIA A100 40GB SXM datasheet
    facts.at("hbm.capacity").value = 40e9;
    facts.at("hbm.bandwidth").value = 1.555e12;
  }
  if (row.at("sampling") == "plain") {
    Fact& rate = facts.at("kernel.sort_rate");
    rate.value = *rate.high;
  }
  return system;
}

TEST(MeasuredRows, DecodeStepsAgainstPublishedServing) {
  ScheduleClock clock;
  Residuals times, powers;
  std::map<std::string, Model> models;
  for (const Row& row : read_rows("measured_decode_steps.csv")) {
    const System system = system_for(row);
    const std::string& name = row.at("model");
    const Model& model = models.count(name) > 0 ? models.at(name) : models[name] = read_model(name);
    const std::int64_t batch = std::stoll(row.at("batch")), prompt = std::stoll(row.at("prompt")),
                       output = std::stoll(row.at("output"));
    Need need;
    need.sequences = batch;
    need.context = prompt + output;
    need.step_tokens = batch;
    const std::unique_ptr<Processor> family = family_of(system);
    Placement placement = family->place(model, system, parse_plan(row.at("plan")), need);
    const auto placed = family->load(model, system, placement, {});
    const auto ledger = [&](std::int64_t new_tokens, std::int64_t past) {
      Step step;
      step.slices = {{batch, new_tokens, past}};
      Program program;
      placed->lower(step, program);
      return make_ledger(program, clock);
    };
    const Ledger decode = ledger(1, prompt + output / 2);
    double predicted = 1e3 * decode.time.value;
    if (row.at("quantity") == "e2e_s") {
      predicted = (ledger(prompt, 0).time + static_cast<double>(output - 1) * decode.time).value;
    }
    const std::string set = row.at("chip") + " " + name + " x" + row.at("chips");
    times.add(row.at("chip"), predicted, std::stod(row.at("measured")));
    std::printf("%-32s batch %5s: %8.2f measured %8.2f %+6.1f %%\n", set.c_str(), row.at("batch").c_str(),
                predicted, std::stod(row.at("measured")),
                100 * (predicted / std::stod(row.at("measured")) - 1));
    if (!row.at("watts").empty()) {
      powers.add(row.at("chip") + " power", decode.energy().value / decode.time.value,
                 std::stod(row.at("watts")));
    }
  }
  times.check();
  powers.check();
}

}  // namespace
}  // namespace memwall
