#include "memwall/processors/wafer/operator_cost.h"

#include <algorithm>
#include <cmath>
#include <variant>

namespace memwall {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }
double ceil_div(double amount, double parts) { return std::ceil(amount / parts); }

// Tensor instructions beside multiply-accumulates, as WaferLLM's programs have them.
constexpr double kNormInstructions = 4;     // square, sum, gain, scale
constexpr double kNormSpecials = 3;         // division, square root, reciprocal
constexpr double kRopeInstructions = 6;     // per half: four products, a difference and a sum
constexpr double kSoftmaxInstructions = 5;  // scale, maximum, difference, sum, scale
constexpr double kActivationSpecials = 2;   // exponential, reciprocal
constexpr double kGateInstructions = 2;     // product with the sigmoid, product with the other half
constexpr double kSumsOfSoftmax = 2;        // maximum and sum, one all-reduce each

MeshCycles specials(double count, const MeshTiming& timing) { return {0, 0, count * timing.special}; }

double cached_context(const Attention& shape, double context) {
  return shape.window > 0 ? std::min(context, real(shape.window)) : context;
}

class DecodeVisitor {
 public:
  DecodeVisitor(const Operator& op, const DecodeLoad& load, const MeshTiming& timing, Grid grid,
                Collective collective, Along& at)
      : tokens_(op.role == OpRole::head ? load.sequences : load.tokens),
        context_(load.context),
        timing_(timing),
        grid_(grid),
        collective_(collective),
        at_(at) {}

  // The token's number goes to every core; the rows of the table are anywhere.
  RegionCost operator()(const Embedding& shape) const {
    RegionCost cost;
    cost.cycles = broadcast(grid_.rows, tokens_ * ceil_div(real(shape.width), grid_.rows), timing_) +
                  broadcast(grid_.columns, tokens_ * ceil_div(real(shape.width), grid_.rows), timing_);
    cost.useful_fabric = grid_.rows + grid_.columns - 2;
    return cost;
  }
  RegionCost operator()(const Norm& shape) const {
    const double length = ceil_div(real(shape.width * shape.groups), line());
    const double sums = ceil_div(real(shape.groups), line());
    RegionCost cost = reduce(line(), tokens_ * sums);
    cost.cycles += vector_ops(kNormInstructions, tokens_ * length, timing_) +
                   specials(kNormSpecials * tokens_ * sums, timing_);
    return cost;
  }
  RegionCost operator()(const Linear& shape) const { return product(real(shape.k), real(shape.n), 1); }
  RegionCost operator()(const Rope& shape) const {
    const double half = ceil_div(real(shape.heads * shape.dim), 2 * line());
    return {2 * vector_ops(kRopeInstructions, tokens_ * half, timing_), 0, 0};
  }
  RegionCost operator()(const Attention& shape) const {
    const CacheShape cache = cache_shape(shape);
    const double context = cached_context(shape, context_);
    const double keys = ceil_div(context, grid_.rows), queries = tokens_ * cache.queries_per_head;
    const double key_width = ceil_div(cache.kv_heads * cache.key_width, grid_.columns);
    const double value_width = ceil_div(cache.kv_heads * cache.value_width, grid_.columns);
    const int segment = std::max(1, static_cast<int>(grid_.columns / cache.kv_heads));

    // Both products along whichever is longer, the cached tokens or the width.
    RegionCost cost = reduce(segment, queries * keys);
    cost += reduce(grid_.rows, queries * value_width);
    cost.cycles += shorter_loop(queries * key_width, keys, queries * keys, key_width);
    cost.cycles += shorter_loop(queries * keys, value_width, queries * value_width, keys);
    for (double i = 0; i < kSumsOfSoftmax; ++i) {
      cost += reduce(grid_.rows, queries);
    }
    cost.cycles += vector_ops(kSoftmaxInstructions, queries * keys, timing_) +
                   specials(queries * keys + queries, timing_) +
                   kv_shift(tokens_ * ceil_div(cache.values_per_token, grid_.columns), timing_);
    cost.useful_compute = compute(tokens_ * context * cache.kv_heads * cache.queries_per_head *
                                  (cache.key_width + cache.value_width));
    at_ = Along::columns;
    return cost;
  }
  RegionCost operator()(const Activation& shape) const {
    const double length = tokens_ * ceil_div(real(shape.width), line());
    return {vector_ops(shape.gated ? kGateInstructions : 1, length, timing_) +
                specials(kActivationSpecials * length, timing_),
            0, 0};
  }
  RegionCost operator()(const ResidualAdd& shape) const {
    RegionCost cost;
    if (at_ == Along::columns) {  // back to where the stream lies: over the diagonal and along the rows
      cost.cycles = broadcast(std::max(grid_.rows, grid_.columns),
                              tokens_ * ceil_div(real(shape.width), grid_.columns), timing_);
      at_ = Along::rows;
    }
    cost.cycles += vector_ops(1, tokens_ * ceil_div(real(shape.width), line()), timing_);
    return cost;
  }
  RegionCost operator()(const Experts& shape) const {
    const double chosen = real(shape.experts_per_token);
    RegionCost cost;
    // Every core sees all scores and picks for itself.
    cost.cycles = broadcast(line(), tokens_ * real(shape.num_experts), timing_) +
                  vector_ops(tokens_ * chosen, real(shape.num_experts), timing_);
    if (at_ == Along::columns) {  // the router's scores lie there; the token itself is still along the rows
      at_ = Along::rows;
    }
    cost += product(real(shape.width), (shape.gated ? 2 : 1) * real(shape.intermediate), chosen);
    cost += (*this)(Activation{shape.intermediate * shape.experts_per_token, shape.gated});
    // The experts' sums are added in place: one reduction.
    const double inputs = ceil_div(real(shape.intermediate), line());
    const double outputs = ceil_div(real(shape.width), other_line());
    cost.cycles += mac_loop(tokens_ * chosen * inputs, outputs, timing_);
    cost += reduce(line(), tokens_ * outputs);
    cost.useful_compute += compute(tokens_ * chosen * real(shape.intermediate * shape.width));
    flip();
    return cost;
  }
  RegionCost operator()(const Sampler& shape) const {
    RegionCost cost = reduce(line(), 2 * tokens_);  // the largest logit and where it is
    cost.cycles += vector_ops(1, tokens_ * ceil_div(real(shape.vocab), line()), timing_);
    return cost;
  }

 private:
  int line() const { return at_ == Along::rows ? grid_.rows : grid_.columns; }
  int other_line() const { return at_ == Along::rows ? grid_.columns : grid_.rows; }
  void flip() const { at_ = at_ == Along::rows ? Along::columns : Along::rows; }
  double compute(double macs) const { return macs / grid_.cores() / timing_.simd; }

  RegionCost reduce(int cores, double values) const {
    RegionCost cost;
    cost.cycles = all_reduce(cores, values, collective_, timing_);
    cost.useful_fabric = cores - 1;
    return cost;
  }
  MeshCycles shorter_loop(double count_a, double length_a, double count_b, double length_b) const {
    const MeshCycles a = mac_loop(count_a, length_a, timing_), b = mac_loop(count_b, length_b, timing_);
    return a.total() <= b.total() ? a : b;
  }
  // `copies` different matrices of this shape for every token.
  RegionCost product(double k, double n, double copies) const {
    RegionCost cost;
    cost.cycles =
        copies == 1
            ? mesh_gemv(tokens_, k, n, line(), other_line(), collective_, timing_)
            : mac_loop(tokens_ * copies * ceil_div(k, line()), ceil_div(n, other_line()), timing_) +
                  all_reduce(line(), tokens_ * copies * ceil_div(n, other_line()), collective_, timing_);
    cost.cycles +=
        vector_ops(1, tokens_ * copies * ceil_div(n, other_line()), timing_);  // sums start at zero
    cost.useful_compute = compute(tokens_ * copies * k * n);
    cost.useful_fabric = line() - 1;
    flip();
    return cost;
  }

  double tokens_, context_;
  const MeshTiming& timing_;
  Grid grid_;
  Collective collective_;
  Along& at_;
};

class PrefillVisitor {
 public:
  PrefillVisitor(const Operator& op, const PrefillLoad& load, const MeshTiming& timing, int side,
                 Collective collective)
      : load_(load),
        tokens_(op.role == OpRole::head ? 1 : load.tokens),
        rows_(ceil_div(tokens_, side)),
        timing_(timing),
        side_(side),
        collective_(collective) {}

  RegionCost operator()(const Embedding& shape) const {
    RegionCost cost;
    cost.cycles = broadcast(side_, rows_ * width(shape.width), timing_);
    cost.useful_fabric = side_ - 1;
    return cost;
  }
  RegionCost operator()(const Norm& shape) const {
    const double length = rows_ * width(shape.width * shape.groups);
    const double sums = rows_ * width(shape.groups);
    RegionCost cost = reduce(side_, sums);
    cost.cycles += vector_ops(kNormInstructions, length, timing_) + specials(kNormSpecials * sums, timing_);
    return cost;
  }
  RegionCost operator()(const Linear& shape) const { return product(tokens_, real(shape.k), real(shape.n)); }
  RegionCost operator()(const Rope& shape) const {
    return {2 * vector_ops(kRopeInstructions, rows_ * ceil_div(real(shape.heads * shape.dim), 2 * side_),
                           timing_),
            0, 0};
  }
  RegionCost operator()(const Attention& shape) const {
    // Keys and values are repeated for every query head, so that each column works for one head.
    const double heads = real(shape.heads);
    const double context = cached_context(shape, load_.context) + (shape.window > 0 ? tokens_ : 0);
    const double seen = std::min(context, load_.context);
    const int segment = std::max(1, static_cast<int>(side_ / heads));
    const double per_head = std::max(1.0, ceil_div(heads, side_));

    const double part = ceil_div(rows_, load_.score_parts), parts = ceil_div(rows_, part);
    RegionCost cost;
    cost.cycles =
        parts * (transposed_gemm(part * side_, heads * real(shape.qk_dim), seen, side_, heads, timing_) +
                 aligned_gemm(part * side_, seen, heads * real(shape.v_dim), side_, timing_));
    const double held = ceil_div(tokens_ * seen * heads, real(std::int64_t{side_} * side_));
    cost.cycles += vector_ops(kSoftmaxInstructions, held, timing_) + specials(held, timing_);
    for (double i = 0; i < kSumsOfSoftmax; ++i) {
      cost += reduce(segment, rows_ * per_head);
    }
    cost.cycles += kv_shift(
        ceil_div(tokens_ * cache_shape(shape).values_per_token, real(std::int64_t{side_} * side_)), timing_);
    cost.useful_compute =
        compute(tokens_ * std::min(load_.attended, seen) * heads * real(shape.qk_dim + shape.v_dim));
    return cost;
  }
  RegionCost operator()(const Activation& shape) const {
    const double length = rows_ * width(shape.width);
    return {vector_ops(shape.gated ? kGateInstructions : 1, length, timing_) +
                specials(kActivationSpecials * length, timing_),
            0, 0};
  }
  RegionCost operator()(const ResidualAdd& shape) const {
    return {vector_ops(1, rows_ * width(shape.width), timing_), 0, 0};
  }
  // Tokens that chose an expert are gathered; each expert is a product over its share of them.
  RegionCost operator()(const Experts& shape) const {
    const double pairs = tokens_ * real(shape.experts_per_token);
    const double experts = std::min(pairs, real(shape.num_experts));
    const double each = ceil_div(pairs, experts);
    RegionCost cost;
    cost.cycles = vector_ops(rows_ * real(shape.experts_per_token), real(shape.num_experts), timing_);
    const RegionCost first =
        product(each, real(shape.width), (shape.gated ? 2 : 1) * real(shape.intermediate));
    const RegionCost second = product(each, real(shape.intermediate), real(shape.width));
    cost.cycles += experts * (first.cycles + second.cycles);
    cost.useful_compute = compute(pairs * real(shape.values_per_expert()));
    cost.useful_fabric = first.useful_fabric + second.useful_fabric;
    cost.cycles +=
        specials(kActivationSpecials * ceil_div(pairs, side_) * width(shape.intermediate), timing_);
    return cost;
  }
  RegionCost operator()(const Sampler& shape) const {
    RegionCost cost = reduce(side_, 2);
    cost.cycles += vector_ops(1, width(shape.vocab), timing_);
    return cost;
  }

 private:
  double width(std::int64_t values) const { return ceil_div(real(values), side_); }
  double compute(double macs) const { return macs / (static_cast<double>(side_) * side_) / timing_.simd; }
  RegionCost reduce(int cores, double values) const {
    RegionCost cost;
    cost.cycles = all_reduce(cores, values, collective_, timing_);
    cost.useful_fabric = cores - 1;
    return cost;
  }
  // As a MeshGEMM, or token after token as in decode when there are too few to fill the rows.
  RegionCost product(double m, double k, double n) const {
    MeshCycles best = mesh_gemm(m, k, n, side_, timing_);
    if (m <= side_) {
      const MeshCycles gemv = mesh_gemv(m, k, n, side_, side_, collective_, timing_);
      best = gemv.total() < best.total() ? gemv : best;
    }
    RegionCost cost;
    cost.cycles = best;
    cost.useful_compute = compute(m * k * n);
    cost.useful_fabric = side_ - 1;
    return cost;
  }

  const PrefillLoad& load_;
  double tokens_, rows_;
  const MeshTiming& timing_;
  int side_;
  Collective collective_;
};

}  // namespace

RegionCost& RegionCost::operator+=(const RegionCost& other) {
  cycles += other.cycles;
  useful_compute += other.useful_compute;
  useful_fabric += other.useful_fabric;
  return *this;
}

CacheShape cache_shape(const Attention& shape) {
  CacheShape cache;
  cache.values_per_token = real(shape.kv_values_per_token());
  if (shape.is_latent()) {
    cache.queries_per_head = real(shape.heads);
    cache.key_width = real(shape.latent + shape.rope_dim);
    cache.value_width = real(shape.latent);
  } else {
    cache.kv_heads = real(shape.kv_heads);
    cache.queries_per_head = real(shape.heads) / cache.kv_heads;
    cache.key_width = real(shape.qk_dim);
    cache.value_width = real(shape.v_dim);
  }
  return cache;
}

RegionCost RegionModel::decode(const Operator& op, const DecodeLoad& load, Along& at) const {
  return std::visit(DecodeVisitor(op, load, timing_, decode_, collective_, at), op.shape);
}

RegionCost RegionModel::prefill(const Operator& op, const PrefillLoad& load) const {
  return std::visit(PrefillVisitor(op, load, timing_, prefill_.rows, collective_), op.shape);
}

RegionCost RegionModel::hand_over(double tokens, double width, Grid grid) const {
  RegionCost cost;
  cost.cycles = broadcast(grid.columns + 1, tokens * ceil_div(width, grid.rows), timing_);
  cost.useful_fabric = grid.columns;
  return cost;
}

}  // namespace memwall
