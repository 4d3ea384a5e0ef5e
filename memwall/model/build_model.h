// build_model.h - from a configuration in config.json's words, wherever it came from, to a Model.
#pragma once

#include <string>

#include "memwall/core/config_reader.h"
#include "memwall/model/read_model.h"
#include "memwall/model/weight_formats.h"

namespace memwall {

// By model_type, with the number formats of quantization_config. Throws ConfigError.
Model model_of_config(const Document& config, const std::string& name, const ModelOptions& options = {});
// With formats from elsewhere, such as a weight file.
Model model_of_config(const Document& config, const WeightFormats& formats, const std::string& name,
                      const ModelOptions& options);

}  // namespace memwall
