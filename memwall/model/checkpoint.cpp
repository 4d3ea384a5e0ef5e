#include "memwall/model/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "memwall/core/error.h"

namespace memwall {
namespace {

// "model.layers.12.mlp.down_proj.weight" and "h.12.mlp.c_fc.weight" are of layer 12.
std::optional<std::int64_t> layer_of(std::string_view tensor) {
  for (const std::string_view component : {std::string_view("layers."), std::string_view("h.")}) {
    const std::size_t at = tensor.find(component);
    if (at == std::string_view::npos || (at > 0 && tensor[at - 1] != '.')) {
      continue;
    }
    std::int64_t layer = 0;
    const char* begin = tensor.data() + at + component.size();
    const auto [rest, error] = std::from_chars(begin, tensor.data() + tensor.size(), layer);
    if (error == std::errc() && rest != begin && layer >= 0) {
      return layer;
    }
  }
  return std::nullopt;
}

// Of the encoders that models for images and sound have beside the text model.
bool is_other_modality(std::string_view tensor) {
  for (const std::string_view word : {"vision", "visual", "audio", "multi_modal"}) {
    if (tensor.find(word) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// Constants that old checkpoints saved with the weights: rotary frequencies, GPT-2's causal masks.
bool is_buffer(std::string_view tensor) {
  return tensor.ends_with(".inv_freq") || tensor.ends_with(".attn.bias") || tensor.ends_with(".masked_bias");
}

bool has_tied_head(const Model& model) {
  return std::any_of(model.epilogue.begin(), model.epilogue.end(), [](const Operator& op) {
    const auto* linear = std::get_if<Linear>(&op.shape);
    return linear != nullptr && linear->tied;
  });
}

bool stores_values_as_they_are(const Model& model) {
  bool plain = true;
  const auto is_plain = [](Format format) { return info(format).bits >= info(Format::bf16).bits; };
  for_each_operator(model, [&](const Operator& op, std::int64_t) {
    if (const auto* linear = std::get_if<Linear>(&op.shape)) {
      plain = plain && is_plain(linear->weight);
    } else if (const auto* experts = std::get_if<Experts>(&op.shape)) {
      plain = plain && is_plain(experts->weight);
    }
  });
  return plain;
}

}  // namespace

void check_index(const SafetensorsIndex& index, const Model& model) {
  std::vector<bool> seen(static_cast<std::size_t>(model.num_hidden_layers));
  bool only_text = true;
  for (const SafetensorsIndex::Entry& entry : index.entries) {
    if (is_other_modality(entry.tensor)) {
      only_text = false;
      continue;
    }
    const std::optional<std::int64_t> layer = layer_of(entry.tensor);
    if (layer && *layer < model.num_hidden_layers) {
      seen[static_cast<std::size_t>(*layer)] = true;
    }
  }
  const auto missing = std::find(seen.begin(), seen.end(), false);
  if (missing != seen.end()) {
    throw ConfigError(Location{index.file}, "weight_map",
                      "no tensor of layer " + std::to_string(missing - seen.begin()),
                      "the " + std::to_string(model.num_hidden_layers) + " layers of config.json");
  }
  constexpr double kTolerance = 0.01;
  const double expected = weight_bytes(model).value;
  if (only_text && index.total_bytes && stores_values_as_they_are(model) &&
      std::abs(static_cast<double>(*index.total_bytes) - expected) > kTolerance * expected) {
    throw ConfigError(Location{index.file}, "metadata.total_size", std::to_string(*index.total_bytes),
                      "about " + std::to_string(static_cast<std::int64_t>(expected)) +
                          ", the bytes of config.json's model");
  }
}

void check_tensors(const std::vector<SafetensorsHeader>& headers, const Model& model) {
  if (!stores_values_as_they_are(model)) {
    return;
  }
  const bool tied = has_tied_head(model);
  std::int64_t values = 0;
  for (const SafetensorsHeader& header : headers) {
    for (const SafetensorsTensor& tensor : header.tensors) {
      const std::optional<std::int64_t> layer = layer_of(tensor.name);
      const bool is_extra = (layer && *layer >= model.num_hidden_layers) ||  // multi-token prediction
                            (tied && tensor.name == "lm_head.weight");
      if (!is_extra && !is_buffer(tensor.name) && !is_other_modality(tensor.name)) {
        values += tensor.values;
      }
    }
  }
  const std::int64_t expected = parameters(model).total;
  if (values != expected) {
    throw ConfigError(Location{headers.front().file}, "tensors", std::to_string(values) + " parameters",
                      std::to_string(expected) + ", those of config.json's model");
  }
}

}  // namespace memwall
