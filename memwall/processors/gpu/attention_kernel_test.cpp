// Questions: does decode attention read each key once and take its waves of blocks, does prefill compute the
// causal triangle in whole tiles, and does more work never take less?
#include "memwall/processors/gpu/attention_kernel.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/core/error.h"
#include "tests/support/check_property.h"

namespace memwall {
namespace {

using testing::HasSubstr;

// As its card was before anything was fitted.
GpuSpec spec_of(const std::string& chip) {
  static std::map<std::string, GpuSpec> specs;
  if (specs.count(chip) == 0) {
    System system = read_system("1x" + chip);
    system.pools[0].chip = system.chip().without_calibration();
    specs.emplace(chip, read_gpu_spec(system));
  }
  return specs.at(chip);
}
GpuSpec h100() { return spec_of("h100"); }

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
  add_slice(h100().attention, attention, slice, 1, result.decode, result.prefill);
  return result;
}

double decode_seconds(const GpuSpec& spec, const Attention& attention, const Slice& slice,
                      double operand_sets = 0) {
  AttentionBatch batch = batches(attention, slice).decode;
  batch.operand_sets = operand_sets;
  return alone_seconds(spec, decode_attention_cost(spec, shard(attention, 1), batch));
}
double clocks(const GpuSpec& spec, double count) { return count / spec.clock.value; }

// 64 sequences x 8193 keys x 8 heads x 256 values x 2 B = 2.148 GB at 0.9 of 3.35 TB/s, and latencies.
TEST(AttentionKernel, LongDecodeIsKvBytesOverBandwidth) {
  const GpuSpec spec = h100();
  const Batches batch = batches(llama_8b(), {64, 1, 8192});
  const KernelCost cost = decode_attention_cost(spec, shard(llama_8b(), 1), batch.decode);
  const double kv = 64.0 * 8193 * 8 * 256 * 2;
  EXPECT_NEAR(cost.hbm.useful, kv, 0.002 * kv);
  const double stream = kv / (spec.hbm_bandwidth.value * spec.hbm_attention);
  EXPECT_NEAR(alone_seconds(spec, cost), stream, 0.05 * stream);
}

// Too few keys for the matrix kernel: one block per query head on the lanes, 13.3 + 4.9 latencies of 700
// clocks.
TEST(AttentionKernel, OneShortSequenceIsAStartAndTheWaitsOfABlock) {
  const GpuSpec spec = h100();
  const double expected = spec.attention.start.value + clocks(spec, 18.2 * 700);
  EXPECT_NEAR(decode_seconds(spec, llama_8b(), {1, 1, 16}), expected, 0.01 * expected);
}

// 32 sequences x 8 KV heads are two waves of 132 blocks. A block of 4 query heads waits 11 + 4 / 8 latencies
// and takes a tile of 64 keys at 18 clocks each; three and a half latencies pass before the first.
TEST(AttentionKernel, ShortKeysTakeWholeWavesOfBlocks) {
  const GpuSpec spec = h100();
  const double block = clocks(spec, 11.5 * 700 + 18 * 64);
  const double rows = 32 * (2 * 32 + 4 * 8) * 128 * 2 / (spec.hbm_bandwidth.value * spec.hbm_attention);
  EXPECT_NEAR(decode_seconds(spec, llama_8b(), {32, 1, 3}),
              spec.attention.start.value + clocks(spec, 3.5 * 700) + 2 * block + rows, 1e-8);
}

// One sequence of 32768 keys on 8 KV heads would fill 8 of 132 SMs: XQA cuts 256 chunks into sqrt(8 x 256)
// parts, Blackwell's kernels into as many as fill 148 SMs.
TEST(AttentionKernel, KeysAreSplitToFillTheSms) {
  const double unsplit = clocks(h100(), 18 * 32768.0);
  EXPECT_LT(decode_seconds(h100(), llama_8b(), {1, 1, 32767}), unsplit / 4);
  const GpuSpec b200 = spec_of("b200");
  const double merged =
      decode_seconds(b200, llama_8b(), {1, 1, 32767}) - decode_seconds(b200, llama_8b(), {1, 1, 255});
  EXPECT_GT(merged, clocks(b200, 18 * 0.65 * b200.attention.l2_latency));  // 18 partial results
}

// Far from its window XQA still starts a block for every split of the 32768 keys, 16 of them for 8 sequences
// of 8 KV heads: eight waves of 132 that wait two thirds of a block's wait and end.
TEST(AttentionKernel, SplitsBeforeAWindowStillStart) {
  const GpuSpec spec = h100();
  Attention windowed = llama_8b();
  windowed.window = 128;
  const double wait = clocks(spec, (11 + 0.5) * 700);
  const double longer =
      decode_seconds(spec, windowed, {8, 1, 32767}) - decode_seconds(spec, windowed, {8, 1, 127});
  EXPECT_GT(longer, 6 * 0.66 * wait);
  EXPECT_LT(longer, 8 * wait);
}

// Slightly more blocks of lanes than SMs: each is built to fill an SM, so that the last ones make a second
// round; twice as many are built to share.
TEST(AttentionKernel, AFewBlocksMoreThanSmsTakeTwice) {
  const GpuSpec spec = h100();
  Attention heads = llama_8b();
  heads.kv_heads = 32;
  const double one = decode_seconds(spec, heads, {4, 1, 63});     // 128 blocks
  const double more = decode_seconds(spec, heads, {5, 1, 63});    // 160
  const double shared = decode_seconds(spec, heads, {8, 1, 63});  // 256
  EXPECT_GT(more - spec.attention.start.value, 1.8 * (one - spec.attention.start.value));
  EXPECT_LT(shared, more);
}

// 64 x 1024 keys x 4 KiB = 268 MB pass 50 MB of L2; a sixteenth of that stays there from one run to the next.
TEST(AttentionKernel, ACacheThatABenchmarkReadsAgainIsInL2) {
  const GpuSpec spec = h100();
  const auto bytes = [&](std::int64_t sequences) {
    AttentionBatch batch = batches(llama_8b(), {sequences, 1, 1023}).decode;
    batch.operand_sets = 1;
    return decode_attention_cost(spec, shard(llama_8b(), 1), batch).hbm.charged /
           (static_cast<double>(sequences) * 4194304);
  };
  EXPECT_GT(bytes(64), 0.99);
  EXPECT_LT(bytes(4), 0.1);
  EXPECT_LT(decode_seconds(spec, llama_8b(), {4, 1, 1023}, 1),
            decode_seconds(spec, llama_8b(), {4, 1, 1023}));
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

// Tiles counted one by one: of 128 queries, against every tile of 128 keys of which one is seen.
TEST(AttentionKernel, PrefillComputesWholeTiles) {
  const GpuSpec spec = h100();
  const auto tiles = [](std::int64_t tokens, std::int64_t past, std::int64_t window) {
    std::int64_t count = 0;
    for (std::int64_t first = 0; first < tokens; first += 128) {
      const std::int64_t last = std::min(first + 128, tokens) - 1 + past;
      const std::int64_t oldest = window > 0 ? std::max<std::int64_t>(0, first + past - window + 1) : 0;
      count += last / 128 - oldest / 128 + 1;
    }
    return static_cast<double>(count);
  };
  struct Case {
    std::int64_t tokens, past, window;
  };
  for (const Case& each : {Case{1024, 0, 0},
                           {1000, 0, 0},
                           {100, 0, 0},
                           {512, 1024, 0},
                           {4096, 0, 1024},
                           {4096, 0, 128},
                           {2048, 8192, 512}}) {
    Attention attention = llama_8b();
    attention.window = each.window;
    const Batches batch = batches(attention, {2, each.tokens, each.past});
    const KernelCost cost = prefill_attention_cost(spec, shard(attention, 1), batch.prefill);
    const double charged = cost.tensor.charged / (4 * 128 * 128 * 128.0) / (2 * 32);
    EXPECT_NEAR(charged, tiles(each.tokens, each.past, each.window), 1e-6)
        << each.tokens << " " << each.window;
    EXPECT_GE(cost.tensor.charged, cost.tensor.useful);
  }
}

// A tile takes its products and its softmax: on Hopper side by side as far as their 2.5-norm.
TEST(AttentionKernel, LongPrefillIsTilesOverSms) {
  const GpuSpec spec = h100();
  const Batches batch = batches(llama_8b(), {1, 32768, 0});
  const KernelCost cost = prefill_attention_cost(spec, shard(llama_8b(), 1), batch.prefill);
  const double scores = 128 * 128, sm = spec.sms;
  const double products = 4 * scores * 128 * sm / (spec.tensor[0].peak.value * spec.attention.tensor);
  const double softmax = scores * (spec.exp_ops + 5) * sm / (spec.vector_peak.value * spec.vector_achieved);
  const double tile = std::pow(std::pow(products, 2.5) + std::pow(softmax, 2.5), 1 / 2.5);
  const double expected = 32 * 256 * 257 / 2.0 * tile / sm;
  EXPECT_NEAR(alone_seconds(spec, cost), expected, 0.06 * expected);
  const double share = cost.tensor.useful / alone_seconds(spec, cost) / spec.tensor[0].peak.value;
  EXPECT_GT(share, 0.45);  // FlashAttention-3's figures: half to three quarters of the peak
  EXPECT_LT(share, 0.75);
}

// Two tiles of 128 rows share Blackwell's tensor memory, a head of 256 values leaves room for one: its
// products and softmax nearly take turns, so that they take longer beside their operations than those of 128
// values.
TEST(AttentionKernel, WideHeadsLeaveRoomForOneTileOnBlackwell) {
  const GpuSpec spec = spec_of("b200");
  const auto per_op = [&](std::int64_t width) {
    Attention attention = llama_8b();
    attention.qk_dim = attention.v_dim = width;
    const AttentionBatch batch = batches(attention, {1, 65536, 0}).prefill;
    const KernelCost cost = prefill_attention_cost(spec, shard(attention, 1), batch);
    return alone_seconds(spec, cost) / cost.tensor.useful;
  };
  const double products = 1 / (spec.tensor[0].peak.value * spec.attention.tensor);
  const double exponentials = (spec.exp_ops + 1) / (spec.vector_peak.value * spec.vector_achieved);
  const double narrow = std::hypot(products, exponentials / (4 * 128));
  const double wide = std::pow(std::pow(products, 1.12) + std::pow(exponentials / (4 * 256), 1.12), 1 / 1.12);
  EXPECT_NEAR(per_op(128) / narrow, 1, 0.05);
  EXPECT_NEAR(per_op(256) / wide, 1, 0.05);
}

// 512 tokens of 32 query and 8 KV heads of 128 values in bf16. Every query head's block loads a query, a key
// and a value and stores a query: 4 x 256 B at 33 B per clock, beside 14 clocks; keys and values are stored
// once.
TEST(AttentionKernel, PreparingLoadsAKeyAndAValueForEveryQueryHead) {
  const GpuSpec spec = h100();
  const KernelCost cost = prepare_cost(spec, shard(llama_8b(), 1), batches(llama_8b(), {1, 512, 0}).prefill);
  const double rows = 512 * 32;
  const double expected = (rows * (1024 / 33.0 + 14) + 512 * 8 * 512 / 33.0) / 132;
  EXPECT_NEAR(alone_seconds(spec, cost), spec.attention.prepare_start.value + clocks(spec, expected), 1e-8);
  EXPECT_DOUBLE_EQ(cost.hbm.useful, 512 * 8 * 512);
}

// In fp8 every head's query, key and value (192, 192 and 128 values) are read in 16 bits and written, padded
// to powers of two, in 8: 1664 B. Else Hopper turns 64 values of every query, and Blackwell copies whole
// keys.
TEST(AttentionKernel, PreparingLatentsConvertsEveryHead) {
  Attention latent = deepseek();
  const auto bytes = [&](const std::string& chip) {
    const AttentionBatch batch = batches(latent, {4, 8192, 0}).prefill;
    return prepare_cost(spec_of(chip), shard(latent, 1), batch).hbm.charged / 32768;
  };
  EXPECT_NEAR(bytes("h100"), 128 * 256 + 2 * 576 * 2, 1);
  EXPECT_NEAR(bytes("b200"), 128 * 640 + 2 * 576 * 2, 1);
  latent.kv = Format::fp8;
  EXPECT_NEAR(bytes("h100"), 128 * 1664 + 3 * 576, 1);
  EXPECT_NEAR(bytes("a100"), 128 * 256 + 3 * 576, 1);  // which cannot multiply fp8
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

// trtllm-gen multiplies latents in the cache's format, FlashMLA in 16 bits.
TEST(AttentionKernel, LatentsAreMultipliedIn8BitsOnBlackwellOnly) {
  Attention latent = deepseek();
  latent.kv = Format::fp8;
  const AttentionBatch batch = batches(latent, {8, 1, 4095}).decode;
  EXPECT_EQ(decode_attention_cost(spec_of("b200"), shard(latent, 8), batch).arithmetic, Format::fp8);
  EXPECT_EQ(decode_attention_cost(spec_of("h100"), shard(latent, 8), batch).arithmetic, Format::bf16);
}

// A window that lies within one tile of keys costs nothing more to mask; 256 keys of 64 values in bf16 do,
// 512 do not.
TEST(AttentionKernel, AWindowWithinATileNeedsNoMask) {
  const GpuSpec spec = h100();
  Attention attention = llama_8b();
  attention.qk_dim = attention.v_dim = 64;
  Attention windowed = attention;
  windowed.window = 128;
  const auto seconds = [&](const Attention& each, std::int64_t tokens) {
    return alone_seconds(
        spec, prefill_attention_cost(spec, shard(each, 1), batches(each, {64, tokens, 0}).prefill));
  };
  EXPECT_LE(seconds(windowed, 256), seconds(attention, 256));
  EXPECT_GT(seconds(windowed, 512), seconds(attention, 512));
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

// TensorRT-LLM prefills a prompt of one token, vLLM decodes it; both decode the token after a prompt.
TEST(AttentionKernel, EnginesDifferInWhatAPromptIs) {
  for (const AttentionEngine engine : {AttentionEngine::tensorrt_llm, AttentionEngine::vllm}) {
    const AttentionSpec spec = with_engine(h100().attention, engine);
    AttentionBatch decode, prefill;
    add_slice(spec, llama_8b(), {1, 1, 0}, 1, decode, prefill);
    EXPECT_EQ(prefill.sequences, engine == AttentionEngine::tensorrt_llm ? 1 : 0);
    add_slice(spec, llama_8b(), {1, 1, 5}, 1, decode, prefill);
    EXPECT_EQ(decode.sequences, engine == AttentionEngine::tensorrt_llm ? 1 : 2);
  }
}

TEST(AttentionKernel, RefusesUnknownLibrariesAndEngines) {
  const auto refusal = [](const std::string& key) {
    System system = read_system("1xh100");
    system.pools[0].chip.words.at(key).text = "jax";
    try {
      read_gpu_spec(system);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal("attention.library"), HasSubstr("ampere, hopper, blackwell or cdna"));
  EXPECT_THAT(refusal("attention.engine"), HasSubstr("tensorrt-llm or vllm"));
}

// More sequences or a longer prompt never take less; the bound never more than the schedule.
// Up to what a library's rule of thumb for splits gives away: it counts blocks, not time, and where one more
// sequence takes a split away, blocks that stood in a half-filled wave may be gone.
TEST(AttentionKernel, MoreSequencesNeverTakeLess) {
  constexpr double kStep = 0.2;
  check_property(300, [&] {
    const GpuSpec spec =
        spec_of(*rc::gen::elementOf(std::vector<std::string>{"a100", "h100", "b200", "mi300x"}));
    Attention attention = pick(0, 3) == 0 ? deepseek() : llama_8b();
    attention.window = attention.is_latent() ? 0 : pick<std::int64_t>(0, 2) * 1024;
    const Slice fewer{pick<std::int64_t>(1, 300), pick(0, 2) == 0 ? 1 : pick<std::int64_t>(9, 5000),
                      pick<std::int64_t>(1, 5000)};
    Slice more = fewer;
    more.count += pick<std::int64_t>(0, 300);
    const auto seconds = [&](const Slice& slice) {
      AttentionBatch decode, prefill;
      add_slice(spec.attention, attention, slice, 1, decode, prefill);
      const KernelCost cost = decode.sequences > 0
                                  ? decode_attention_cost(spec, shard(attention, 1), decode)
                                  : prefill_attention_cost(spec, shard(attention, 1), prefill);
      RC_ASSERT(cost.hbm.useful <= cost.hbm.charged);
      RC_ASSERT(cost.tensor.useful <= cost.tensor.charged);
      RC_ASSERT(cost.vector.useful <= cost.vector.charged);
      return alone_seconds(spec, cost);
    };
    RC_LOG() << fewer.count << " to " << more.count << " sequences, " << fewer.new_tokens << " new\n";
    RC_ASSERT((1 - kStep) * seconds(fewer) <= seconds(more));
  });
}

}  // namespace
}  // namespace memwall
