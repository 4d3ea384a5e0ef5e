// shard.h - one chip's part of an operator under tensor parallelism.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "memwall/model/model.h"

namespace memwall {

// Heads of `kv_heads` that one of tp chips holds: replicated when there are fewer heads than chips.
inline double kv_heads_per_chip(std::int64_t kv_heads, int tp) {
  return std::max(1.0, static_cast<double>(kv_heads) / tp);
}

// Output features of a Linear on one chip. `attention` is the one that it feeds, or null: projections to keys
// and values shrink no further than to one KV head.
inline double columns_per_chip(const Operator& op, const Attention* attention, int tp) {
  const Linear& linear = std::get<Linear>(op.shape);
  const double n = static_cast<double>(linear.n);
  if (op.split != TensorSplit::columns) {
    return n;
  }
  if (attention == nullptr || attention->is_latent() || attention->kv_heads >= tp) {
    return n / tp;
  }
  const double kv_width = static_cast<double>(attention->qk_dim + attention->v_dim);
  const double q = static_cast<double>(attention->heads * attention->qk_dim);
  const double kv = static_cast<double>(attention->kv_heads) * kv_width;
  if (n == q + kv) {
    return q / tp + kv_width;
  }
  const bool key_or_value = n * 2 == kv;
  return key_or_value ? kv_width / 2 : n / tp;
}

// The attention that an operator feeds: the next one of the list, if the operator belongs to attention.
inline const Attention* fed_attention(const std::vector<Operator>& operators, std::size_t index) {
  if (operators[index].role != OpRole::attention) {
    return nullptr;
  }
  for (std::size_t i = index + 1; i < operators.size(); ++i) {
    if (const Attention* attention = std::get_if<Attention>(&operators[i].shape)) {
      return attention;
    }
  }
  return nullptr;
}

}  // namespace memwall
