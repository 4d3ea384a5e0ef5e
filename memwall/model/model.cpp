#include "memwall/model/model.h"

#include <algorithm>

#include "memwall/core/error.h"

namespace memwall {
namespace {

// Norms and biases stay at 16 bits whatever the matrices are quantised to.
constexpr Format kSmallTensors = Format::bf16;

// Values of an operator's tensors by how they are stored. Number is int64_t for exact counts and double to
// see a count that would overflow before it does.
template <class Number>
struct Stored {
  Number matrix = 0;  // in the operator's weight format
  Number small = 0;   // norms, biases, sinks
  Format format = kSmallTensors;
};

template <class Number>
struct CountStored {
  static Number of(std::int64_t value) { return static_cast<Number>(value); }

  Stored<Number> operator()(const Embedding& shape) const {
    return {(of(shape.vocab) + of(shape.positions)) * of(shape.width), 0, shape.weight};
  }
  Stored<Number> operator()(const Norm& shape) const {
    return {0, of(shape.width) * (shape.layer_norm ? 2 : 1)};
  }
  Stored<Number> operator()(const Linear& shape) const {
    return {shape.tied ? Number(0) : of(shape.n) * of(shape.k), shape.bias ? of(shape.n) : Number(0),
            shape.weight};
  }
  Stored<Number> operator()(const Rope&) const { return {}; }
  Stored<Number> operator()(const Attention& shape) const {
    return {0, shape.sinks ? of(shape.heads) : Number(0)};
  }
  Stored<Number> operator()(const Activation&) const { return {}; }
  Stored<Number> operator()(const ResidualAdd&) const { return {}; }
  Stored<Number> operator()(const Experts& shape) const { return experts(shape, shape.num_experts); }
  Stored<Number> operator()(const Sampler&) const { return {}; }

  static Stored<Number> experts(const Experts& shape, std::int64_t count) {
    const Number matrices = shape.gated ? 3 : 2;
    const Number biases = shape.bias ? (matrices - 1) * of(shape.intermediate) + of(shape.width) : Number(0);
    return {of(count) * matrices * of(shape.width) * of(shape.intermediate), of(count) * biases,
            shape.weight};
  }
};

template <class Number>
Number total_values(const Operator& op) {
  const Stored<Number> stored = std::visit(CountStored<Number>{}, op.shape);
  return stored.matrix + stored.small;
}

}  // namespace

ParameterCount parameters(const Operator& op) {
  const std::int64_t total = total_values<std::int64_t>(op);
  if (const auto* experts = std::get_if<Experts>(&op.shape)) {
    const auto active = CountStored<std::int64_t>::experts(*experts, experts->experts_per_token);
    return {total, active.matrix + active.small};
  }
  return {total, total};
}

ParameterCount parameters(const Model& model) {
  ParameterCount sum;
  bool head_is_tied = false;
  std::int64_t embedding = 0;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    const ParameterCount count = parameters(op);
    sum.total += repeat * count.total;
    sum.active += repeat * count.active;
    if (std::holds_alternative<Embedding>(op.shape)) {
      embedding += repeat * count.total;
    } else if (const auto* linear = std::get_if<Linear>(&op.shape)) {
      head_is_tied = head_is_tied || linear->tied;
    }
  });
  // A tied table is also the head's matrix, which every token uses whole.
  if (!model.embedding_is_active && !head_is_tied) {
    sum.active -= embedding;
  }
  return sum;
}

std::int64_t layer_runs(const Model& model) {
  std::int64_t runs = 0;
  for (const LayerGroup& group : model.groups) {
    runs += group.repeat;
  }
  return runs;
}

Bytes weight_bytes(const Operator& op) {
  const auto stored = std::visit(CountStored<double>{}, op.shape);
  return bytes_of(stored.matrix, stored.format) + bytes_of(stored.small, kSmallTensors);
}

Bytes weight_bytes(const Model& model) {
  Bytes sum;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    sum += weight_bytes(op) * static_cast<double>(repeat);
  });
  return sum;
}

namespace {

// Cache of one sequence, each attention operator holding tokens_held(shape) tokens.
template <class TokensHeld>
Bytes kv_sum(const Model& model, TokensHeld&& tokens_held) {
  Bytes sum;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    if (const auto* attention = std::get_if<Attention>(&op.shape)) {
      const auto values = static_cast<double>(attention->kv_values_per_token());
      sum += bytes_of(static_cast<double>(repeat) * tokens_held(*attention) * values, attention->kv);
    }
  });
  return sum;
}

}  // namespace

Bytes kv_bytes_per_token(const Model& model) {
  return kv_sum(model, [](const Attention&) { return 1.0; });
}

Bytes kv_bytes(const Model& model, std::int64_t tokens) {
  return kv_sum(model, [tokens](const Attention& attention) {
    return static_cast<double>(attention.window > 0 ? std::min(tokens, attention.window) : tokens);
  });
}

namespace {

constexpr std::int64_t kLargestSize = std::int64_t{1} << 40;
constexpr double kMostParameters = 0x1p60;

class Verifier {
 public:
  explicit Verifier(const Model& model) : model_(model) {}

  void run() {
    size("hidden_size", model_.hidden_size);
    size("num_hidden_layers", model_.num_hidden_layers);
    size("vocab_size", model_.vocab_size);
    if (model_.max_positions < 0) {
      size("max_position_embeddings", model_.max_positions);
    }
    operators("prologue", model_.prologue, 1);
    std::int64_t layers = 0;
    for (const LayerGroup& group : model_.groups) {
      size(group.name + ".repeat", group.repeat);
      size(group.name + ".layers_per_repeat", group.layers_per_repeat);
      layers += group.repeat * group.layers_per_repeat;
      operators(group.name, group.operators, group.repeat);
    }
    operators("epilogue", model_.epilogue, 1);
    if (layers != model_.num_hidden_layers) {
      refuse("num_hidden_layers", std::to_string(model_.num_hidden_layers),
             "the " + std::to_string(layers) + " layers of its groups");
    }
  }

  void operator()(const Embedding& shape) {
    size("vocab", shape.vocab);
    size("width", shape.width);
    if (shape.positions != 0) {
      size("positions", shape.positions);
    }
  }
  void operator()(const Norm& shape) {
    size("width", shape.width);
    size("groups", shape.groups);
  }
  void operator()(const Linear& shape) {
    size("n", shape.n);
    size("k", shape.k);
  }
  void operator()(const Rope& shape) {
    size("heads", shape.heads);
    size("dim", shape.dim);
  }
  void operator()(const Attention& shape) {
    size("heads", shape.heads);
    size("kv_heads", shape.kv_heads);
    size("qk_dim", shape.qk_dim);
    size("v_dim", shape.v_dim);
    if (shape.heads % shape.kv_heads != 0) {
      refuse(key_ + "heads", std::to_string(shape.heads),
             "a multiple of kv_heads, " + std::to_string(shape.kv_heads));
    }
    if (shape.window != 0) {
      size("window", shape.window);
    }
    if (shape.is_latent()) {
      size("latent", shape.latent);
      size("rope_dim", shape.rope_dim);
      if (shape.rope_dim >= shape.qk_dim) {
        refuse(key_ + "rope_dim", std::to_string(shape.rope_dim),
               "less than qk_dim, " + std::to_string(shape.qk_dim));
      }
    }
  }
  void operator()(const Activation& shape) { size("width", shape.width); }
  void operator()(const ResidualAdd& shape) { size("width", shape.width); }
  void operator()(const Experts& shape) {
    size("num_experts", shape.num_experts);
    size("experts_per_token", shape.experts_per_token);
    size("width", shape.width);
    size("intermediate", shape.intermediate);
    if (shape.experts_per_token > shape.num_experts) {
      refuse(key_ + "experts_per_token", std::to_string(shape.experts_per_token),
             "at most num_experts, " + std::to_string(shape.num_experts));
    }
  }
  void operator()(const Sampler& shape) { size("vocab", shape.vocab); }

 private:
  [[noreturn]] void refuse(const std::string& key, const std::string& found, const std::string& expected) {
    throw ConfigError(Location{model_.source}, key, found, expected);
  }
  void size(const std::string& key, std::int64_t value) {
    if (value < 1 || value > kLargestSize) {
      refuse(key_ + key, std::to_string(value), "a size from 1 to 2^40");
    }
  }
  void operators(const std::string& group, const std::vector<Operator>& list, std::int64_t repeat) {
    std::vector<std::string> names;
    for (const Operator& op : list) {
      if (std::find(names.begin(), names.end(), op.name) != names.end()) {
        refuse(group, "two operators named " + quoted(op.name), "a name of its own for each");
      }
      names.push_back(op.name);
      key_ = group + "." + op.name + ".";
      std::visit(*this, op.shape);
      parameters_ += total_values<double>(op) * static_cast<double>(repeat);
      if (parameters_ > kMostParameters) {
        refuse(group + "." + op.name, "more than 2^60 parameters", "a model that can exist");
      }
    }
    key_.clear();
  }

  const Model& model_;
  std::string key_;
  double parameters_ = 0;
};

}  // namespace

void verify(const Model& model) { Verifier(model).run(); }

}  // namespace memwall
