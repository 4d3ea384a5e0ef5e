// Questions: does decode attention read each key once at the right rate, and does prefill compute the causal
// triangle?
#include "memwall/processors/gpu/attention_kernel.h"

#include <gtest/gtest.h>

namespace memwall {
namespace {

GpuSpec h100() { return read_gpu_spec(read_system("1xh100")); }

Attention llama_8b() {
  Attention attention;
  attention.heads = 32;
  attention.kv_heads = 8;
  attention.qk_dim = attention.v_dim = 128;
  return attention;
}
Attention deepseek() {
  Attention attention;
  attention.heads = attention.kv_heads = 128;
  attention.qk_dim = 192;
  attention.v_dim = 128;
  attention.latent = 512;
  attention.rope_dim = 64;
  return attention;
}

struct Batches {
  AttentionBatch decode, prefill;
};
Batches batches(const Attention& attention, const Slice& slice) {
  Batches result;
  add_slice(attention, slice, 1, result.decode, result.prefill);
  return result;
}

// 64 sequences x 8193 keys x 8 heads x 256 values x 2 B = 2.148 GB; at 0.895 of 3.35 TB/s 716 us, and
// latencies.
TEST(AttentionKernel, LongDecodeIsKvBytesOverBandwidth) {
  const GpuSpec spec = h100();
  const Batches batch = batches(llama_8b(), {64, 1, 8192});
  const KernelCost cost = decode_attention_cost(spec, shard(llama_8b(), 1), batch.decode);
  const double kv = 64.0 * 8193 * 8 * 256 * 2;
  EXPECT_NEAR(cost.hbm.useful, kv, 0.002 * kv);
  const double stream = kv / (spec.hbm_bandwidth.value * spec.hbm_attention);
  EXPECT_NEAR(alone_seconds(spec, cost), stream, 0.05 * stream);
}

TEST(AttentionKernel, OneShortSequenceIsAStart) {
  const GpuSpec spec = h100();
  const Batches batch = batches(llama_8b(), {1, 1, 16});
  const double time = alone_seconds(spec, decode_attention_cost(spec, shard(llama_8b(), 1), batch.decode));
  EXPECT_NEAR(time, spec.attention_start.value, 0.2 * spec.attention_start.value);
}

// One sequence of 32768 keys on 8 KV heads fills 8 of 132 SMs unless its keys are split.
TEST(AttentionKernel, KeysAreSplitUntilTheSmsAreFull) {
  const GpuSpec spec = h100();
  const Batches batch = batches(llama_8b(), {1, 1, 32767});
  KernelCost cost = decode_attention_cost(spec, shard(llama_8b(), 1), batch.decode);
  EXPECT_EQ(cost.delay(GpuDelay::pointwise_start), 1);  // the splits are merged
  const double unsplit = 32768.0 * 512 / spec.attention_block.value;
  EXPECT_LT(alone_seconds(spec, cost), unsplit / 5);
}

TEST(AttentionKernel, TensorParallelismDividesHeadsAndReplicatesTheLastKvHead) {
  EXPECT_EQ(shard(llama_8b(), 8).heads, 4);
  EXPECT_EQ(shard(llama_8b(), 8).kv_heads, 1);
  EXPECT_EQ(shard(llama_8b(), 16).heads, 2);
  EXPECT_EQ(shard(llama_8b(), 16).kv_heads, 1);
}

TEST(AttentionKernel, WindowsBoundTheKeysRead) {
  Attention windowed = llama_8b();
  windowed.window = 128;
  EXPECT_EQ(batches(windowed, {4, 1, 4096}).decode.cached_keys, 4 * 128);
  EXPECT_EQ(batches(windowed, {4, 1, 50}).decode.cached_keys, 4 * 51);
}

// 1024 new tokens see 1 + 2 + ... + 1024 keys.
TEST(AttentionKernel, PrefillComputesTheTriangle) {
  const GpuSpec spec = h100();
  const Batches batch = batches(llama_8b(), {2, 1024, 0});
  EXPECT_EQ(batch.decode.sequences, 0);
  EXPECT_EQ(batch.prefill.attended_keys, 2 * 1024.0 * 1025 / 2);
  const KernelCost cost = prefill_attention_cost(spec, shard(llama_8b(), 1), batch.prefill);
  EXPECT_DOUBLE_EQ(cost.tensor.useful, 2 * 2 * 1024.0 * 1025 / 2 * 32 * 256);
  EXPECT_GT(cost.tensor.charged, cost.tensor.useful);
  EXPECT_GT(cost.vector.charged, 0);  // exponentials
}

// FlashAttention's own figure for long causal sequences: half to three quarters of the chip's peak.
TEST(AttentionKernel, LongPrefillReachesAPlausibleShareOfThePeak) {
  const GpuSpec spec = h100();
  const Batches batch = batches(llama_8b(), {1, 32768, 0});
  const KernelCost cost = prefill_attention_cost(spec, shard(llama_8b(), 1), batch.prefill);
  const double share = cost.tensor.useful / alone_seconds(spec, cost) / spec.tensor[0].peak.value;
  EXPECT_GT(share, 0.4);
  EXPECT_LT(share, 0.75);
}

// MLA: decode stays in latent space (576 values a key, one head), a long prompt expands to 192 + 128 per
// head.
TEST(AttentionKernel, LatentAttentionPicksTheCheaperForm) {
  EXPECT_GT(batches(deepseek(), {8, 1, 4096}).decode.sequences, 0);
  EXPECT_GT(batches(deepseek(), {1, 4096, 0}).prefill.sequences, 0);
  const GpuSpec spec = h100();
  const Batches batch = batches(deepseek(), {8, 1, 4095});
  const KernelCost cost = decode_attention_cost(spec, shard(deepseek(), 8), batch.decode);
  EXPECT_NEAR(cost.hbm.useful, 8 * 4096 * 576 * 2.0, 0.02 * 8 * 4096 * 576 * 2.0);  // not divided over tp
  EXPECT_DOUBLE_EQ(cost.tensor.useful, 2 * 8 * 4096.0 * 16 * (576 + 512));
  // Chunked prefill expands what is in the cache.
  EXPECT_EQ(batches(deepseek(), {1, 4096, 8192}).prefill.expanded_keys, 8192);
}

TEST(AttentionKernel, Fp8CacheHalvesTheBytes) {
  const GpuSpec spec = h100();
  Attention small = llama_8b();
  small.kv = Format::fp8;
  const Batches batch = batches(llama_8b(), {64, 1, 8192});
  const double wide = decode_attention_cost(spec, shard(llama_8b(), 1), batch.decode).hbm.useful;
  const double narrow = decode_attention_cost(spec, shard(small, 1), batch.decode).hbm.useful;
  EXPECT_NEAR(narrow / wide, 0.5, 0.01);
}

}  // namespace
}  // namespace memwall
