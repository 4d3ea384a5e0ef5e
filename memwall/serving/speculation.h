// speculation.h - a small model drafts tokens, a large one verifies them: on one system, or on two.
//
// A round: the drafter makes gamma tokens in gamma passes, they travel to the target, which checks all of
// them in one pass over gamma + 1 tokens and adds one of its own; the verdict travels back. Each draft is
// accepted with probability a, independently, and the first that is not ends the round, so a round yields
//
//   1 + a + ... + a^gamma = (1 - a^(gamma + 1)) / (1 - a) tokens.
//
// After a round in which all were accepted the drafter has not seen its own last token: its first pass then
// takes in two. Both models decode at the same context; nothing of one round overlaps the next.
//
// Source: Leviathan, Kalman, Matias, Fast Inference from Transformers via Speculative Decoding, ICML 2023,
// eq. 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memwall/serving/open_system.h"
#include "memwall/serving/step_timer.h"

namespace memwall {

struct SpeculationQuery {
  Model target, draft;
  std::int64_t batch = 1, context = 4096;
  std::vector<std::int64_t> drafted;  // gammas
  std::vector<double> acceptance;     // probabilities
  // One way between the systems; none: the larger scale_out.latency of the two cards.
  std::optional<Seconds> transfer;
  std::optional<Plan> target_plan, draft_plan;
  Routing routing;
  LowerOptions options;
};
// Throws ConfigError: sizes below 1, more than 64 drafts, a probability outside 0 to 1, models of different
// vocabularies, contexts beyond their positions.
void verify(const SpeculationQuery& query);

// Tokens that a round of `drafted` drafts yields on average.
double expected_tokens(std::int64_t drafted, double acceptance);

struct SpeculationPoint {
  std::int64_t drafted = 0;
  double acceptance = 0;
  double tokens_per_round = 0;
  Seconds draft, verify, round;  // round: with both transfers
  double tokens_per_s_per_user = 0;
  double j_per_token = 0;
  double speedup = 0;  // over the target decoding alone
  // Over the same drafter on the target's own system, without transfers, and what a token takes there; absent
  // where the drafter does not fit. Room for both models at once is not checked.
  std::optional<double> speedup_together, j_per_token_together;
};

struct SpeculationSide {
  std::string model, system;
  bool fits = false;
  std::string refusal;
  Plan plan;
  Seconds pass;  // one token for every sequence
};

struct SpeculationResult {
  SpeculationSide target, draft;
  Seconds transfer;
  double alone_tokens_per_s_per_user = 0, alone_j_per_token = 0;  // the target by itself
  std::vector<SpeculationPoint> points;  // by acceptance, then drafts; empty when a side does not fit
};
SpeculationResult speculate(const SpeculationQuery& query, const OpenSystem& target, const OpenSystem& draft);

}  // namespace memwall
