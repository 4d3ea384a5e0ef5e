// matmul_tables.h - two small tables of matrix products: the best that a search over shapes found on each
// accelerator (stas00/ml-engineering, maximum achievable matmul, CC-BY-SA-4.0), and LLMCompass's MI210
// (github.com/PrincetonUniversity/LLMCompass, BSD-3; its A100 is in validation/).
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

// As the set "mamf": repeated until the chip holds its clock at the power limit. Accelerators without a card
// are excluded by name.
void read_best_matmuls(const Table& table, MeasurementSink& sink);

// As the set "llmcompass_mi210", fp16.
void read_mi210_matmuls(const Table& table, MeasurementSink& sink);

}  // namespace memwall
