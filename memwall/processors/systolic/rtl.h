// rtl.h - a weight-stationary array as SystemVerilog: the RTL twin of the machine's stationary region.
//
// One module, `systolic_array`, made of rows x columns instances of `systolic_cell`. Everything happens at
// the rising edge; what is put on the inputs before edge t is step t of the machine (fold_schedule.h):
//   top   a value per column that goes down the chain       left   a value per row that goes right
//   hold  with the last row of column 0: its chain is kept   swap   with the first vector of row 0
//   bottom  after edge t: the sums that the machine hands out in step t
// hold goes right a column per edge, swap right and down, so both move with the skewed operands.
#pragma once

#include <string>

#include "memwall/processors/rtl_options.h"

namespace memwall {

// Throws ConfigError for sizes out of range or sums too narrow for a column of products.
std::string systolic_rtl(const RtlOptions& options);

}  // namespace memwall
