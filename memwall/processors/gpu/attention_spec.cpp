#include "memwall/processors/gpu/attention_spec.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "memwall/processors/gpu/gpu_card.h"

namespace memwall {
namespace {

// One multiplication per score and clock of a lane costs two operations; Blackwell's lanes take values in
// pairs.
constexpr double kScoreOps = 6, kPairedScoreOps = 1;

// Masked multi-head attention of TensorRT-LLM 1.0 on Ampere, of 1.3 on the others.
constexpr LaneKernel kAmpereLanes{.trips = 13.7,
                                  .first_trips = 5.1,
                                  .merge_trips = 9.2,
                                  .key_clocks = 18.3,
                                  .own_first_trips = 6,
                                  .own_key_clocks = 20.7,
                                  .hbm = 1.05};
constexpr LaneKernel kLanes{.trips = 13.3,
                            .first_trips = 4.9,
                            .merge_trips = 8.8,
                            .key_clocks = 15.9,
                            .own_first_trips = 7.3,
                            .own_key_clocks = 17.4,
                            .hbm = 0.95};
constexpr LaneKernel k8BitLanes{.trips = 13.5,
                                .first_trips = 4.8,
                                .merge_trips = 7.8,
                                .key_clocks = 16.7,
                                .own_first_trips = 6.2,
                                .own_key_clocks = 19.6,
                                .hbm = 0.83};
constexpr LaneKernel kBlackwellLanes{.trips = 14.7,
                                     .first_trips = 5.1,
                                     .merge_trips = 3,
                                     .key_clocks = 16.8,
                                     .own_first_trips = 7,
                                     .own_key_clocks = 18.5,
                                     .hbm = 1};
constexpr LaneKernel kBlackwell8BitLanes{.trips = 11.9,
                                         .first_trips = 5,
                                         .merge_trips = 4,
                                         .key_clocks = 15.9,
                                         .own_first_trips = 6.2,
                                         .own_key_clocks = 18.5,
                                         .hbm = 1};

// mma.sync with copies by cp.async: TensorRT-LLM's XQA, FlashInfer's decode.
constexpr StreamKernel kAmpereStream{.start_trips = 5.6,
                                     .tile = 64,
                                     .trips = 10,
                                     .idle_share = 0.66,
                                     .wide_share = 0.19,
                                     .row_trips = 1.2,
                                     .merge_trips = 0.8,
                                     .partial_accesses = 1.5,
                                     .key_clocks = 19.2,
                                     .key_clocks_8bit = 19.2,
                                     .row_clocks = 2.1,
                                     .fill = 28};
constexpr StreamKernel kWarpStream{.start_trips = 3.5,
                                   .tile = 64,
                                   .trips = 11,
                                   .idle_share = 0.66,
                                   .wide_share = 0.19,
                                   .row_trips = 1,
                                   .merge_trips = 1.7,
                                   .partial_accesses = 0.75,
                                   .key_clocks = 18,
                                   .key_clocks_8bit = 12,
                                   .row_clocks = 5.4,
                                   .fill = 26,
                                   .hbm_wide = 0.9,
                                   .hbm_8bit = 0.8};
// Bulk copies run ahead of the products.
constexpr StreamKernel kBulkStream{.start_trips = 3,
                                   .tile = 64,
                                   .skips = true,
                                   .trips = 1.35,
                                   .row_trips = 1.6,
                                   .merge_trips = 3.5,
                                   .partial_accesses = 0.8,
                                   .key_clocks = 16,
                                   .key_clocks_8bit = 16,
                                   .row_clocks = 2.9,
                                   .plain_key_clocks = 2.1,
                                   .fill = 60};
constexpr StreamKernel kTensorMemoryStream{.start_trips = 3.5,
                                           .tile = 128,
                                           .skips = true,
                                           .trips = 2.6,
                                           .row_trips = 1.1,
                                           .merge_trips = 5.5,
                                           .partial_accesses = 0.65,
                                           .key_clocks = 7.3,
                                           .key_clocks_8bit = 3,
                                           .fill = 70};

// vLLM's Triton kernel: blocks of 16 query rows on mma.sync, 16 segments of the keys for few sequences.
constexpr StreamKernel kTritonStream{.start_trips = 10,
                                     .segments = 16,
                                     .tile = 64,
                                     .skips = true,
                                     .trips = 0.3,
                                     .merge_trips = 27,
                                     .partial_accesses = 0,
                                     .key_clocks = 46,
                                     .key_clocks_8bit = 46,
                                     .fill = 28};
constexpr double kAnyWidth = 4096;
constexpr PrefillKernel kTritonPrefill{.tiles = {{{kAnyWidth, 16, 64, 64}}},
                                       .row_step = 1,
                                       .packs_group = true,
                                       .start_trips = 10.5,
                                       .key_clocks = 34.4,
                                       .trips = 1.5,
                                       .lone = 1,
                                       .tail = 0.7,
                                       .overlap = 1,
                                       .pointwise_ops = kScoreOps,
                                       .fp8_share = 1};

constexpr PrefillKernel kWarpPrefill{.tiles = {{{kAnyWidth, 64, 64, 64}}},
                                     .row_step = 64,
                                     .start_trips = 8.5,
                                     .trips = 0.8,
                                     .lone = 1.28,
                                     .tail = 1,
                                     .overlap = 1,
                                     .pointwise_ops = kScoreOps,
                                     .fp8_share = 0.8};

// The same for keys of 192 and values of 128, with kernels around it that rotate and cut.
constexpr PrefillKernel kWarpLatents = [] {
  PrefillKernel kernel = kWarpPrefill;
  kernel.start_trips = 2;
  kernel.trips = 4.5;
  return kernel;
}();

constexpr AttentionLibrary kAmpere{.name = "ampere",
                                   .has_lanes = true,
                                   .fixed_splits = false,
                                   .prepares_decode = false,
                                   .lanes = kAmpereLanes,
                                   .lanes_8bit = kAmpereLanes,
                                   .stream = kAmpereStream,
                                   .stream_8bit = kAmpereStream,
                                   .latent = {.start_trips = 1,
                                              .trips = 6.5,
                                              .lone_tensor = 0.4,
                                              .paired_tensor = 0.58,
                                              .query_passes = 0.5},
                                   .prefill = kWarpPrefill,
                                   .latent_prefill = kWarpLatents};

// Two groups of warps take 64 rows each; wide heads leave room for fewer keys.
constexpr PrefillKernel kBulkPrefill{
    .tiles = {{{64, 128, 256, 256}, {128, 128, 128, 256}, {kAnyWidth, 128, 64, 128}}},
    .row_step = 64,
    .widens_8bit = true,
    .start_trips = 9,
    .trips = 5.8,
    .window_trips = 4,
    .window_trips_8bit = 16,
    .lone = 1,
    .tail = 0.6,
    .overlap = 2.5,
    .pointwise_ops = 5,
    .fp8_share = 0.8};

constexpr PrefillKernel kBulkLatents = [] {
  PrefillKernel kernel = kBulkPrefill;
  kernel.start_trips = 14;
  kernel.trips = 4.8;
  kernel.share_16bit = 1.13;
  return kernel;
}();

constexpr AttentionLibrary kHopper{.name = "hopper",
                                   .has_lanes = true,
                                   .fixed_splits = false,
                                   .prepares_decode = false,
                                   .lanes = kLanes,
                                   .lanes_8bit = k8BitLanes,
                                   .stream = kWarpStream,
                                   .stream_8bit = kBulkStream,
                                   .latent = {.schedule = LatentKernel::Schedule::work_list,
                                              .start_trips = 10,
                                              .trips = 10.8,
                                              .lone_tensor = 0.72,
                                              .hbm_8bit = 0.91,
                                              .query_passes = 1.95,
                                              .merge_passes = 0.46,
                                              .partial_accesses = 0.35,
                                              .exposed_trips = 12},
                                   .prefill = kBulkPrefill,
                                   .latent_prefill = kBulkLatents,
                                   .prepare_clocks = 14};

// Tensor memory holds two tiles of 128 rows for heads of up to 128 values; a pair of SMs shares one of 512.
constexpr PrefillKernel kTensorMemoryPrefill{
    .tiles = {{{128, 256, 128, 128}, {256, 128, 128, 128}, {kAnyWidth, 128, 128, 128, 2}}},
    .row_step = 128,
    .widens_8bit = true,
    .start_trips = 11,
    .trips = 4.1,
    .window_trips = 2.4,
    .window_trips_8bit = 1.9,
    .lone = 0.9,
    .tail = 0.57,
    .overlap = 2,
    .pair_rows = 256,
    .lone_overlap = 1.12,
    .pointwise_ops = kPairedScoreOps,
    .fp8_share = 1};

// The same instructions in FlashInfer, as vLLM runs it: less time at the ends of blocks and of the kernel.
constexpr PrefillKernel kFlashInferPrefill = [] {
  PrefillKernel kernel = kTensorMemoryPrefill;
  kernel.start_trips = 10.5;
  kernel.window_trips = 0.9;
  kernel.window_trips_8bit = 1.3;
  kernel.trips = 4.2;
  kernel.lone = 0.83;
  kernel.tail = 0.42;
  kernel.lone_overlap = 1.2;
  kernel.pointwise_ops = 0.2;
  return kernel;
}();

constexpr PrefillKernel kTensorMemoryLatents = [] {
  PrefillKernel kernel = kTensorMemoryPrefill;
  kernel.start_trips = 13.5;
  kernel.lone = 0.82;
  kernel.tail = 0.4;
  kernel.overlap = 1.7;
  kernel.share_16bit = 1.08;
  kernel.fp8_share = 1.1;
  return kernel;
}();

constexpr AttentionLibrary kBlackwell{.name = "blackwell",
                                      .has_lanes = true,
                                      .fixed_splits = true,
                                      .prepares_decode = true,
                                      .lanes = kBlackwellLanes,
                                      .lanes_8bit = kBlackwell8BitLanes,
                                      .stream = kTensorMemoryStream,
                                      .stream_8bit = kTensorMemoryStream,
                                      .latent = {.schedule = LatentKernel::Schedule::waves,
                                                 .start_trips = 6.7,
                                                 .trips = 7.9,
                                                 .trips_wide = 14.2,
                                                 .lone_tensor = 0.54,
                                                 .lone_tensor_8bit = 0.315,
                                                 .paired_tensor = 0.75,
                                                 .hbm_16bit = 0.79,
                                                 .hbm_8bit = 0.93,
                                                 .fill = 33,
                                                 .query_passes = 0.44,
                                                 .merge_trips = 11,
                                                 .partial_accesses = 0.5,
                                                 .exposed_trips = 10},
                                      .prefill = kTensorMemoryPrefill,
                                      .latent_prefill = kTensorMemoryLatents,
                                      .prepare_clocks = 31,
                                      .copies_keys = true};

constexpr AttentionLibrary kCdna{.name = "cdna",
                                 .has_lanes = false,
                                 .fixed_splits = true,
                                 .prepares_decode = true,
                                 .lanes = kAmpereLanes,
                                 .lanes_8bit = kAmpereLanes,
                                 .stream = kAmpereStream,
                                 .stream_8bit = kAmpereStream,
                                 .latent = kAmpere.latent,
                                 .prefill = kWarpPrefill,
                                 .latent_prefill = kWarpLatents};

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
    if (std::string_view(kBlackwell.name) == spec.library.name) {
      spec.library.prefill = kFlashInferPrefill;
      spec.library.falls_back = true;
      spec.library.fallback_stream = kTritonStream;
      spec.library.fallback_prefill = kTritonPrefill;
    }
  }
  return spec;
}

AttentionSpec read_attention_spec(const GpuCard& card) {
  AttentionSpec spec;
  spec.library = card.library("attention.library", kLibraries);
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
