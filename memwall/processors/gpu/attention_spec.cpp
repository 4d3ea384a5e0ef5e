#include "memwall/processors/gpu/attention_spec.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "memwall/processors/gpu/gpu_card.h"

namespace memwall {
namespace {

// One multiplication per score and clock of a lane costs two operations; Blackwell's lanes take values in
// pairs.
constexpr double kScoreOps = 6, kPairedScoreOps = 3;

constexpr LaneKernel kLanes{.trips = 13, .first_trips = 5, .merge_trips = 9, .key_clocks = 17};
// mma.sync with copies by cp.async: TensorRT-LLM's XQA, FlashInfer's decode.
constexpr StreamKernel kWarpStream{.start_trips = 5,
                                   .tile = 64,
                                   .trips = 10,
                                   .wide_share = 0.13,
                                   .row_trips = 1.4,
                                   .merge_trips = 3.5,
                                   .key_clocks = 20,
                                   .key_clocks_8bit = 20,
                                   .fill = 28};
// Bulk copies run ahead of the products.
constexpr StreamKernel kBulkStream{.start_trips = 0,
                                   .tile = 64,
                                   .trips = 1.6,
                                   .wide_share = 0,
                                   .row_trips = 1.7,
                                   .merge_trips = 3,
                                   .key_clocks = 14,
                                   .key_clocks_8bit = 14,
                                   .fill = 60};
constexpr StreamKernel kTensorMemoryStream{.start_trips = 4,
                                           .tile = 128,
                                           .trips = 2.6,
                                           .wide_share = 0,
                                           .row_trips = 1.5,
                                           .merge_trips = 5,
                                           .partial_accesses = 0.65,
                                           .key_clocks = 8,
                                           .key_clocks_8bit = 3.6,
                                           .fill = 75};

// vLLM's Triton kernel: blocks of 16 query rows on mma.sync, 16 segments of the keys for few sequences.
constexpr StreamKernel kTritonStream{.start_trips = 5,
                                     .segments = 16,
                                     .tile = 64,
                                     .trips = 0.5,
                                     .merge_trips = 5,
                                     .partial_accesses = 0.65,
                                     .key_clocks = 46,
                                     .key_clocks_8bit = 46,
                                     .fill = 28};
constexpr PrefillKernel kTritonPrefill{.rows = 64,
                                       .keys = 64,
                                       .start_trips = 6,
                                       .key_clocks = 35,
                                       .trips = 0.5,
                                       .lone = 1,
                                       .tail = 0.5,
                                       .overlap = 1,
                                       .pointwise_ops = kScoreOps,
                                       .fp8_share = 1};

constexpr PrefillKernel kWarpPrefill{.rows = 64,
                                     .keys = 64,
                                     .row_tiles = 1,
                                     .start_trips = 6,
                                     .trips = 3,
                                     .window_trips = 0,
                                     .window_trips_8bit = 0,
                                     .lone = 1.25,
                                     .tail = 0.95,
                                     .overlap = 1,
                                     .pointwise_ops = kScoreOps,
                                     .fp8_share = 0.8};

constexpr AttentionLibrary kAmpere{.name = "ampere",
                                   .has_lanes = true,
                                   .fixed_splits = false,
                                   .prepares_decode = false,
                                   .lanes = kLanes,
                                   .stream = kWarpStream,
                                   .stream_8bit = kWarpStream,
                                   .latent = {.start_trips = 1,
                                              .trips = 6.5,
                                              .lone_tensor = 0.4,
                                              .paired_tensor = 0.58,
                                              .query_passes = 0.5},
                                   .prefill = kWarpPrefill};

constexpr AttentionLibrary kHopper{.name = "hopper",
                                   .has_lanes = true,
                                   .fixed_splits = false,
                                   .prepares_decode = false,
                                   .lanes = kLanes,
                                   .stream = kWarpStream,
                                   .stream_8bit = kBulkStream,
                                   .latent = {.schedule = LatentKernel::Schedule::work_list,
                                              .start_trips = 10,
                                              .trips = 10,
                                              .lone_tensor = 0.7,
                                              .query_passes = 1.8,
                                              .merge_passes = 0.3,
                                              .exposed_trips = 15},
                                   .prefill = {.rows = 128,
                                               .keys = 128,
                                               .row_tiles = 1,
                                               .start_trips = 6,
                                               .trips = 6,
                                               .window_trips = 6,
                                               .window_trips_8bit = 18,
                                               .lone = 1.05,
                                               .tail = 0.65,
                                               .overlap = 2,
                                               .pointwise_ops = kScoreOps,
                                               .fp8_share = 0.78}};

constexpr AttentionLibrary kBlackwell{.name = "blackwell",
                                      .has_lanes = true,
                                      .fixed_splits = true,
                                      .prepares_decode = true,
                                      .lanes = kLanes,
                                      .stream = kTensorMemoryStream,
                                      .stream_8bit = kTensorMemoryStream,
                                      .latent = {.schedule = LatentKernel::Schedule::waves,
                                                 .start_trips = 10,
                                                 .trips = 7,
                                                 .trips_wide = 13,
                                                 .lone_tensor = 0.6,  // of 128 rows, of which a block uses 64
                                                 .hbm_16bit = 0.78,
                                                 .hbm_8bit = 0.89,
                                                 .fill = 33,
                                                 .query_passes = 0.4,
                                                 .merge_trips = 7},
                                      .prefill = {.rows = 128,
                                                  .keys = 128,
                                                  .row_tiles = 1,
                                                  .start_trips = 6,
                                                  .trips = 5,
                                                  .window_trips = 3,
                                                  .window_trips_8bit = 3,
                                                  .lone = 1.35,
                                                  .tail = 0.9,
                                                  .overlap = 2.4,
                                                  .pointwise_ops = kPairedScoreOps,
                                                  .fp8_share = 0.85}};

constexpr AttentionLibrary kCdna{.name = "cdna",
                                 .has_lanes = false,
                                 .fixed_splits = true,
                                 .prepares_decode = true,
                                 .lanes = kLanes,
                                 .stream = kWarpStream,
                                 .stream_8bit = kWarpStream,
                                 .latent = kAmpere.latent,
                                 .prefill = kWarpPrefill};

constexpr std::array kLibraries = {kAmpere, kHopper, kBlackwell, kCdna};

}  // namespace

std::vector<std::string> attention_keys() {
  return {"attention.library",       "attention.engine",         "attention.start",
          "attention.prepare_start", "attention.memory_latency", "attention.l2_latency",
          "attention.prepare_feed",  "attention.tensor",         "attention.l2_kept"};
}

std::optional<AttentionEngine> parse_attention_engine(const std::string& text) {
  if (text == "tensorrt-llm") {
    return AttentionEngine::tensorrt_llm;
  }
  return text == "vllm" ? std::optional(AttentionEngine::vllm) : std::nullopt;
}

AttentionSpec with_engine(AttentionSpec spec, AttentionEngine engine) {
  const auto* library = std::find_if(kLibraries.begin(), kLibraries.end(), [&](const AttentionLibrary& each) {
    return std::string_view(each.name) == spec.library.name;
  });
  spec.library = *library;
  spec.engine = engine;
  spec.prepares = spec.prefills_any_prompt = engine == AttentionEngine::tensorrt_llm;
  if (engine == AttentionEngine::vllm) {
    spec.library.has_lanes = false;
    if (spec.library.fixed_splits) {  // FlashInfer's prefill keeps two tiles of rows in flight per block
      spec.library.prefill.row_tiles = 2;
      spec.library.falls_back = spec.library.stream.tile == kTensorMemoryStream.tile;
      spec.library.fallback_stream = kTritonStream;
      spec.library.fallback_prefill = kTritonPrefill;
    }
  }
  return spec;
}

AttentionSpec read_attention_spec(const GpuCard& card) {
  AttentionSpec spec;
  const std::string library = card.word("attention.library");
  const auto* found = std::find_if(kLibraries.begin(), kLibraries.end(),
                                   [&](const AttentionLibrary& each) { return library == each.name; });
  if (found == kLibraries.end()) {
    card.refuse_word("attention.library", "ampere, hopper, blackwell or cdna");
  }
  spec.library = *found;
  const std::optional<AttentionEngine> engine = parse_attention_engine(card.word("attention.engine"));
  if (!engine) {
    card.refuse_word("attention.engine", "tensorrt-llm or vllm");
  }
  spec.start = card.get<Seconds>("attention.start");
  spec.prepare_start = card.get<Seconds>("attention.prepare_start");
  spec.memory_latency = card.get<Ratio>("attention.memory_latency").value;
  spec.l2_latency = card.get<Ratio>("attention.l2_latency").value;
  spec.prepare_feed = card.get<Ratio>("attention.prepare_feed").value;
  spec.tensor = card.fraction("attention.tensor");
  spec.l2_kept = card.fraction("attention.l2_kept");
  return with_engine(spec, *engine);
}

}  // namespace memwall
