// listing.h - one layer of a real model, compiled and executed, as instruction streams.
#pragma once

#include "memwall/hardware/system.h"
#include "memwall/processors/lpu/card.h"
#include "memwall/processors/lpu/schedule.h"
#include "memwall/processors/processor.h"

namespace memwall {

// The model's first layer for plan.tp chips and a step of decode: one slice, one new token a sequence.
// Weights are zero: no instruction depends on them. Throws ConfigError for a layer that is not norm, grouped
// attention and gated feed-forward, for more than kMostListedWeights of them, and for another step.
inline constexpr double kMostListedWeights = 64e6;
ScheduleListing list_lpu_schedule(const Model& model, const System& system, const LpuCard& card,
                                  const Plan& plan, const Step& step);

// What the machine executes under this shape as a program and its execution: a resource per queue that
// dispatches anything, a task per run of instructions of one section.
ScheduleListing listing_of(const LpuSchedule& schedule, const LpuCard& card);

}  // namespace memwall
