#include "memwall/model/layer_builder.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace memwall {

void OperatorList::add(std::string name, OpRole role, TensorSplit split, const OpShape& shape) {
  operators_.push_back({std::move(name), role, split, shape});
}

void OperatorList::linear(const std::string& fused_name, OpRole role, TensorSplit split,
                          std::int64_t input_width, const std::vector<Projection>& projections) {
  const GemmFormats first = formats_of(projections.front().module);
  const bool alike = std::all_of(projections.begin(), projections.end(), [&](const Projection& projection) {
    return formats_of(projection.module) == first && projection.bias == projections.front().bias;
  });
  if (alike) {
    std::int64_t width = 0;
    for (const Projection& projection : projections) {
      width += projection.width;
    }
    add(fused_name, role, split,
        Linear{width, input_width, first.weight, first.activation, projections.front().bias, false});
    return;
  }
  for (const Projection& projection : projections) {
    const GemmFormats formats = formats_of(projection.module);
    add(projection.name, role, split,
        Linear{projection.width, input_width, formats.weight, formats.activation, projection.bias, false});
  }
}

void add_norm(OperatorList& ops, const std::string& name, OpRole role, std::int64_t hidden) {
  ops.add(name, role, TensorSplit::replicated, Norm{hidden, 1, false});
}

void add_residual(OperatorList& ops, const std::string& name, OpRole role, std::int64_t hidden) {
  ops.add(name, role, TensorSplit::replicated, ResidualAdd{hidden});
}

void add_grouped_attention(OperatorList& ops, const GroupedAttention& attention) {
  constexpr OpRole kRole = OpRole::attention;
  const std::int64_t q = attention.heads * attention.head_dim;
  const std::int64_t kv = attention.kv_heads * attention.head_dim;
  ops.linear("qkv", kRole, TensorSplit::columns, attention.hidden,
             {{"q", "self_attn.q_proj", q, attention.qkv_bias},
              {"k", "self_attn.k_proj", kv, attention.qkv_bias},
              {"v", "self_attn.v_proj", kv, attention.qkv_bias}});
  if (attention.qk_norm) {
    ops.add("q_norm", kRole, TensorSplit::heads, Norm{attention.head_dim, attention.heads, false});
    ops.add("k_norm", kRole, TensorSplit::heads, Norm{attention.head_dim, attention.kv_heads, false});
  }
  ops.add("rope", kRole, TensorSplit::heads, Rope{attention.heads + attention.kv_heads, attention.head_dim});
  Attention core;
  core.heads = attention.heads;
  core.kv_heads = attention.kv_heads;
  core.qk_dim = core.v_dim = attention.head_dim;
  core.window = attention.window;
  core.sinks = attention.sinks;
  core.kv = attention.kv;
  ops.add("attention", kRole, TensorSplit::heads, core);
  ops.linear("o", kRole, TensorSplit::rows, q,
             {{"o", "self_attn.o_proj", attention.hidden, attention.o_bias}});
}

void add_gated_mlp(OperatorList& ops, const GatedMlp& mlp) {
  constexpr OpRole kRole = OpRole::ffn;
  ops.linear(mlp.name + "gate_up", kRole, TensorSplit::columns, mlp.hidden,
             {{mlp.name + "gate", mlp.module + "gate_proj", mlp.intermediate, mlp.bias},
              {mlp.name + "up", mlp.module + "up_proj", mlp.intermediate, mlp.bias}});
  ops.add(mlp.name + "activation", kRole, TensorSplit::columns, Activation{mlp.intermediate, true});
  ops.linear(mlp.name + "down", kRole, TensorSplit::rows, mlp.intermediate,
             {{mlp.name + "down", mlp.module + "down_proj", mlp.hidden, mlp.bias}});
}

void add_routed_experts(OperatorList& ops, const RoutedExperts& experts) {
  constexpr OpRole kRole = OpRole::ffn;
  ops.linear("router", kRole, TensorSplit::replicated, experts.hidden,
             {{"router", experts.module + experts.router, experts.num_experts, experts.router_bias}});
  Experts shape;
  shape.num_experts = experts.num_experts;
  shape.experts_per_token = experts.experts_per_token;
  shape.width = experts.hidden;
  shape.intermediate = experts.intermediate;
  shape.bias = experts.expert_bias;
  // Expert 0 stands for all; of matrices stored differently, the format nearest to their average.
  const std::string prefix = experts.module + "experts.0.";
  const GemmFormats candidates[] = {ops.formats_of(prefix + experts.gate),
                                    ops.formats_of(prefix + experts.up),
                                    ops.formats_of(prefix + experts.down)};
  double average = 0;
  for (const GemmFormats& candidate : candidates) {
    average += info(candidate.weight).bits / static_cast<double>(std::size(candidates));
  }
  const GemmFormats* nearest = std::min_element(
      std::begin(candidates), std::end(candidates), [&](const GemmFormats& a, const GemmFormats& b) {
        return std::abs(info(a.weight).bits - average) < std::abs(info(b.weight).bits - average);
      });
  shape.weight = nearest->weight;
  shape.activation = nearest->activation;
  ops.add("experts", kRole, TensorSplit::rows, shape);
}

namespace {

bool same(const Layer& a, const Layer& b) { return a.kind == b.kind && a.operators == b.operators; }

// How many layers from `begin` on repeat the `period` layers that start there, in whole periods.
std::size_t covered(const std::vector<Layer>& layers, std::size_t begin, std::size_t period) {
  std::size_t end = begin + period;
  while (end < layers.size() && same(layers[end], layers[end - period])) {
    ++end;
  }
  return (end - begin) / period * period;
}

std::string group_name(const std::vector<Layer>& layers, std::size_t begin, std::size_t period,
                       std::set<std::string>& taken) {
  std::vector<std::string> kinds;
  for (std::size_t i = begin; i < begin + period; ++i) {
    if (std::find(kinds.begin(), kinds.end(), layers[i].kind) == kinds.end()) {
      kinds.push_back(layers[i].kind);
    }
  }
  std::string name;
  for (const std::string& kind : kinds) {
    name += (name.empty() ? "" : "_") + kind;
  }
  std::string distinct = name;
  for (int number = 2; !taken.insert(distinct).second; ++number) {
    distinct = name + "_" + std::to_string(number);
  }
  return distinct;
}

}  // namespace

std::vector<LayerGroup> group_layers(std::vector<Layer> layers) {
  constexpr std::size_t kLongestPeriod = 8;  // Gemma 3 has 6
  std::vector<LayerGroup> groups;
  std::set<std::string> names;
  for (std::size_t begin = 0; begin < layers.size();) {
    std::size_t period = 1, length = covered(layers, begin, 1);
    for (std::size_t longer = 2; longer <= kLongestPeriod && begin + 2 * longer <= layers.size(); ++longer) {
      const std::size_t reach = covered(layers, begin, longer);
      if (reach >= 2 * longer && reach > length) {
        period = longer;
        length = reach;
      }
    }
    LayerGroup group;
    group.name = group_name(layers, begin, period, names);
    group.repeat = static_cast<std::int64_t>(length / period);
    group.layers_per_repeat = static_cast<std::int64_t>(period);
    for (std::size_t i = 0; i < period; ++i) {
      for (Operator& op : layers[begin + i].operators) {
        op.name += period > 1 ? "." + std::to_string(i) : "";
        group.operators.push_back(std::move(op));
      }
    }
    groups.push_back(std::move(group));
    begin += length;
  }
  return groups;
}

void add_ends(Model& model, const WeightFormats& formats, bool tied) {
  OperatorList prologue(formats, "model.");
  prologue.add("embed", OpRole::embed, TensorSplit::rows,
               Embedding{model.vocab_size, model.hidden_size, 0, prologue.formats_of("embed_tokens").weight});
  model.prologue = prologue.take();

  OperatorList epilogue(formats, "");
  add_norm(epilogue, "final_norm", OpRole::head, model.hidden_size);
  const GemmFormats head = epilogue.formats_of(tied ? "model.embed_tokens" : "lm_head");
  epilogue.add("head", OpRole::head, TensorSplit::columns,
               Linear{model.vocab_size, model.hidden_size, head.weight, head.activation, false, tied});
  epilogue.add("sampler", OpRole::head, TensorSplit::replicated, Sampler{model.vocab_size});
  model.epilogue = epilogue.take();
}

}  // namespace memwall
