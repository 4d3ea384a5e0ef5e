// sharing.h - what a chip that serves prompts and answers at once delivers within limits, by how its array is
// shared: the study behind the `sharing.*` figures.
//
// Requests of `prompt` tokens and `output` tokens come evenly. In steady state a step that decodes B
// sequences ends B / output of them, so it also prefills B * prompt / output tokens of the next ones. With T
// the time of such a step,
//   TPOT = T                    TTFT = T * steps over which a prompt is spread
//   rate = B / T                times the batches in flight
// by the schedule clock, so that both sides' queues for SRAM, HBM, vector unit and links are in T. Ways:
//   batched, turns, shared      as lowering.h has them; shared with the slabs divided best at each B
//   halves                      two chips of half of everything, one decodes and one prefills; caches go over
//                               the link: TPOT = its step, TTFT = a prompt's pass and its cache's transfer
// The plan is the one that is best in one pass, for the halves on halves. The largest rate over all B that
// keeps both limits and fits into memory is the answer. Tokens in flight are rate * latency (Little's law): B
// = rate * TPOT in every case, which a test holds against requests run one by one.
#pragma once

#include <string>
#include <vector>

#include "memwall/processors/systolic/lowering.h"

namespace memwall {

struct SharingStudy {
  std::string model;
  std::int64_t prompt = 1, output = 1;
  Seconds ttft, tpot;  // limits
};
// The card's `study` group; ConfigError when it is not complete.
SharingStudy read_study(const Chip& chip);

struct SharingRate {
  double tokens_per_s = 0;  // output tokens of the system; 0: no batch keeps the limits
  std::int64_t batch = 0;
  std::int64_t decode_slabs = 0;  // of a shared array
  Seconds ttft, tpot;
};
struct SharingComparison {
  SharingRate batched, turns, shared, halves;
};
SharingComparison compare_sharing(const SharingStudy& study, const Model& model, const System& system);

// Decode of a batch on 1, 2, 4... of the slabs, alone and beside the prefill that keeps it fed.
struct SharePoint {
  std::int64_t slabs = 0;
  Seconds alone;
  Seconds waiting;  // of the decode stream, for what the prefill beside it holds
};
std::vector<SharePoint> decode_shares(const SharingStudy& study, const Model& model, const System& system,
                                      std::int64_t batch);

// The step that decodes `batch` sequences and prefills what keeps them coming.
Step steady_step(const SharingStudy& study, std::int64_t batch);

}  // namespace memwall
