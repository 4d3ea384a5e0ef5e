// serving_points.h - end-to-end serving points that AIConfigurator ships (silicon_sample.csv, Apache-2.0):
// runs of InferenceMAX and of NVIDIA's own, with the mean time between tokens.
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

// As the set "serving", StepRun::Kind::serving, with the engine in the note. Excluded are models without a
// card, number formats that the card does not have, rows whose repetitions differ by more than 15 %, rows
// that do not say whether tokens were speculated, rows with more tensor parallelism than a box of eight has,
// and rows whose first token comes later than all others together: there most requests wait for a place. The
// batch is the concurrency less the requests that wait for their first token.
void read_serving_points(const Table& table, MeasurementSink& sink);

}  // namespace memwall
