#include "memwall/processors/transformer_asic/graph.h"

#include <vector>

#include <fmt/format.h>

namespace memwall {
namespace {

// What an operator asks of the graph.
struct Parts {
  using Names = std::vector<std::string>;
  Names operator()(const Embedding&) const { return {"embedding"}; }
  Names operator()(const Norm& norm) const { return {norm.layer_norm ? "layer_norm" : "rms_norm"}; }
  Names operator()(const Linear& linear) const {
    return linear.bias ? Names{"linear", "bias"} : Names{"linear"};
  }
  Names operator()(const Rope&) const { return {"rope"}; }
  Names operator()(const Attention& attention) const {
    Names parts = {"attention"};
    const auto need = [&](bool is_needed, const char* part) {
      if (is_needed) {
        parts.emplace_back(part);
      }
    };
    need(attention.window > 0, "window_attention");
    need(attention.sinks, "sinks");
    need(attention.is_latent(), "latent_attention");
    return parts;
  }
  Names operator()(const Activation& activation) const {
    return {activation.gated ? "gated_activation" : "activation"};
  }
  Names operator()(const ResidualAdd&) const { return {"residual"}; }
  Names operator()(const Experts& experts) const {
    return experts.bias ? Names{"experts", "bias"} : Names{"experts"};
  }
  Names operator()(const Sampler&) const { return {"sampler"}; }
};

// The arithmetic of an operator, if it is one for the arrays.
const Format* arithmetic_of(const Operator& op) {
  const Format* activation = nullptr;
  if (const auto* linear = std::get_if<Linear>(&op.shape)) {
    activation = &linear->activation;
  } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
    activation = &experts->activation;
  } else if (const auto* attention = std::get_if<Attention>(&op.shape)) {
    activation = &attention->activation;
  }
  return activation == nullptr ? nullptr : &info(*activation).arithmetic;
}

}  // namespace

std::string graph_refusal(const AsicCard& card, const Model& model) {
  std::string refusal;
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (!refusal.empty()) {
      return;
    }
    for (const std::string& part : std::visit(Parts{}, op.shape)) {
      if (!card.graph.contains(part)) {
        refusal = fmt::format("{} needs {}, which its fixed graph lacks", op.name, part);
        return;
      }
    }
    if (const Format* format = arithmetic_of(op);
        format != nullptr && info(*format).bits > 8 && card.wide_cycles == 0) {
      refusal = fmt::format("{} needs {}, the arrays have 8 bits", op.name, name(*format));
    }
  });
  return refusal;
}

}  // namespace memwall
