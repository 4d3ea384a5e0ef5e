#include "memwall/processors/transformer_asic/work.h"

#include <algorithm>
#include <cmath>

#include "memwall/processors/shard.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;

std::int64_t whole(double count) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(count)));
}

bool is_wide(Format activation) {
  return info(activation).arithmetic != Format::fp8 && info(activation).bits > 8;
}

// Operations that all cells would have done while the arrays are held.
double held_ops(const AsicCard& card, double cycles) {
  return kOpsPerMac * static_cast<double>(card.arrays * card.array.rows * card.array.columns) * cycles;
}

std::int32_t index(AsicUnit unit) { return static_cast<std::int32_t>(unit); }

void link_to(Task& task, std::int32_t predecessor) {
  if (predecessor >= 0) {
    add_predecessor(task, predecessor);
  }
}

}  // namespace

std::vector<Resource> asic_resources(const AsicCard& card) {
  const double cycle = 1 / card.clock.value;
  const double wide = card.wide_cycles > 0 ? card.wide_cycles : 1;
  return {delay_resource("fill", 1 / cycle, Category::arithmetic),
          delay_resource("pointwise_latency", 1 / (cycle * std::max(card.pointwise_cycles, 1.0)),
                         Category::arithmetic),
          delay_resource("hop", 1 / card.link_latency.value, Category::communication),
          delay_resource("control", 1 / (card.control > Seconds(0) ? card.control.value : cycle),
                         Category::overhead),
          queue_resource("arrays.fp8", Amount::ops, card.peak().value, 1, Joules(card.narrow_energy.value),
                         Category::arithmetic),
          queue_resource("arrays.bf16", Amount::ops, card.peak().value / wide, 1,
                         Joules(card.wide_energy.value), Category::arithmetic),
          queue_resource("softmax", Amount::ops, card.exps_per_cycle * card.clock.value, 1,
                         Joules(card.vector_energy.value), Category::arithmetic),
          queue_resource("pointwise", Amount::ops, card.values_per_cycle * card.clock.value, 1,
                         Joules(card.vector_energy.value), Category::arithmetic),
          queue_resource("hbm", Amount::bytes, card.hbm_bandwidth.value, card.hbm_achieved,
                         Joules(card.hbm_energy.value), Category::weights),
          queue_resource("link", Amount::bytes, card.link_bandwidth.value, 1, Joules(card.link_energy.value),
                         Category::communication)};
}

AsicWork matrix_work(const AsicCard& card, double m, double n, double k, Format activation,
                     double weight_bytes, double times) {
  AsicWork work;
  work.is_wide = is_wide(activation);
  work.useful_ops = kOpsPerMac * m * n * k * times;
  ArrayPlan plan = plan_gemm(card.array, card.arrays, whole(m), whole(k), whole(n));
  if (times > 1) {  // one long list of folds
    const double folds = std::ceil(k / static_cast<double>(card.array.rows)) *
                         std::ceil(n / static_cast<double>(card.array.columns)) * times;
    plan.folds = whole(folds / static_cast<double>(card.arrays));
    plan.m = whole(m);
  }
  work.charged_ops = std::max(work.useful_ops, held_ops(card, static_cast<double>(plan.busy())));
  work.weights = weight_bytes;
  return work;
}

AsicWork attention_work(const AsicCard& card, const Attention& shape, const std::vector<Slice>& slices,
                        int tp) {
  AsicWork work;
  work.is_wide = is_wide(shape.activation);
  const double heads = static_cast<double>(shape.heads) / tp;
  const double kv_heads = shape.is_latent() ? 1 : kv_heads_per_chip(shape.kv_heads, tp);
  const double group = heads / kv_heads;  // query heads that share keys
  const double qk = static_cast<double>(shape.is_latent() ? shape.latent + shape.rope_dim : shape.qk_dim);
  const double v = static_cast<double>(shape.is_latent() ? shape.latent : shape.v_dim);
  const double rows = static_cast<double>(card.array.rows), columns = static_cast<double>(card.array.columns);
  double cycles = 0;  // of folds, all arrays' together
  for (const Slice& slice : slices) {
    const double count = static_cast<double>(slice.count), fresh = static_cast<double>(slice.new_tokens);
    const double past = static_cast<double>(slice.past_tokens);
    const double attended = attended_keys(slice, shape.window);
    work.useful_ops += kOpsPerMac * attended * heads * (qk + v);
    work.exps += attended * heads;
    const double context = past + fresh;
    const double seen =
        shape.window > 0 ? std::min(context, fresh - 1 + static_cast<double>(shape.window)) : context;
    // Blocks of keys as wide as the array; of each, the new tokens that see any of it.
    for (double key = context - seen; key < context; key += columns) {
      const double first = std::max(0.0, key - past);
      const double window_end =
          shape.window > 0 ? key + columns - 1 + static_cast<double>(shape.window) - past : fresh;
      const double m = group * std::max(1.0, std::min(fresh, window_end) - first);
      const double width = std::min(columns, context - key);
      const double scores = std::ceil(qk / rows) * std::max(m, std::min(qk, rows));
      const double sums =
          std::ceil(width / rows) * std::ceil(v / columns) * std::max(m, std::min(width, rows));
      cycles += count * kv_heads * (scores + sums);
    }
    const double values = shape.is_latent() ? static_cast<double>(shape.latent + shape.rope_dim)
                                            : kv_heads * static_cast<double>(shape.qk_dim + shape.v_dim);
    work.kv_read += count * bytes_of(std::min(seen, context) * values, shape.kv).value;
    work.kv_written += count * bytes_of(fresh * values, shape.kv).value;
  }
  work.charged_ops =
      std::max(work.useful_ops, held_ops(card, std::ceil(cycles / static_cast<double>(card.arrays))));
  return work;
}

AsicWork experts_work(const AsicCard& card, const Operator& op, const Step& step, int tp) {
  const Experts& shape = std::get<Experts>(op.shape);
  const OpWork whole_work = work(op, step);
  const double experts = std::max(1.0, whole_work.distinct_experts);
  const double m = std::ceil(whole_work.m / experts);
  const double width = static_cast<double>(shape.width), inner = static_cast<double>(shape.intermediate) / tp;
  AsicWork up = matrix_work(card, m, (shape.gated ? 2 : 1) * inner, width, shape.activation, 0, experts);
  const AsicWork down = matrix_work(card, m, width, inner, shape.activation, 0, experts);
  up.useful_ops = kOpsPerMac * whole_work.macs / tp;
  up.charged_ops = std::max(up.useful_ops, up.charged_ops + down.charged_ops);
  up.values = whole_work.m * inner;
  up.weights = whole_work.weight_read.value / tp;
  return up;
}

AsicWork pointwise_work(double values) {
  AsicWork work;
  work.values = values;
  return work;
}

AsicWork all_reduce_work(double bytes, int tp) {
  constexpr double kPhases = 2;  // parts out, sums back
  AsicWork work;
  work.link = kPhases * bytes * (tp - 1) / tp;
  work.hops = kPhases;
  return work;
}

void append_work(const AsicCard& card, const AsicWork& work, std::int32_t label, Block& block,
                 AsicCursor& cursor) {
  const auto push = [&block](const Task& task) {
    block.tasks.push_back(task);
    return static_cast<std::int32_t>(block.tasks.size()) - 1;
  };
  const double fetched = work.weights + work.kv_read + work.kv_written;
  if (fetched > 0) {
    Task stream;
    stream.label = label;
    if (work.weights > 0) {
      add_demand(stream, index(AsicUnit::hbm), Category::weights, work.weights, work.weights);
    }
    if (const double kv = work.kv_read + work.kv_written; kv > 0) {
      add_demand(stream, index(AsicUnit::hbm), Category::kv, kv, kv);
    }
    link_to(stream, cursor.stream);
    cursor.stream = push(stream);
  }
  Task task;
  task.label = label;
  const auto spend = [&task](AsicUnit unit, Category category, double useful, double charged) {
    if (charged > 0) {
      add_demand(task, index(unit), category, useful, charged);
    }
  };
  spend(work.is_wide ? AsicUnit::wide : AsicUnit::narrow, Category::arithmetic, work.useful_ops,
        std::max(work.useful_ops, work.charged_ops));
  spend(AsicUnit::softmax, Category::arithmetic, work.exps, work.exps);
  spend(AsicUnit::vector, Category::arithmetic, work.values, work.values);
  spend(AsicUnit::link, Category::communication, work.link, work.link);
  spend(AsicUnit::hop, Category::communication, 0, work.hops);
  if (work.charged_ops > 0) {
    spend(AsicUnit::fill, Category::arithmetic, 0, static_cast<double>(card.array.fill()));
  } else if (work.values > 0) {
    spend(AsicUnit::pointwise_latency, Category::arithmetic, 0, 1);
  }
  if (card.control > Seconds(0)) {
    spend(AsicUnit::control, Category::overhead, 0, 1);
  }
  link_to(task, cursor.last);
  if (fetched > 0) {
    link_to(task, cursor.stream);
  }
  cursor.last = push(task);
}

}  // namespace memwall
