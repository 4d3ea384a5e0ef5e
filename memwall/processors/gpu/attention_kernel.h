// attention_kernel.h - softmax attention over a paged KV cache, on one chip.
//
// Decode (few new tokens per sequence) reads every key and value once per KV head. Blocks of threads are
// (sequence, KV head, split of the keys) and run in waves over the SMs. A block waits for a number of memory
// latencies one after another whatever its length, then spends clocks per key:
//
//   time = start + merge + max(waves * block, HBM + what the first waves wait)
//
// Blocks of the first waves start and wait together; later ones drift apart and hide each other's waiting.
// Prefill keeps scores on chip (FlashAttention): a tile of scores takes the two products on the matrix pipe
// and the exponentials on the lanes, after one another or side by side by the library (overlap).
// MLA decode works in latent space: one KV head of width latent + rope.
//
// A cost charges real bytes and operations; what the kernel takes beyond them is stall.
//
// Sources: Dao, FlashAttention-2, 2023; Dao et al., Flash-Decoding, 2023; Shah et al., FlashAttention-3,
// 2024; TensorRT-LLM's decoderXQARunner, decoderMaskedMultiheadAttention and fmhaKernels (which kernel and
// how many splits); FlashMLA (work lists).
#pragma once

#include "memwall/model/model.h"
#include "memwall/model/step.h"
#include "memwall/processors/gpu/kernel_cost.h"

namespace memwall {

// Sequences of one step that share a kernel, on one chip.
struct AttentionBatch {
  double sequences = 0;
  double new_tokens = 0;     // of all sequences
  double context = 0;        // tokens of all sequences, the new ones included
  double cached_keys = 0;    // of those, the ones within reach of a window
  double attended_keys = 0;  // query-key pairs per head
  double expanded_keys = 0;  // latents that are expanded to keys and values first
  // Caches that a benchmark takes in turn: what fits into L2 is still there when its turn comes again. 0 in a
  // step: the weights have passed through L2 since.
  double operand_sets = 0;
  double cache_share = 1;  // of the bytes of keys and values that there are to read
};
// Adds `share` of a slice's sequences to the kernel that computes it: decode for few new tokens after others
// or, for latent attention, when latent space needs fewer multiplications than expanding the cache. A prompt
// of one token is decoded by some engines and prefilled by others.
void add_slice(const AttentionSpec& spec, const Attention& attention, const Slice& slice, double share,
               AttentionBatch& decode, AttentionBatch& prefill);

// Attention of one chip: `heads` and `kv_heads` are those that it holds.
struct AttentionShape {
  double heads = 1, kv_heads = 1;
  double qk_dim = 0, v_dim = 0;
  bool latent = false;
  double latent_dim = 0, rope_dim = 0;
  double window = 0;  // keys that a query attends to; 0: all
  Format kv = Format::bf16, activation = Format::bf16;
};
// heads over tp chips; KV heads fewer than tp are replicated.
AttentionShape shard(const Attention& attention, int tp);

KernelCost decode_attention_cost(const GpuSpec& spec, const AttentionShape& shape,
                                 const AttentionBatch& batch);
KernelCost prefill_attention_cost(const GpuSpec& spec, const AttentionShape& shape,
                                  const AttentionBatch& batch);
// Writes the new keys and values into the pages of the cache.
KernelCost cache_cost(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch);
// TensorRT-LLM's kernel before attention: rotates queries and keys, converts, writes the cache.
KernelCost prepare_cost(const GpuSpec& spec, const AttentionShape& shape, const AttentionBatch& batch);

}  // namespace memwall
