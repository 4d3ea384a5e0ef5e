#include "memwall/model/weight_formats.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "memwall/core/names.h"
#include "memwall/model/module_pattern.h"

namespace memwall {
namespace {

// Modules by the patterns that name them; a module goes to the first scheme with a matching target.
struct Scheme {
  std::vector<ModulePattern> targets;  // none: every linear module
  GemmFormats formats;
};

bool any_matches(const std::vector<ModulePattern>& patterns, const std::string& module) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const ModulePattern& pattern) { return pattern.matches(module); });
}

// The router decides with differences that quantisation would drown, and embeddings are looked up, not
// multiplied: every published checkpoint leaves both at 16 bits, named in its list of exceptions or not.
bool is_always_wide(const std::string& module) {
  return module.ends_with("embed_tokens") || module.ends_with(".gate") || module.ends_with(".router");
}

class ConfigFormats final : public WeightFormats {
 public:
  Format unquantised = Format::bf16;
  std::vector<Scheme> schemes;
  std::vector<ModulePattern> left_alone;
  bool head_too = false;  // whether the head is quantised unless left_alone names it

  GemmFormats of(const std::string& module) const override {
    const bool is_wide = is_always_wide(module) || (module == "lm_head" && !head_too);
    if (!is_wide && !any_matches(left_alone, module)) {
      for (const Scheme& scheme : schemes) {
        if (scheme.targets.empty() || any_matches(scheme.targets, module)) {
          return scheme.formats;
        }
      }
    }
    return {unquantised, unquantised};
  }
};

Format read_dtype(Fields& config) {
  const std::string key = config.has("torch_dtype") ? "torch_dtype" : "dtype";
  const std::string name = config.string_or(key, "bfloat16");
  if (name == "bfloat16") {
    return Format::bf16;
  }
  if (name == "float16") {
    return Format::fp16;
  }
  if (name == "float32") {
    return Format::fp32;
  }
  config.fail(key, "one of bfloat16, float16, float32");
}

std::vector<ModulePattern> patterns(Fields& fields, const std::string& key) {
  std::vector<ModulePattern> list;
  if (!fields.has(key)) {
    return list;
  }
  for (const std::string& text : fields.strings(key)) {
    try {
      list.emplace_back(text);
    } catch (const std::invalid_argument& problem) {
      throw ConfigError(fields.where(key), fields.key_path(key), quoted(text),
                        std::string("a module's name or pattern, not ") + problem.what());
    }
  }
  return list;
}

// GPTQ, AWQ and compressed-tensors: integers of `bits` with a scale per group, or per channel.
Format grouped_integer(Fields& fields, const std::string& bits_key, const std::string& group_key) {
  constexpr std::int64_t kPerChannel = -1;
  const std::int64_t bits = fields.integer(bits_key, 1, 16);
  const std::int64_t group = fields.integer_or(group_key, kPerChannel, kPerChannel, 1 << 20);
  if (bits == 8) {
    return Format::int8;
  }
  if (bits == 3 && group == 128) {
    return Format::int3;
  }
  if (bits != 4) {
    fields.fail(bits_key, "4 or 8, or 3 with groups of 128");
  }
  switch (group) {
    case 128:
      return Format::int4;
    case 64:
      return Format::int4_g64;
    case 32:
      return Format::int4_g32;
    default:
      fields.fail(group_key, "128, 64 or 32, the groups of published 4-bit checkpoints");
  }
}

// One of compressed-tensors' {num_bits, type, strategy, group_size} mappings of weights.
Format compressed_weight(Fields fields) {
  const std::string type = fields.string_or("type", "int");
  if (type == "int") {
    return grouped_integer(fields, "num_bits", "group_size");
  }
  if (type != "float") {
    fields.fail("type", "int or float");
  }
  const std::int64_t bits = fields.integer("num_bits", 1, 16);
  if (bits == 8) {
    return fields.string_or("strategy", "tensor") == "block" ? Format::fp8_block : Format::fp8;
  }
  if (bits == 4) {
    switch (fields.integer_or("group_size", 16, 1, 1 << 20)) {
      case 16:
        return Format::nvfp4;
      case 32:
        return Format::mxfp4;
      default:
        fields.fail("group_size", "16 (nvfp4) or 32 (mxfp4) for 4-bit floating point");
    }
  }
  fields.fail("num_bits", "4 or 8 for floating point");
}

Format compressed_activation(Fields fields, Format unquantised) {
  const std::int64_t bits = fields.integer("num_bits", 1, 16);
  const std::string type = fields.string_or("type", "int");
  if (bits == 8) {
    return type == "int" ? Format::int8 : Format::fp8;
  }
  if (bits == 4 && type == "float") {
    return Format::nvfp4;
  }
  return bits == 16 ? unquantised : (fields.fail("num_bits", "8, or 4 of type float"), unquantised);
}

void read_compressed_tensors(Fields& quantization, ConfigFormats& formats) {
  formats.head_too = true;
  formats.left_alone = patterns(quantization, "ignore");
  Fields groups = quantization.mapping("config_groups");
  for (const std::string& name : groups.keys()) {
    Fields group = groups.mapping(name);
    Scheme scheme;
    const std::vector<std::string> classes =
        group.has("targets") ? group.strings("targets") : std::vector<std::string>{};
    // "Linear" is the class of all projections; anything else names modules.
    if (!classes.empty() && std::find(classes.begin(), classes.end(), "Linear") == classes.end()) {
      scheme.targets = patterns(group, "targets");
    }
    scheme.formats.weight = compressed_weight(group.mapping("weights"));
    scheme.formats.activation =
        group.has("input_activations")
            ? compressed_activation(group.mapping("input_activations"), formats.unquantised)
            : formats.unquantised;
    formats.schemes.push_back(std::move(scheme));
  }
}

void read_fp8(Fields& quantization, ConfigFormats& formats) {
  Format weight = Format::fp8;
  if (quantization.has("weight_block_size")) {
    if (quantization.integers("weight_block_size", 1) != std::vector<std::int64_t>{128, 128}) {
      throw ConfigError(quantization.where("weight_block_size"), quantization.key_path("weight_block_size"),
                        "another block", "[128, 128], the block for which the size of fp8 weights is known");
    }
    weight = Format::fp8_block;
  }
  formats.schemes.push_back({{}, {weight, Format::fp8}});
  for (const char* key : {"modules_to_not_convert", "ignored_layers"}) {
    for (ModulePattern& pattern : patterns(quantization, key)) {
      formats.left_alone.push_back(std::move(pattern));
    }
  }
}

void read_modelopt(Fields& quantization, ConfigFormats& formats) {
  const std::string algorithm = quantization.string("quant_algo");
  if (algorithm != "FP8" && algorithm != "NVFP4") {
    quantization.fail("quant_algo", "FP8 or NVFP4");
  }
  const Format format = algorithm == "FP8" ? Format::fp8 : Format::nvfp4;
  formats.schemes.push_back({{}, {format, format}});
  formats.left_alone = patterns(quantization, quantization.has("ignore") ? "ignore" : "exclude_modules");
}

void read_grouped(Fields& quantization, ConfigFormats& formats) {
  const std::string bits = quantization.has("bits") ? "bits" : "w_bit";
  const std::string group = quantization.has("group_size") ? "group_size" : "q_group_size";
  formats.schemes.push_back({{}, {grouped_integer(quantization, bits, group), formats.unquantised}});
  formats.left_alone = patterns(quantization, "modules_to_not_convert");
  formats.head_too = quantization.boolean_or("lm_head", false);
}

void read_mxfp4(Fields& quantization, ConfigFormats& formats) {
  formats.schemes.push_back({{}, {Format::mxfp4, formats.unquantised}});
  formats.left_alone = patterns(quantization, "modules_to_not_convert");
}

struct Method {
  const char* name;
  void (*read)(Fields& quantization, ConfigFormats& formats);
};
constexpr Method kMethods[] = {
    {"fp8", read_fp8},           {"fbgemm_fp8", read_fp8}, {"mxfp4", read_mxfp4},
    {"gptq", read_grouped},      {"awq", read_grouped},    {"compressed-tensors", read_compressed_tensors},
    {"modelopt", read_modelopt},
};

void read_quantization(Fields quantization, ConfigFormats& formats) {
  const std::string name = quantization.string("quant_method");
  std::vector<std::string> known;
  for (const Method& method : kMethods) {
    if (name == method.name) {
      method.read(quantization, formats);
      return;
    }
    known.emplace_back(method.name);
  }
  quantization.fail("quant_method", suggest_names(name, known));
}

}  // namespace

GemmFormats with_activations(Format weight, Format unquantised) {
  const FormatInfo& stored = info(weight);
  return {weight, stored.weight_only ? unquantised : stored.arithmetic};
}

std::unique_ptr<WeightFormats> read_weight_formats(Fields& config, std::optional<Format> override) {
  auto formats = std::make_unique<ConfigFormats>();
  formats->unquantised = read_dtype(config);
  if (override) {
    if (info(*override).bits >= info(Format::bf16).bits) {
      formats->unquantised = *override;
    } else {
      formats->schemes.push_back({{}, with_activations(*override, formats->unquantised)});
    }
  } else if (config.has("quantization_config")) {
    read_quantization(config.mapping("quantization_config"), *formats);
  }
  return formats;
}

}  // namespace memwall
