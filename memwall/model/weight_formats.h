// weight_formats.h - which number format each matrix of a model is stored in and multiplied with.
//
// Builders ask by the module's path in Hugging Face's checkpoint, "model.layers.3.self_attn.q_proj"; a
// config.json answers from its quantization_config, a weight file from the types of its tensors.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "memwall/core/config_reader.h"
#include "memwall/core/number_format.h"

namespace memwall {

struct GemmFormats {
  Format weight = Format::bf16, activation = Format::bf16;
  bool operator==(const GemmFormats&) const = default;
};

class WeightFormats {
 public:
  virtual ~WeightFormats() = default;
  virtual GemmFormats of(const std::string& module) const = 0;
};

// Formats of activations that go with weights of a format: int8 with int8; 16 bits for weight-only formats.
GemmFormats with_activations(Format weight, Format unquantised = Format::bf16);

// From torch_dtype (or dtype; bf16 when absent) and quantization_config: methods fp8, fbgemm_fp8, mxfp4,
// gptq, awq, compressed-tensors and modelopt, with their lists of modules left alone. `override` replaces the
// quantization. Throws ConfigError for an unknown method or a width without a Format.
std::unique_ptr<WeightFormats> read_weight_formats(Fields& config, std::optional<Format> override);

}  // namespace memwall
