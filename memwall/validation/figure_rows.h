// figure_rows.h - published numbers of processors as rows of CSV: the files of validation/figures/.
//
//   system      a card of systems/, or "8xh100"
//   figure      its name, one of `memwall explain figures --system S`
//   published   the number, in `unit`, which must be the figure's own
//   status      how the publisher came to it: measured, simulated, claimed, derived
//   source      where it is published
//   note        anything a reader should know
#pragma once

#include "memwall/validation/measurement.h"
#include "memwall/validation/table.h"

namespace memwall {

void read_figure_rows(const Table& table, MeasurementSink& sink);

}  // namespace memwall
