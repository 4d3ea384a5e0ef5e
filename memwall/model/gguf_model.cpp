#include "memwall/model/gguf_model.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "memwall/core/names.h"
#include "memwall/model/build_model.h"
#include "memwall/model/gguf_names.h"

namespace memwall {
namespace {

class TensorFormats final : public WeightFormats {
 public:
  explicit TensorFormats(const GgufHeader& header) : header_(header) {}

  GemmFormats of(const std::string& module) const override {
    const GgufTensor& tensor = find(module);
    if (!tensor.type->format) {
      throw ConfigError(
          Location{header_.file}, quoted(tensor.name), "type " + std::string(tensor.type->name),
          "a type whose arithmetic is known: F32, F16, BF16, Q4_0 to Q8_0, Q2_K to Q6_K, MXFP4");
    }
    return {*tensor.type->format, info(*tensor.type->format).arithmetic};
  }

 private:
  const GgufTensor& find(const std::string& module) const {
    if (module == "model.embed_tokens") {
      return require("token_embd.weight", "");
    }
    if (module == "lm_head") {
      return require("output.weight", "");
    }
    // "model.layers.3.mlp.gate", "transformer.h.3.attn.c_attn": the layer is the third component.
    const std::size_t layer = module.find('.', module.find('.') + 1) + 1;
    const std::size_t rest = module.find('.', layer) + 1;
    const std::string prefix = "blk." + module.substr(layer, rest - layer);
    const TensorPair& pair = gguf_tensor_of(std::string_view(module).substr(rest));
    return require(prefix + pair.tensor + ".weight",
                   pair.other != nullptr ? prefix + pair.other + ".weight" : "");
  }

  const GgufTensor& require(const std::string& name, const std::string& other) const {
    const GgufTensor* tensor = header_.tensor(name);
    if (tensor == nullptr && !other.empty()) {
      tensor = header_.tensor(other);
    }
    if (tensor == nullptr) {
      throw ConfigError(Location{header_.file}, "tensors", "no " + quoted(name), "one, as this model has it");
    }
    return *tensor;
  }

  const GgufHeader& header_;
};

// Makes a config.json of the metadata.
class ConfigWriter {
 public:
  ConfigWriter(const GgufHeader& header, std::string architecture)
      : header_(header), architecture_(std::move(architecture)) {
    document_.file = header.file;
    document_.root.kind = Node::Kind::mapping;
  }

  // An integer of the metadata, or the one that an array repeats for every layer.
  std::optional<std::int64_t> integer(const std::string& key) const {
    const GgufEntry* entry = header_.find(architecture_ + "." + key);
    if (entry == nullptr) {
      return std::nullopt;
    }
    if (const auto* value = std::get_if<std::int64_t>(&entry->value)) {
      return *value;
    }
    if (const auto* array = std::get_if<GgufArray>(&entry->value)) {
      const std::vector<double>& numbers = array->numbers;
      const bool equal = !numbers.empty() && std::equal(numbers.begin() + 1, numbers.end(), numbers.begin());
      constexpr double kExact = 0x1p53;
      if (equal && std::abs(numbers.front()) < kExact) {
        return static_cast<std::int64_t>(numbers.front());
      }
    }
    refuse(key, "something else", "an integer, the same in all layers");
  }
  std::int64_t required(const std::string& key) const {
    const std::optional<std::int64_t> value = integer(key);
    if (!value) {
      refuse(key, "no such key", "an integer");
    }
    return *value;
  }
  [[noreturn]] void refuse(const std::string& key, const std::string& found,
                           const std::string& expected) const {
    throw ConfigError(Location{header_.file}, architecture_ + "." + key, found, expected);
  }

  void put(const std::string& key, std::int64_t value) { put(key, std::to_string(value), false); }
  void put(const std::string& key, const std::string& text, bool is_text) {
    Node node;
    node.kind = Node::Kind::scalar;
    node.text = text;
    node.quoted = is_text;
    document_.root.entries.push_back({key, 0, 0, std::move(node)});
  }
  void put_flag(const std::string& key, bool value) { put(key, value ? "true" : "false", false); }
  Document take() { return std::move(document_); }

 private:
  const GgufHeader& header_;
  std::string architecture_;
  Document document_;
};

bool has_tensor(const GgufHeader& header, const std::string& name) { return header.tensor(name) != nullptr; }

// DeepSeek's head sizes: newer files give those of latent space as key_length, and these as key_length_mla.
void put_latent_sizes(ConfigWriter& config) {
  const bool newer = config.integer("attention.key_length_mla").has_value();
  const std::int64_t qk = config.required(newer ? "attention.key_length_mla" : "attention.key_length");
  const std::int64_t v = config.required(newer ? "attention.value_length_mla" : "attention.value_length");
  const std::int64_t rope = config.required("rope.dimension_count");
  if (rope < 1 || qk <= rope) {
    config.refuse("attention.key_length", std::to_string(qk),
                  "more than rope.dimension_count, " + std::to_string(rope));
  }
  config.put("qk_nope_head_dim", qk - rope);
  config.put("v_head_dim", v);
}

Document config_of(const GgufHeader& header, const GgufArchitecture& architecture) {
  ConfigWriter config(header, architecture.name);
  config.put("model_type", architecture.model_type, true);
  for (const KeyPair& pair : architecture.keys) {
    if (const auto value = pair.required ? config.required(pair.gguf) : config.integer(pair.gguf)) {
      config.put(pair.config, *value);
    }
  }
  const GgufTensor* embedding = header.tensor("token_embd.weight");
  if (embedding == nullptr || embedding->dimensions.size() < 2) {
    throw ConfigError(Location{header.file}, "tensors", "no table 'token_embd.weight'",
                      "one of two dimensions");
  }
  config.put("vocab_size", embedding->dimensions[1]);
  config.put_flag("tie_word_embeddings", !has_tensor(header, "output.weight"));
  config.put_flag("attention_bias", has_tensor(header, "blk.0.attn_q.bias"));
  config.put_flag("mlp_bias", has_tensor(header, "blk.0.ffn_up.bias"));
  if (architecture.name == std::string_view("deepseek2")) {
    put_latent_sizes(config);
    const bool corrected =
        std::any_of(header.tensors.begin(), header.tensors.end(),
                    [](const GgufTensor& tensor) { return tensor.name.ends_with("exp_probs_b.bias"); });
    config.put("topk_method", corrected ? "noaux_tc" : "greedy", true);
  }
  return config.take();
}

const GgufArchitecture& find_architecture(const GgufHeader& header) {
  const GgufEntry* entry = header.find("general.architecture");
  const auto* name = entry != nullptr ? std::get_if<std::string>(&entry->value) : nullptr;
  if (name == nullptr) {
    throw ConfigError(Location{header.file}, "general.architecture", "no such key", "text");
  }
  const bool has_experts = ConfigWriter(header, *name).integer("expert_count").value_or(0) > 0;
  std::vector<std::string> known;
  for (const GgufArchitecture& architecture : gguf_architectures()) {
    const bool wants_experts = architecture.model_type == std::string_view("mixtral");
    if (*name == architecture.name && (*name != "llama" || wants_experts == has_experts)) {
      return architecture;
    }
    if (known.empty() || known.back() != architecture.name) {
      known.emplace_back(architecture.name);
    }
  }
  throw ConfigError(Location{header.file}, "general.architecture", quoted(*name),
                    suggest_names(*name, known));
}

// Tables that scale rotary positions are constants in a tensor's guise, not parameters.
bool is_parameter(const GgufTensor& tensor) { return !tensor.name.starts_with("rope_"); }

void check_count(const GgufHeader& header, const Model& model) {
  double values = 0;
  std::int64_t exact = 0;
  for (const GgufTensor& tensor : header.tensors) {
    if (is_parameter(tensor)) {
      values += static_cast<double>(tensor.values);
      exact += values < 0x1p62 ? tensor.values : 0;
    }
  }
  const std::int64_t expected = parameters(model).total;
  if (exact != expected) {
    throw ConfigError(Location{header.file}, "tensors", std::to_string(exact) + " parameters",
                      std::to_string(expected) + ", those of a " + model.architecture + " of these sizes");
  }
}

}  // namespace

Model model_of_gguf(const GgufHeader& header, const std::string& name, const ModelOptions& options) {
  const Document config = config_of(header, find_architecture(header));
  Model model;
  if (options.weight_format) {
    model = model_of_config(config, name, options);
  } else {
    model = model_of_config(config, TensorFormats(header), name, options);
  }
  check_count(header, model);
  return model;
}

}  // namespace memwall
