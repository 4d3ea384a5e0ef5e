// machine_values.h - whether the operands of a GEMM are values that the machine's cells can have.
#pragma once

#include "memwall/processors/systolic/machine.h"

namespace memwall {

// Throws std::invalid_argument for operands of another shape or a value that is none of the format.
void check_values(CellFormat format, const MachineGemm& gemm);

}  // namespace memwall
