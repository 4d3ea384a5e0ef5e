// What `memwall explain model` prints: a line per operator, groups with their repeat counts.
#include <fmt/format.h>

#include "memwall/core/unit_text.h"
#include "memwall/model/model.h"

namespace memwall {
namespace {

std::string format_pair(Format weight, Format activation) {
  return fmt::format("{} x {}", name(activation), name(weight));
}

struct Describe {
  std::string operator()(const Embedding& shape) const {
    const std::string table = fmt::format("embedding {} x {}", shape.vocab, shape.width);
    return shape.positions > 0
               ? fmt::format("{} + {} positions, {}", table, shape.positions, name(shape.weight))
               : fmt::format("{}, {}", table, name(shape.weight));
  }
  std::string operator()(const Norm& shape) const {
    const std::string width =
        shape.groups > 1 ? fmt::format("{} x {}", shape.groups, shape.width) : fmt::format("{}", shape.width);
    return fmt::format("{} {}", shape.layer_norm ? "layer norm" : "rms norm", width);
  }
  std::string operator()(const Linear& shape) const {
    return fmt::format("linear k {} -> n {}, {}{}{}", shape.k, shape.n,
                       format_pair(shape.weight, shape.activation), shape.bias ? ", bias" : "",
                       shape.tied ? ", tied to the embedding" : "");
  }
  std::string operator()(const Rope& shape) const {
    return fmt::format("rope {} heads x {}", shape.heads, shape.dim);
  }
  std::string operator()(const Attention& shape) const {
    std::string text = fmt::format("attention {} heads, {} kv, qk {}, v {}, cache {}", shape.heads,
                                   shape.kv_heads, shape.qk_dim, shape.v_dim, name(shape.kv));
    if (shape.is_latent()) {
      text += fmt::format(", latent {} + {}", shape.latent, shape.rope_dim);
    }
    if (shape.window > 0) {
      text += fmt::format(", window {}", shape.window);
    }
    return text + (shape.sinks ? ", sinks" : "");
  }
  std::string operator()(const Activation& shape) const {
    return fmt::format("activation {}{}", shape.width, shape.gated ? ", gated" : "");
  }
  std::string operator()(const ResidualAdd& shape) const {
    return fmt::format("residual add {}", shape.width);
  }
  std::string operator()(const Experts& shape) const {
    return fmt::format("experts {} of {}, width {}, intermediate {}{}, {}{}", shape.experts_per_token,
                       shape.num_experts, shape.width, shape.intermediate, shape.gated ? " gated" : "",
                       format_pair(shape.weight, shape.activation), shape.bias ? ", bias" : "");
  }
  std::string operator()(const Sampler& shape) const { return fmt::format("sampler {}", shape.vocab); }
};

std::string section(std::string_view title, const std::vector<Operator>& operators) {
  std::string text = fmt::format("{}\n", title);
  for (const Operator& op : operators) {
    text += fmt::format("  {:<20} {:<10} {}\n", op.name, name(op.split), std::visit(Describe{}, op.shape));
  }
  return text;
}

}  // namespace

std::string_view name(TensorSplit split) {
  switch (split) {
    case TensorSplit::replicated:
      return "replicated";
    case TensorSplit::columns:
      return "columns";
    case TensorSplit::rows:
      return "rows";
    case TensorSplit::heads:
      return "heads";
  }
  return "";
}

std::string to_text(const Model& model) {
  const ParameterCount count = parameters(model);
  std::string text =
      fmt::format("{} ({}), {} layers, hidden {}, vocabulary {}\n", model.name, model.architecture,
                  model.num_hidden_layers, model.hidden_size, model.vocab_size);
  text += fmt::format("parameters {}, active {}\n", count.total, count.active);
  text += fmt::format("weights {}, kv cache {} per token\n", to_text(weight_bytes(model)),
                      to_text(kv_bytes_per_token(model)));
  if (model.max_positions > 0) {
    text += fmt::format("context up to {} tokens\n", model.max_positions);
  }
  text += section("prologue", model.prologue);
  for (const LayerGroup& group : model.groups) {
    text += section(group.layers_per_repeat > 1 ? fmt::format("{} x{} ({} layers each)", group.name,
                                                              group.repeat, group.layers_per_repeat)
                                                : fmt::format("{} x{}", group.name, group.repeat),
                    group.operators);
  }
  return text + section("epilogue", model.epilogue);
}

}  // namespace memwall
