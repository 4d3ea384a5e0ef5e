#include "memwall/processors/systolic/array_cycles.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace memwall {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }
std::int64_t ceil_div(std::int64_t amount, std::int64_t parts) { return (amount + parts - 1) / parts; }

// The GEMM as the array sees it: extents on rows and columns, and vectors that stream.
struct Mapping {
  std::int64_t on_rows, on_columns, streamed;
};
Mapping map_gemm(Dataflow dataflow, const ProductShape& gemm) {
  switch (dataflow) {
    case Dataflow::weight_stationary:
      return {gemm.k, gemm.n, gemm.m};
    case Dataflow::input_stationary:
      return {gemm.k, gemm.m, gemm.n};
    case Dataflow::output_stationary:
      return {gemm.m, gemm.n, gemm.k};
  }
  return {};
}

// Words that pass each kind of port, useful ones only: the padding of edge tiles is not fetched.
void count_words(Dataflow dataflow, const ProductShape& gemm, std::int64_t row_folds,
                 std::int64_t column_folds, std::int64_t cuts, ArrayCycles& result) {
  const double batch = real(gemm.batch), m = real(gemm.m), n = real(gemm.n), k = real(gemm.k);
  switch (dataflow) {
    case Dataflow::weight_stationary:
      result.weight_words = batch * k * n * real(cuts);
      result.activation_words = batch * m * k * real(column_folds);
      result.sum_words = batch * m * n * real(row_folds);
      return;
    case Dataflow::input_stationary:
      result.weight_words = batch * k * n * real(column_folds);
      result.activation_words = batch * m * k * real(cuts);
      result.sum_words = batch * m * n * real(row_folds);
      return;
    case Dataflow::output_stationary:
      result.weight_words = batch * k * n * real(row_folds);
      result.activation_words = batch * m * k * real(column_folds);
      result.sum_words = batch * m * n * real(cuts);
      return;
  }
}

double port_cycles(double words, double width, std::int64_t arrays) {
  return width > 0 ? words / (width * real(arrays)) : 0;
}

}  // namespace

std::string_view name(Dataflow dataflow) {
  switch (dataflow) {
    case Dataflow::weight_stationary:
      return "weight stationary";
    case Dataflow::input_stationary:
      return "input stationary";
    case Dataflow::output_stationary:
      return "output stationary";
  }
  return "";
}

std::int64_t fold_cycles(Dataflow dataflow, std::int64_t rows, std::int64_t columns, std::int64_t streamed) {
  return (dataflow == Dataflow::output_stationary ? 0 : rows) + rows + columns + streamed - 2;
}

ArrayCycles gemm_cycles(const ArrayShape& array, const Split& split, Dataflow dataflow,
                        const ProductShape& gemm) {
  assert(array.rows % split.row_parts == 0 && array.columns % split.column_parts == 0);
  const std::int64_t rows = array.rows / split.row_parts, columns = array.columns / split.column_parts;
  const std::int64_t parts = array.count * split.parts();
  const Mapping map = map_gemm(dataflow, gemm);
  const std::int64_t row_folds = ceil_div(map.on_rows, rows),
                     column_folds = ceil_div(map.on_columns, columns);
  // Whole numbers, exact below 2^53; the largest shapes would not fit an integer.
  const double tiles = real(gemm.batch) * real(row_folds) * real(column_folds);
  const auto most_cuts = static_cast<std::int64_t>(std::max(1.0, std::floor(real(parts) / tiles)));
  const std::int64_t streamed = ceil_div(map.streamed, std::min(most_cuts, map.streamed));
  const std::int64_t cuts = ceil_div(map.streamed, streamed);  // equal ones, the last perhaps shorter

  ArrayCycles result;
  result.folds = tiles * real(cuts);
  result.rounds = std::ceil(result.folds / real(parts));
  count_words(dataflow, gemm, row_folds, column_folds, cuts, result);

  // What a port takes per fold, spread evenly over the rounds.
  const double rounds = result.rounds;
  const double weights = port_cycles(result.weight_words, array.ports.weights, array.count) / rounds;
  const double activations =
      port_cycles(result.activation_words, array.ports.activations, array.count) / rounds;
  const double sums = port_cycles(result.sum_words, array.ports.sums, array.count) / rounds;
  const bool stays = dataflow == Dataflow::output_stationary;
  const double held = dataflow == Dataflow::input_stationary ? activations : weights;
  const double passing = dataflow == Dataflow::input_stationary ? weights : activations;

  const double load = stays ? 0 : std::max(real(rows), held);
  const double supply = std::max({stays ? weights : 0.0, passing, sums});  // of what streams
  const double stream = std::max(real(rows + columns + streamed - 2), supply);
  const double pace = std::max({load, real(streamed), supply});
  result.cycles =
      array.double_buffered && !stays ? load + (rounds - 1) * pace + stream : rounds * (load + stream);
  result.utilization =
      gemm.macs() / (real(array.count) * real(array.rows) * real(array.columns) * result.cycles);
  const double port = std::max({weights, activations, sums});
  const double inside = std::max(stays ? 0.0 : real(rows), real(streamed));
  if (port > inside) {
    result.limit = port == weights ? "weight port" : port == activations ? "activation port" : "sum port";
  } else {
    result.limit = real(streamed) >= inside ? "stream" : "load";
  }
  return result;
}

}  // namespace memwall
