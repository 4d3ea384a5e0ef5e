// figures.h - numbers that follow from an LPU card: identities of its structure, and an encoder by closed
// form.
#pragma once

#include <vector>

#include "memwall/processors/figure.h"
#include "memwall/processors/lpu/card.h"

namespace memwall {

std::vector<Figure> lpu_figures(const LpuCard& card, int chips);

// Twelve layers of BERT-base over `tokens` tokens on one chip in 16 bits, one sequence.
Seconds bert_base_latency(const LpuCard& card, double tokens);

}  // namespace memwall
