// layer_builder.h - the parts that decoder architectures are assembled from.
//
// Names of modules are those of Hugging Face's checkpoints: they are what quantization_config refers to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "memwall/model/model.h"
#include "memwall/model/weight_formats.h"

namespace memwall {

// One of several matrices that share their input.
struct Projection {
  std::string name;    // "q"
  std::string module;  // "self_attn.q_proj"
  std::int64_t width = 0;
  bool bias = false;
};

// Collects the operators of one layer, of the prologue or of the epilogue.
class OperatorList {
 public:
  // prefix: of the module paths, "model.layers.3."
  OperatorList(const WeightFormats& formats, std::string prefix)
      : formats_(&formats), prefix_(std::move(prefix)) {}

  void add(std::string name, OpRole role, TensorSplit split, const OpShape& shape);
  // Projections of the same input: one operator when they are stored alike, else one each.
  void linear(const std::string& fused_name, OpRole role, TensorSplit split, std::int64_t input_width,
              const std::vector<Projection>& projections);
  GemmFormats formats_of(const std::string& module) const { return formats_->of(prefix_ + module); }
  std::vector<Operator> take() { return std::move(operators_); }

 private:
  const WeightFormats* formats_;
  std::string prefix_;
  std::vector<Operator> operators_;
};

// Grouped-query attention with rotary positions, the kind of all but the oldest and the latent models.
struct GroupedAttention {
  std::int64_t hidden = 0, heads = 0, kv_heads = 0, head_dim = 0;
  std::int64_t window = 0;
  bool qkv_bias = false, o_bias = false, qk_norm = false, sinks = false;
  Format kv = Format::bf16;
};
// qkv, q_norm and k_norm, rope, attention, o.
void add_grouped_attention(OperatorList& ops, const GroupedAttention& attention);

// gate_up, activation, down: what SwiGLU and gated GELU have in common. name is put before the operators'.
struct GatedMlp {
  std::int64_t hidden = 0, intermediate = 0;
  bool bias = false;
  std::string name = "";        // or "shared_"
  std::string module = "mlp.";  // "mlp.shared_experts."
};
void add_gated_mlp(OperatorList& ops, const GatedMlp& mlp);

// router and experts, all gated.
struct RoutedExperts {
  std::int64_t hidden = 0, intermediate = 0, num_experts = 0, experts_per_token = 0;
  bool router_bias = false, expert_bias = false;
  std::string module = "mlp.";  // "block_sparse_moe."
  std::string router = "gate", gate = "gate_proj", up = "up_proj", down = "down_proj";
};
void add_routed_experts(OperatorList& ops, const RoutedExperts& experts);

// The residual stream's norm and sum around a block.
void add_norm(OperatorList& ops, const std::string& name, OpRole role, std::int64_t hidden);
void add_residual(OperatorList& ops, const std::string& name, OpRole role, std::int64_t hidden);

// A decoder layer with the name of its kind: "dense", "moe", "window".
struct Layer {
  std::string kind;
  std::vector<Operator> operators;
};
// Stores equal layers once. The longest run of a repeating period becomes a group, from the first layer on;
// in a period of several layers, operators get the layer's place as suffix: "qkv.0", "qkv.1".
std::vector<LayerGroup> group_layers(std::vector<Layer> layers);

// Embedding, and final norm, head and sampler, as all these models have them.
void add_ends(Model& model, const WeightFormats& formats, bool tied);

}  // namespace memwall
