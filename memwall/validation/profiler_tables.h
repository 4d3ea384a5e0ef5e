// profiler_tables.h - the profiles of Vidur (github.com/microsoft/vidur, MIT) and Frontier
// (github.com/NetX-lab/Frontier, MIT): operators of one decoder layer, attention, experts and NCCL.
//
// One CSV per chip and model, plain or gzipped; what a table holds shows in its columns, the chip in its
// name. Times are what PyTorch's profiler found for the kernels of an operator (Vidur's
// record_function_tracer.py, collectives_wrapper.py): kernels alone, without the host's gaps, in whole
// microseconds in the older tables. A layer runs over and over, so that an operator's weights have left L2
// when its turn comes again.
#pragma once

#include <filesystem>
#include <string>

#include "memwall/validation/measurement.h"

namespace memwall {

// All tables of `folder` in order of their names, as the set `origin`. Excluded by name: operators that
// memwall has no single kernel for, boards without a card, and what a table does not say. Throws ConfigError
// for a table that is not what its columns say.
void read_profiler_tables(const std::filesystem::path& folder, const std::string& origin,
                          MeasurementSink& sink);

}  // namespace memwall
