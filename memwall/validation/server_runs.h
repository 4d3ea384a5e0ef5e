// server_runs.h - MLPerf Inference, closed division, datacentre (github.com/mlcommons/inference_results_v4.1
// and _v5.1, Apache-2.0): requests over time, of which the log gives tokens per second and the mean time
// between two.
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

// As the set "mlperf", StepRun::Kind::serving on one accelerator, each with the whole model: its batch is
// tokens per second times the time between them (Little's law). Mean prompts are those of the task's data
// set: 294 tokens of OpenOrca, 778 of CNN/DailyMail. Excluded are runs without that time, models and
// accelerators without a card, formats that are not what they say, and models that fill more than half of an
// accelerator: those may be divided, and over how many the table does not say.
void read_server_runs(const Table& table, MeasurementSink& sink);

}  // namespace memwall
