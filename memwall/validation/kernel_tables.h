// kernel_tables.h - the kernel tables of AIConfigurator (github.com/ai-dynamo/aiconfigurator, Apache-2.0).
//
// A folder of CSV files named TABLE_CHIP_FRAMEWORK-VERSION.csv, plain or gzipped: gemm, context_attention,
// generation_attention, context_mla, generation_mla, moe, nccl, custom_allreduce. Each kernel was run under
// CUDA graphs by that project's collector. What memwall has no card, format or kernel for is excluded by
// name, table by table.
#pragma once

#include <filesystem>

#include "memwall/validation/measurement.h"

namespace memwall {

// All tables of `folder` in order of their names, as the data set "aic". Throws ConfigError for a table that
// is not what its name says.
void read_kernel_tables(const std::filesystem::path& folder, MeasurementSink& sink);

}  // namespace memwall
