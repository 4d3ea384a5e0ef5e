#include "memwall/processors/hardwired/wiring.h"

#include <optional>
#include <type_traits>

#include <fmt/format.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

[[noreturn]] void refuse(const Model& model, const std::string& found) {
  throw ConfigError("wired.model", model.name + " with " + found,
                    "layers of grouped-query attention and one network or routed experts");
}

// Reads the operators of a group one by one; an attention operator begins a new layer.
class LayerReader {
 public:
  explicit LayerReader(const Model& model) : model_(model) {}

  void read(const Operator& op) {
    if (const auto* attention = std::get_if<Attention>(&op.shape)) {
      begin(*attention);
    } else if (std::holds_alternative<Rope>(op.shape)) {
      rope_ahead_ = true;
    } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
      add(*experts);
    } else if (const auto* linear = std::get_if<Linear>(&op.shape); linear && !layers_.empty()) {
      add(*linear, op.split);
    }
  }

  std::vector<WiredLayer> take() {
    for (const WiredLayer& layer : layers_) {
      if (layer.up_outputs == 0 || layer.intermediate == 0) {
        refuse(model_, "a layer without a feed-forward network");
      }
    }
    return std::move(layers_);
  }

 private:
  void begin(const Attention& attention) {
    if (attention.is_latent()) {
      refuse(model_, "latent attention");
    }
    WiredLayer layer;
    layer.heads = attention.heads;
    layer.kv_heads = attention.kv_heads;
    layer.qk_dim = attention.qk_dim;
    layer.v_dim = attention.v_dim;
    layer.window = attention.window;
    layer.has_rope = rope_ahead_;
    rope_ahead_ = false;
    has_output_ = false;
    layers_.push_back(layer);
  }
  void add(const Experts& experts) {
    if (layers_.empty() || layers_.back().up_outputs > 0) {
      refuse(model_, "experts beside another network");
    }
    WiredLayer& layer = layers_.back();
    layer.num_experts = experts.num_experts;
    layer.experts_per_token = experts.experts_per_token;
    layer.up_outputs = experts.intermediate * (experts.gated ? 2 : 1);
    layer.intermediate = experts.intermediate;
  }
  void add(const Linear& linear, TensorSplit split) {
    WiredLayer& layer = layers_.back();
    if (split == TensorSplit::replicated) {
      layer.router_outputs = linear.n;
    } else if (split == TensorSplit::rows) {
      if (has_output_) {
        layer.intermediate = linear.k;
      }
      has_output_ = true;
    } else if (has_output_ && layer.intermediate == 0) {
      layer.up_outputs += linear.n;
    }  // else: queries, keys and values of the next layer, whose sizes its heads give
  }

  const Model& model_;
  std::vector<WiredLayer> layers_;
  bool has_output_ = false;  // of the attention
  bool rope_ahead_ = false;
};

// Operator shapes with what the wires do not share taken out: formats, and whether the head is tied.
OpShape bare(OpShape shape) {
  std::visit(
      [](auto& op) {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (std::is_same_v<Op, Embedding>) {
          op.weight = Format::bf16;
        } else if constexpr (std::is_same_v<Op, Linear>) {
          op.weight = op.activation = Format::bf16;
          op.tied = false;
        } else if constexpr (std::is_same_v<Op, Attention>) {
          op.kv = op.activation = Format::bf16;
        } else if constexpr (std::is_same_v<Op, Experts>) {
          op.weight = op.activation = Format::bf16;
        }
      },
      shape);
  return shape;
}

std::optional<std::string> difference(const std::vector<Operator>& mine, const std::vector<Operator>& wired) {
  if (mine.size() != wired.size()) {
    return fmt::format("{} operators, not {}", mine.size(), wired.size());
  }
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (bare(mine[i].shape) != bare(wired[i].shape)) {
      return "another " + wired[i].name;
    }
  }
  return std::nullopt;
}

}  // namespace

WiredNetwork wiring_of(const Model& model) {
  WiredNetwork network;
  network.hidden = model.hidden_size;
  network.vocab = model.vocab_size;
  for (const Operator& op : model.prologue) {
    network.embedding += weight_bytes(op);
  }
  for (const LayerGroup& group : model.groups) {
    LayerReader reader(model);
    for (const Operator& op : group.operators) {
      reader.read(op);
    }
    network.groups.push_back({group.name, group.repeat, reader.take()});
    network.layers += group.repeat * static_cast<std::int64_t>(network.groups.back().layers.size());
  }
  if (network.layers == 0) {
    refuse(model, "no layers");
  }
  return network;
}

std::string shape_difference(const Model& model, const Model& wired) {
  const auto sized = [](const char* what, std::int64_t mine, std::int64_t theirs) {
    return mine == theirs ? std::string() : fmt::format("{} {}, not {}", what, mine, theirs);
  };
  for (const std::string& text : {sized("hidden size", model.hidden_size, wired.hidden_size),
                                  sized("layers", model.num_hidden_layers, wired.num_hidden_layers),
                                  sized("vocabulary", model.vocab_size, wired.vocab_size)}) {
    if (!text.empty()) {
      return text;
    }
  }
  if (model.groups.size() != wired.groups.size()) {
    return "layers of other kinds";
  }
  for (std::size_t i = 0; i < model.groups.size(); ++i) {
    const auto found = difference(model.groups[i].operators, wired.groups[i].operators);
    if (model.groups[i].repeat != wired.groups[i].repeat) {
      return "layers in another order";
    }
    if (found) {
      return *found;
    }
  }
  return difference(model.prologue, wired.prologue)
      .value_or(difference(model.epilogue, wired.epilogue).value_or(""));
}

}  // namespace memwall
