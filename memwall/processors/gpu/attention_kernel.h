// attention_kernel.h - softmax attention over a paged KV cache, on one chip.
//
// Decode (few new tokens per sequence) reads every key and value once per KV head and is bound by HBM. Blocks
// are (sequence, KV head, split of the keys); keys are split until the SMs are full, and the splits are
// merged by a second small kernel (flash-decoding). Prefill keeps scores on chip (FlashAttention): matrix
// pipe for the two products, vector lanes for the exponentials, both at once; causal tiles on the diagonal
// are computed whole.
//
//   decode:  HBM     sequences * keys * values per key * bytes
//            L2      the longest block's bytes at the rate of one block, which few bytes in flight limit
//            wave    a latency for every further wave of blocks: query in, softmax merged, output out
//            matrix  2 * keys * (qk + v) per query row, rows padded to one matrix instruction
//   prefill: matrix  2 * (keys seen + half a tile per row) * heads * (qk + v)
//            vector  exp_ops + 4 per score
//
// Sources: Dao, FlashAttention-2, 2023; Dao et al., Flash-Decoding, 2023; Shah et al., FlashAttention-3, 2024
// (exponentials against matrix rate). MLA decode works in latent space: one KV head of width latent + rope.
#pragma once

#include "memwall/model/model.h"
#include "memwall/model/step.h"
#include "memwall/processors/gpu/kernel_cost.h"

namespace memwall {

// Sequences of one step that share a kernel, on one chip.
struct AttentionBatch {
  double sequences = 0;
  double new_tokens = 0;     // of all sequences
  double cached_keys = 0;    // read by all sequences, the new tokens' included
  double attended_keys = 0;  // query-key pairs per head
  double expanded_keys = 0;  // latents that are expanded to keys and values first
};
// Adds `share` of a slice's sequences to the kernel that computes it: decode for few new tokens or, for
// latent attention, when latent space needs fewer multiplications than expanding the cache.
void add_slice(const Attention& attention, const Slice& slice, double share, AttentionBatch& decode,
               AttentionBatch& prefill);

// Attention of one chip: `heads` and `kv_heads` are those that it holds.
struct AttentionShape {
  double heads = 1, kv_heads = 1;
  double qk_dim = 0, v_dim = 0;
  bool latent = false;
  double latent_dim = 0, rope_dim = 0;
  Format kv = Format::bf16, activation = Format::bf16;
};
// heads over tp chips; KV heads fewer than tp are replicated.
AttentionShape shard(const Attention& attention, int tp);

KernelCost decode_attention_cost(const GpuSpec& spec, const AttentionShape& shape,
                                 const AttentionBatch& batch);
// Writes the new keys and values of a prefill into the pages of the cache.
KernelCost cache_cost(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch);
KernelCost prefill_attention_cost(const GpuSpec& spec, const AttentionShape& shape,
                                  const AttentionBatch& batch);

}  // namespace memwall
