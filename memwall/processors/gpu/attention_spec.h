// attention_spec.h - what the attention kernels need to know of a GPU: latencies, and its library of kernels.
//
// What one block of threads does is counted in clocks of its SM: a library's kernels spend the same clocks on
// every chip of an architecture. Waiting is counted in memory latencies ("trips"), which the card states.
// README.md says where the counts come from.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "memwall/core/units.h"

namespace memwall {

// Decode attention on the vector lanes: a block per query head, alone on its SM when the keys are split.
struct LaneKernel {
  double trips = 0;        // that a block waits for one after another, beside its keys
  double first_trips = 0;  // more, hidden behind later ones, when there is a second round of keys
  double merge_trips = 0;  // more in every block when keys are split
  double key_clocks = 0;   // per key of 128 values
  // The same of heads that share their keys with no other, which would have brought them into L2.
  double own_first_trips = 0, own_key_clocks = 0;
  double hbm = 1;  // of the rate of other attention
};

// Decode attention on the matrix pipe: a block per sequence, KV head and split of the keys.
struct StreamKernel {
  double start_trips = 0;  // work lists, counters and descriptors, before the first block
  double segments = 0;     // splits of a kernel that knows only so many or none; 0: by the library's rule
  double tile = 0;         // keys taken at a time
  bool skips = false;      // splits are made of a window's keys; else of all, and those before it end at once
  double trips = 0;        // per block, beside its keys
  double idle_share = 0;   // of a block's wait, for one whose keys are before the window
  double wide_share = 0;   // of the trips, more per 128 values of a head beyond the first
  double row_trips = 0;    // more per unit of query rows and 128 values of a head
  double merge_trips = 0;
  double partial_accesses = 1;                 // to L2, of a merge for every partial result
  double key_clocks = 0, key_clocks_8bit = 0;  // per key of 128 values, by the cache's format
  double row_clocks = 0;                       // more for every 8 query rows beyond the first
  double plain_key_clocks = 0;                 // more per key of any width
  double fill = 0;                             // bytes per clock that one SM takes in from HBM
  double hbm_wide = 1, hbm_8bit = 1;  // of the rate of other attention: heads beyond 128 values, 8-bit caches
};

// Latent attention in decode: every query head reads the same row of latents.
struct LatentKernel {
  // pairs: two blocks share an SM, keys are not split. work_list: every SM gets an equal share of all tiles
  // of keys. waves: as many splits as fill the chip.
  enum class Schedule { pairs, work_list, waves };
  Schedule schedule = Schedule::pairs;
  double start_trips = 0;  // work lists and the merging kernel
  double trips = 0;        // per block
  double trips_wide = 0;   // per block that computes more than 32 heads
  // Share of an SM's matrix rate that a block reaches. pairs: alone on its SM, and two of them together.
  // waves: of 64 heads, which fill half of an instruction's rows, by the cache's format; of more, which fill
  // it by pairs.
  double lone_tensor = 0, lone_tensor_8bit = 0, paired_tensor = 0;
  double hbm_16bit = 1, hbm_8bit = 1;  // of the rate of other attention, by the cache's format
  double fill = 0;                     // as of StreamKernel
  double query_passes = 1;             // bytes of queries and outputs that pass HBM, per byte
  double merge_passes = 0;             // the same of partial results
  double merge_trips = 0;
  double partial_accesses = 0;  // to L2, of a merge for every partial result of a sequence
  double exposed_trips = 0;     // more when the cache comes from HBM
};

// Tiles of scores for heads of up to `widest` values.
struct PrefillTile {
  double widest = 0;
  double rows = 0, keys = 0, keys_8bit = 0;  // of a tile, by the format that is multiplied
  double sms = 1;                            // that compute one tile together
};

struct PrefillKernel {
  std::array<PrefillTile, 3> tiles{};
  double row_step = 0;       // rows of a tile that has fewer queries: whole multiples of this
  bool packs_group = false;  // rows are the heads of a group, then its queries; else queries of one head
  bool widens_8bit = false;  // 8-bit operands are padded to a power of two of values
  double start_trips = 0;    // as of StreamKernel
  double key_clocks =
      0;             // per 16 rows and key of 128 values where products are not the limit, softmax included
  double trips = 0;  // per block
  double window_trips = 0, window_trips_8bit = 0;  // more to mask the far edge of a window
  double lone = 1;  // a block that has the chip to itself takes so many times its share of a full chip
  double tail = 0;  // of the longest block's time that passes at the end
  // p of the p-norm of products and softmax: 1 in turn, large side by side. lone_overlap: in tiles of fewer
  // than pair_rows rows, where little else is there to multiply while softmax runs.
  double overlap = 1, pair_rows = 0, lone_overlap = 1;
  double pointwise_ops = 0;  // per score beside the exponential: scale, maximum, subtract, sum, convert
  double fp8_share = 1;      // of fp8's rate over that of bf16's
  double share_16bit = 1;    // of the tensor rate that 16-bit products reach
};

struct AttentionLibrary {
  const char* name;
  bool has_lanes;        // decode may run on the vector lanes
  bool fixed_splits;     // keys are split by 256 until the SMs are full; else by a rule of thumb
  bool prepares_decode;  // a kernel before decode writes the new keys; else decode itself does
  LaneKernel lanes, lanes_8bit;
  StreamKernel stream, stream_8bit;
  LatentKernel latent;
  PrefillKernel prefill, latent_prefill;
  double prepare_clocks = 0;  // of an SM per token and head, beside the bytes that the preparing kernel moves
  bool copies_keys = false;   // latent prefill's keys are put together before it, head by head
  // For heads whose width is no power of two, where nothing better was compiled for them.
  bool falls_back = false;
  StreamKernel fallback_stream = {};
  PrefillKernel fallback_prefill = {};
};

enum class AttentionEngine { tensorrt_llm, vllm };
inline constexpr int kAttentionEngineCount = 2;
// "tensorrt-llm" or "vllm", else nothing.
std::optional<AttentionEngine> parse_attention_engine(const std::string& text);

struct AttentionSpec {
  AttentionLibrary library;
  AttentionEngine engine = AttentionEngine::tensorrt_llm;
  // TensorRT-LLM's operator rotates, converts and stores keys by a kernel of its own, before; in vLLM's model
  // those are operators beside it.
  bool prepares = false;
  bool prefills_any_prompt = false;           // also of one token; else that is decoded
  Seconds start;                              // launch, query in, output out
  Seconds prepare_start;                      // the same of the preparing kernel
  double memory_latency = 0, l2_latency = 0;  // SM clocks of one dependent access, under load
  double prepare_feed = 0;  // bytes per clock and SM that the preparing kernel loads and stores at most
  double tensor = 0;        // share of the peak that products inside attention reach
  double l2_kept = 0;       // share of L2 within which a cache that is read again is still there
};

class GpuCard;
std::vector<std::string> attention_keys();
AttentionSpec read_attention_spec(const GpuCard& card);
// The same chip with another engine's kernels.
AttentionSpec with_engine(AttentionSpec spec, AttentionEngine engine);

}  // namespace memwall
