// gguf_model.h - a Model from the header of a GGUF file.
//
// The metadata is put into config.json's words and goes through the same builders; each operator's weight
// format is that of its tensors. Matrices that share an input but not a type are operators of their own, and
// layers whose types differ (as in Q4_K_M) are groups of their own.
#pragma once

#include <string>

#include "memwall/model/read_model.h"
#include "memwall/tensor/gguf.h"

namespace memwall {

// Throws ConfigError: an unknown architecture, a missing key or tensor, a tensor type without a Format, or
// tensors whose parameters do not add up to the model's.
Model model_of_gguf(const GgufHeader& header, const std::string& name, const ModelOptions& options = {});

}  // namespace memwall
