// prompt_times.h - Splitwise's measurements (github.com/Mutinifni/splitwise-sim, MIT): the time of prompts on
// DGX boxes of A100 and H100, in vLLM of 2023, fp16.
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

// As the set "splitwise": prefills of whole models. Excluded are models without a card; prompts that take
// less than twice the shortest one of the same model and chip, which the host takes (30 ms of H100's and 43
// ms of A100's steps, alike on 4 and on 8 chips); batches that take no longer than half of them, which were
// not all taken at once; and the times of further tokens, which are the host's.
void read_prompt_times(const Table& table, MeasurementSink& sink);

}  // namespace memwall
