// ml_energy.h - the table of the ML.ENERGY leaderboard (github.com/ml-energy/leaderboard): vLLM in steady
// state, time between tokens and mean power of all chips, by the largest batch that was allowed.
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

// As the sets "ml_energy", "ml_energy_power" and "ml_energy_energy". The table does not give prompts: those
// of its tasks are assumed. Excluded are models without a card, batches above 1024, and rows that are bound
// by the host: those that draw less than 80 % of the power that the same model on the same chips draws at the
// same or a smaller batch, and larger batches after such a row. A chip that waits for its kernels to be
// launched draws less the longer it waits, so its step is no measure of the kernels.
void read_ml_energy(const Table& table, MeasurementSink& sink);

}  // namespace memwall
