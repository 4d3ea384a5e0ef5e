// step.h - one forward pass of a model for one batch, and what each operator has to do in it.
//
// Prefill, decode, chunked prefill and speculative verification are all numbers in the list of slices.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memwall/model/model.h"

namespace memwall {

// `count` sequences that each bring new_tokens on top of past_tokens already in the cache. The head runs on
// the last `logits` of a sequence's new tokens: one, but for the verification of drafts, which needs all of
// them.
struct Slice {
  std::int64_t count = 1;
  std::int64_t new_tokens = 1;
  std::int64_t past_tokens = 0;
  std::int64_t logits = 1;  // 1 to new_tokens
  bool operator==(const Slice&) const = default;
};

// How tokens fall on the experts of a layer.
struct Routing {
  // dealt: no chance in it, expert i gets exactly its share of the token-expert pairs. Benchmarks do that.
  // The histogram may hold several dealings one after another: a benchmark's time is then their mean.
  enum class Kind { uniform, power_law, histogram, dealt };
  Kind kind = Kind::uniform;
  double exponent = 0;            // power_law: probability of the i-th expert ~ i^-exponent
  std::vector<double> histogram;  // any positive weights, one per expert; of dealt, zero too

  // c p_i of every expert (see expected_distinct_experts) for one shape of expert layer.
  struct Solution {
    std::int64_t num_experts = 0, experts_per_token = 0;
    std::vector<double> rates;
  };
  std::vector<Solution> solutions;  // filled by solve()
};
// "uniform", "power_law:1.2" or "histogram:FILE" (JSON list of positive numbers). Throws ConfigError.
Routing parse_routing(const std::string& text);
// Solves a skewed routing for the expert layers of a model, so that work() does not solve it again in every
// call: about 1 us instead of 50 for 128 experts. Changes no result. Call it where the routing is chosen.
void solve(Routing& routing, const Model& model);

struct Step {
  std::vector<Slice> slices;
  Routing routing;

  std::int64_t sequences() const;
  std::int64_t new_tokens() const;
  std::int64_t logits() const;  // tokens that the head runs on
};
// "64@4096": 64 sequences decode one token each with 4096 in the cache.
Slice parse_decode(const std::string& text);
// "1@8192": one sequence prefills 8192 tokens; "4@512+7680": each 512 new on top of 7680.
Slice parse_prefill(const std::string& text);
// Throws ConfigError: no slice, counts below 1, more than 2^40 tokens, context beyond the model's positions
// (when it states them).
void verify(const Step& step, const Model& model);

// Expected number of distinct experts that `tokens` tokens touch, each choosing `top_k` of `num_experts`
// independently of the other tokens. Uniform: E (1 - (1 - k/E)^T). Skewed: sum of 1 - (1 - q_i)^T where q_i,
// the chance that one token includes expert i, is 1 - exp(-c p_i) with c set so that the q_i sum to k; then
// (1 - q_i)^T = exp(-c p_i T). Dealt: experts of which a token's pairs reach one or more, and for less than a
// pair that fraction of an expert.
double expected_distinct_experts(std::int64_t num_experts, std::int64_t top_k, double tokens,
                                 const Routing& routing);
// Tokens on the busiest of `groups` equal groups of experts divided by the mean, in expectation over the
// routing distribution only (no sampling noise); 1 for uniform. A histogram's groups are consecutive experts;
// a power law's ranks are dealt to the groups in turn, since popularity is not sorted by expert number.
double expected_imbalance(std::int64_t num_experts, std::int64_t top_k, std::int64_t groups,
                          const Routing& routing);

// What one operator does in one run of it in a step, summed over the batch, for the whole model (before any
// division over chips). For GEMMs Y(m, n) = X(m, k) W(k, n). Bytes are the least that must move: each operand
// read once, each result written once. Operators of the head see only the last token of each sequence, or
// the last Slice::logits: their m is those. Experts: m is tokens x top-k, n and k those of the first of the
// two layers, weights those of the distinct experts touched. Attention: m is new tokens, n the mean number of
// keys a new token sees, k the query-key width times heads (of the form that most MACs take, for latent
// attention).
struct OpWork {
  double m = 0, n = 0, k = 0;
  double macs = 0;
  Bytes weight_read;
  Bytes kv_read, kv_written;
  Bytes activation_read, activation_written;
  double distinct_experts = 0;  // experts only
};
// Does not allocate.
OpWork work(const Operator& op, const Step& step);

// Keys that the new tokens of a slice attend to, summed over its new tokens and sequences (causal; a window
// keeps the last `window`). Exact closed form.
double attended_keys(const Slice& slice, std::int64_t window);

std::string to_text(const Step& step, const Model& model);  // a line per operator with m n k, MACs, bytes

}  // namespace memwall
