// lone_sequences.h - llama.cpp's own benchmark on many boards
// (github.com/XiongjieDai/GPU-Benchmarks-on-LLM-Inference): one sequence at a time.
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

// As the set "llamacpp": 16-bit weights on one board. Excluded are quantised weights, for which there is no
// card of the model, boards without a card, and several boards, which take their layers in turn.
void read_lone_sequences(const Table& table, MeasurementSink& sink);

}  // namespace memwall
