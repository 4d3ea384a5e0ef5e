// kernels.h - one operator by itself on a systolic chip: what `memwall op` asks for.
#pragma once

#include <memory>
#include <vector>

#include "memwall/processors/processor.h"
#include "memwall/processors/systolic/card.h"

namespace memwall {

// Weights come from HBM: nobody has placed them anywhere else.
std::unique_ptr<KernelLowering> open_systolic_kernels(const SystolicCard& card, int system_chips);

// Every split and dataflow of the card for a GEMM, quickest first, of equals the coarsest; none for another
// kernel.
std::vector<KernelVariant> systolic_variants(const SystolicCard& card, const KernelOp& op);

}  // namespace memwall
