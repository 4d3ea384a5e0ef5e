// matmul_tables.h - two small tables of matrix products: the best that a search over shapes found on each
// accelerator (stas00/ml-engineering, maximum achievable matmul, CC-BY-SA-4.0), and LLMCompass's MI210
// (github.com/PrincetonUniversity/LLMCompass, BSD-3; its A100 is in validation/).
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

// As the set "mamf". The search empties the cache between two runs, so that the chip rests half of the time
// and keeps its full clock. Accelerators without a card are excluded by name, and fp8: the search does not
// quantise the input, which is part of memwall's kernel.
void read_best_matmuls(const Table& table, MeasurementSink& sink);

// As the set "llmcompass_mi210", fp16. Called from Python: the shortest row stands in for what the harness
// takes for the smallest kernel.
void read_mi210_matmuls(const Table& table, MeasurementSink& sink);

}  // namespace memwall
