#include "memwall/processors/lpu/shard.h"

#include <algorithm>
#include <cmath>

#include "memwall/processors/shard.h"

namespace memwall {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }

// KV heads are copied where there are fewer of them than chips.
double kv_heads_per_chip(const Attention& attention, int tp) {
  return attention.is_latent() ? 1 : std::ceil(real(attention.kv_heads) / tp);
}

}  // namespace

double columns_per_chip(const std::vector<Operator>& operators, std::size_t index, int tp) {
  const Operator& op = operators[index];
  const Linear& linear = std::get<Linear>(op.shape);
  const double n = real(linear.n);
  if (op.split != TensorSplit::columns) {
    return n;
  }
  const Attention* attention = fed_attention(operators, index);
  if (attention != nullptr && !attention->is_latent()) {
    const double kv_width = real(attention->qk_dim + attention->v_dim);
    if (n == real(attention->heads * attention->qk_dim) + real(attention->kv_heads) * kv_width) {
      return std::ceil(real(attention->heads) / tp) * real(attention->qk_dim) +
             kv_heads_per_chip(*attention, tp) * kv_width;
    }
  }
  return std::ceil(n / tp);
}

double rows_per_chip(const Operator& op, int tp) {
  const double k = real(std::get<Linear>(op.shape).k);
  return op.split == TensorSplit::rows ? std::ceil(k / tp) : k;
}

Bytes lpu_weight_bytes(const std::vector<Operator>& operators, std::size_t index, int tp) {
  const Operator& op = operators[index];
  const Bytes whole = weight_bytes(op);
  if (const Linear* linear = std::get_if<Linear>(&op.shape)) {
    return whole * (columns_per_chip(operators, index, tp) * rows_per_chip(op, tp) /
                    (real(linear->n) * real(linear->k)));
  }
  return op.split == TensorSplit::replicated ? whole : whole / tp;
}

Bytes lpu_kv_bytes(const Operator& op, int tp, double tokens) {
  const Attention* attention = std::get_if<Attention>(&op.shape);
  if (attention == nullptr) {
    return Bytes(0);
  }
  const double kept = attention->window > 0 ? std::min(tokens, real(attention->window)) : tokens;
  const double values = attention->is_latent()
                            ? real(attention->kv_values_per_token())
                            : kv_heads_per_chip(*attention, tp) * real(attention->qk_dim + attention->v_dim);
  return bytes_of(kept * values, attention->kv);
}

LpuStages lpu_stages(const Model& model, const LpuCard& card, const Plan& plan) {
  LpuStages stages;
  stages.runs = layer_runs(model);
  if (plan.pp > 1) {
    Bytes head;
    for (const Operator& op : model.epilogue) {
      if (const Linear* linear = std::get_if<Linear>(&op.shape)) {
        head +=
            bytes_of(real(linear->n) * real(linear->k), linear->weight);  // a tied one needs its table here
      }
    }
    const double needed = std::ceil(head / (card.capacity * card.usable * plan.tp));
    stages.head = static_cast<int>(std::min<double>(needed, plan.pp - 1));
  }
  stages.layers = plan.pp - stages.head;
  return stages;
}

}  // namespace memwall
