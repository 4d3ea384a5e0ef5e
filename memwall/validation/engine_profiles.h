// engine_profiles.h - LLMServingSim's profiles of vLLM (github.com/casys-kaist/LLMServingSim, MIT): kernels
// of one decoder layer, taken inside the engine, by tokens.
//
// One CSV per part, chip, model and tensor-parallel degree: dense_CHIP_MODEL_tpN, attention_...,
// per_sequence_..., moe_...; of an older version v0_layers_... and v0_attention_... (profiler_tables.h has
// the latter's form).
#pragma once

#include <filesystem>

#include "memwall/validation/measurement.h"

namespace memwall {

// All tables of `folder` in order of their names, as the set "llmservingsim". Excluded by name: operators
// that memwall has no single kernel for (norms add the residual), kernels over prompts and decodes together,
// chips and models without a card, and requests over time. Throws ConfigError for a table that is not what
// its name says.
void read_engine_profiles(const std::filesystem::path& folder, MeasurementSink& sink);

}  // namespace memwall
