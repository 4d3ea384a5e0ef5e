// kernels.h - single kernels on one chiplet, or an exchange over cards: what `memwall op` asks for.
#pragma once

#include "memwall/processors/dimc/card.h"
#include "memwall/processors/processor.h"

namespace memwall {

// `cards` of the system, for exchanges. REQUIRES: the card has a memory.
std::unique_ptr<KernelLowering> open_dimc_kernels(const DimcCard& card, int cards);

}  // namespace memwall
