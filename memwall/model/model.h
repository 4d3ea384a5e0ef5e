// model.h - what is computed: a decoder network as groups of identical layers, each a list of operators.
//
// A Model knows nothing of chips. Layer groups are stored once with a repeat count and run in order;
// `prologue` (embedding) runs before the first layer and `epilogue` (final norm, head, sampler) after the
// last. A pattern of alternating layers (gpt-oss: window, full) is one group whose operators cover one
// period.
//
// Shapes are those of the whole model; dividing them over chips is the business of a placement. `split` says
// which divisions need no communication inside: columns (n) feed rows (k), and rows end in a sum over chips.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "memwall/core/number_format.h"
#include "memwall/core/units.h"

namespace memwall {

enum class OpRole { embed, attention, ffn, head };  // which pool of a disaggregated system runs it
enum class TensorSplit { replicated, columns, rows, heads };
std::string_view name(TensorSplit split);

// Row lookup of one of `vocab` vectors per token; learned positions (GPT-2) add a second table.
struct Embedding {
  std::int64_t vocab = 0, width = 0, positions = 0;  // positions: rows of a learned position table, or 0
  Format weight = Format::bf16;
  bool operator==(const Embedding&) const = default;
};
// Root-mean-square or layer normalisation over `width`, done `groups` times per token (heads, for QK norm).
struct Norm {
  std::int64_t width = 0, groups = 1;
  bool layer_norm = false;  // mean and bias as well
  bool operator==(const Norm&) const = default;
};
// Y(m, n) = X(m, k) W(k, n). Matrices that share X are one operator (q, k and v; gate and up): n is their
// sum. tied: the weights are the embedding's, and are not counted again.
struct Linear {
  std::int64_t n = 0, k = 0;
  Format weight = Format::bf16, activation = Format::bf16;
  bool bias = false, tied = false;
  bool operator==(const Linear&) const = default;
};
// Rotary position embedding of query and key heads, `dim` values each.
struct Rope {
  std::int64_t heads = 0, dim = 0;
  bool operator==(const Rope&) const = default;
};
// Softmax attention over the KV cache. Grouped-query: kv_heads < heads; multi-query: 1; multi-head: equal.
// Latent (MLA): the cache holds latent + rope_dim values per token, shared by all heads. A slice computes
// either in latent space (query-key width latent + rope_dim, value width latent) or expands the latents of
// its whole context to qk_dim and v_dim first; it takes the form with fewer MACs: latent for decode and
// speculative verification, expanded for prefill.
struct Attention {
  std::int64_t heads = 0, kv_heads = 0;
  std::int64_t qk_dim = 0, v_dim = 0;
  std::int64_t window = 0;                // keys seen at most, 0: all
  bool sinks = false;                     // one learned logit per head joins the softmax
  std::int64_t latent = 0, rope_dim = 0;  // MLA when latent > 0
  Format kv = Format::bf16, activation = Format::bf16;
  bool is_latent() const { return latent > 0; }
  std::int64_t kv_values_per_token() const {  // held in the cache per token and layer
    return is_latent() ? latent + rope_dim : kv_heads * (qk_dim + v_dim);
  }
  bool operator==(const Attention&) const = default;
};
// Pointwise: reads `width` values (two of them for gated forms), writes `width`.
struct Activation {
  std::int64_t width = 0;
  bool gated = true;
  bool operator==(const Activation&) const = default;
};
struct ResidualAdd {
  std::int64_t width = 0;
  bool operator==(const ResidualAdd&) const = default;
};
// Routed experts: each token goes through experts_per_token of num_experts two-layer networks.
struct Experts {
  std::int64_t num_experts = 0, experts_per_token = 0;
  std::int64_t width = 0, intermediate = 0;
  bool gated = true, bias = false;
  Format weight = Format::bf16, activation = Format::bf16;
  std::int64_t values_per_expert() const { return (gated ? 3 : 2) * width * intermediate; }  // without biases
  std::int64_t biases_per_expert() const { return bias ? (gated ? 2 : 1) * intermediate + width : 0; }
  bool operator==(const Experts&) const = default;
};
// Picks one of `vocab` logits per sequence.
struct Sampler {
  std::int64_t vocab = 0;
  bool operator==(const Sampler&) const = default;
};

using OpShape =
    std::variant<Embedding, Norm, Linear, Rope, Attention, Activation, ResidualAdd, Experts, Sampler>;

struct Operator {
  std::string name;  // "qkv", "attention", "gate_up", ...: unique within its group
  OpRole role = OpRole::ffn;
  TensorSplit split = TensorSplit::replicated;
  OpShape shape;
  bool operator==(const Operator&) const = default;
};

struct LayerGroup {
  std::string name;
  std::int64_t repeat = 1;             // how often the operators run in a row
  std::int64_t layers_per_repeat = 1;  // decoder layers that one run covers (2 for alternating windows)
  std::vector<Operator> operators;
};

struct Model {
  std::string name, architecture;
  std::string source;  // file it was read from
  std::int64_t hidden_size = 0, num_hidden_layers = 0, vocab_size = 0;
  std::int64_t max_positions = 0;  // longest context, 0 when not stated
  // Whether the maker's figure of active parameters includes the embedding table, of which a token reads one
  // row (Mistral and Qwen count it, OpenAI and DeepSeek do not).
  bool embedding_is_active = true;
  std::vector<Operator> prologue;
  std::vector<LayerGroup> groups;
  std::vector<Operator> epilogue;
};

// Runs of layer groups: what a pipeline divides.
std::int64_t layer_runs(const Model& model);

// Values (not bytes). active: used for one token, with only experts_per_token of the routed experts, the
// head once, and the embedding as the maker counts it. Exact for a model that verify() accepts.
struct ParameterCount {
  std::int64_t total = 0, active = 0;
};
ParameterCount parameters(const Operator& op);
ParameterCount parameters(const Model& model);

Bytes weight_bytes(const Operator& op);  // as stored, scales included; norms and biases take 16 bits
Bytes weight_bytes(const Model& model);

// Cache growth per token of context while no window is full: the worst case, and the field's usual figure.
Bytes kv_bytes_per_token(const Model& model);
// Cache of one sequence of `tokens` tokens, windows honoured.
Bytes kv_bytes(const Model& model, std::int64_t tokens);

// Calls visit(const Operator&, repeat) for every operator in order of execution.
template <class Visit>
void for_each_operator(const Model& model, Visit&& visit) {
  for (const Operator& op : model.prologue) {
    visit(op, std::int64_t{1});
  }
  for (const LayerGroup& group : model.groups) {
    for (const Operator& op : group.operators) {
      visit(op, group.repeat);
    }
  }
  for (const Operator& op : model.epilogue) {
    visit(op, std::int64_t{1});
  }
}

// Throws ConfigError for what cannot be a model: heads that kv_heads do not divide, experts fewer than top-k,
// sizes below 1 or above 2^40, a parameter count that overflows.
void verify(const Model& model);
std::string to_text(const Model& model);  // what `memwall explain model` prints

}  // namespace memwall
