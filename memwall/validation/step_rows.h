// step_rows.h - steps and generations of whole models as rows of CSV: the *_steps.csv files of validation/
// and the files of validation/processors/.
//
//   system                             "8xh100", or a card of systems/
//   facts                              what was different on the machine measured: "hbm.capacity=40 GB; ..."
//   model, plan                        card in models/, or "llama-3.1-70b@fp8" with its weights in that
//   format; "tp8" batch, prompt, output              sequences together; tokens. The context of a decode step
//   is
//                                      prompt + output / 2
//   sampling                           sorted, plain or greedy (LowerOptions)
//   quantity, measured                 itl_ms: one decode step; e2e_s: prefill and all decode steps;
//                                      tokens_per_s: of all sequences in flight; j_per_token
//   watts                              mean of all chips together during that, or empty
//   set, excluded, source              as in kernel_rows.h
//
// A row with watts is two measurements, one of them in the set "<set>_power"; with itl_ms also one of
// J/token, in "<set>_energy".
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

void read_step_rows(const Table& table, const std::string& origin, MeasurementSink& sink);

}  // namespace memwall
