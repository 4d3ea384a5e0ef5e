// claim.h - what a published rate of a system implies, and what its cards give for the same work.
#pragma once

#include <vector>

#include "memwall/processors/figure.h"
#include "memwall/processors/transformer_asic/card.h"

namespace memwall {

// The claim is a step: one prompt is prefilled while `claim.decoding` other sequences decode, `claim.model`
// in full; its tokens, prompt and decoded, count towards `claim.rate`. Facts of the system's or the chip's
// card:
//
//   claim.model, claim.rate (tokens/s of the system), claim.prompt, claim.output, claim.decoding
//
// Figures, per chip where it makes sense: the arithmetic and the HBM traffic that the rate needs, the same
// over the peaks of the card, the traffic over the links under tensor parallelism, and the rate that the card
// gives under tensor parallelism and as a pipeline. None when the card has no claim.
std::vector<Figure> claim_figures(const AsicCard& card, const System& system);

}  // namespace memwall
