#include "memwall/processors/gpu/gemm_spec.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "memwall/processors/gpu/gpu_card.h"

namespace memwall {
namespace {

enum class Architecture { ampere, hopper, blackwell, cdna };

// Which kernels multiply fp8 with blocks of scales: DeepGEMM's, TensorRT-LLM's of 32 x 128 for Ada, square
// ones of half the area (two sets of sums in registers), or the wide ones where the matrix pipe applies
// scales.
enum class ScaledKernels { deep_gemm, ada, half, wide };

// Constants of the libraries, by architecture.
struct LibraryFacts {
  const char* name;
  int overlap;
  double slowdown_power;     // slowdown = (128 x 256 / area)^power
  double step, scaled_step;  // s
  double store_passes, scaled_store_passes;
  double draw;          // bytes per clock and SM
  bool has_fine_tiles;  // widths in steps of 16, else powers of two
  ScaledKernels scaled;
};
constexpr double kFullTile = 128 * 256;
constexpr double kMostSplits = 64;

// draw: A100's L2 gives 5120 B per clock to 108 SMs (whitepaper), less than the port of 64 B takes; later
// ones fill the port, and clusters share loads: Hopper's of two a fifth of them, Blackwell's pairs of pairs
// all.
constexpr LibraryFacts kLibraries[] = {
    {"ampere", 4, 0.12, 0.32e-6, 0.32e-6, 1.5, 1.5, 47, false, ScaledKernels::ada},
    {"hopper", 2, 0, 0.08e-6, 0.115e-6, 0.9, 1.4, 77, true, ScaledKernels::deep_gemm},
    {"blackwell", 2, 0.35, 0.04e-6, 0.1e-6, 1.2, 1, 256, true, ScaledKernels::wide},
    {"cdna", 2, 0.1, 0.31e-6, 0.31e-6, 1.3, 1.3, 64, false, ScaledKernels::half},
};

// Kernels of four-bit operands by engine. Blackwell's matrix pipe holds scales and sums in a memory of its
// own; how deep the stages before it are is the kernel's.
struct PackedFacts {
  double step;  // of the card's
  double far_step, store_passes;
  int overlap;
  bool in_pairs;  // two SMs compute 256 rows of tokens together, however few there are
};
constexpr PackedFacts kTensorRtPacked = {1, 0.25, 2.6, 4, false};  // tuned over CUTLASS's tiles
constexpr PackedFacts kVllmPacked = {0.3, 1.2, 1.1, 2, true};      // CUTLASS's tiles by a fixed rule

using Sizes = std::vector<std::pair<double, double>>;

// One side of 128, the other 16 to 256 in steps of 16, either way round (nvjet's kernel names say both).
Sizes fine_tiles() {
  Sizes sizes;
  for (int side = 16; side <= 256; side += 16) {
    sizes.emplace_back(side, 128);
    if (side != 128) {
      sizes.emplace_back(128, side);
    }
  }
  return sizes;
}
// CUTLASS's for Ampere.
Sizes coarse_tiles() {
  return {{16, 64},   {32, 64},   {32, 128},  {64, 64},  {64, 128}, {128, 64},
          {128, 128}, {128, 256}, {256, 128}, {64, 256}, {256, 64}};
}
// Products of the two lists that a block's registers hold.
Sizes products(std::initializer_list<double> heights, std::initializer_list<double> widths) {
  Sizes sizes;
  for (const double m : heights) {
    for (const double n : widths) {
      if (m * n <= kFullTile) {
        sizes.emplace_back(m, n);
      }
    }
  }
  return sizes;
}
// Four-bit operands: weights in tiles of 128 or 256, tokens in powers of two.
Sizes packed_tiles() { return products({8, 16, 32, 64, 128, 256}, {128, 256}); }
Sizes packed_pairs() { return {{256, 128}}; }

std::vector<GemmTile> tiles_of(const Sizes& sizes, double slowdown_power, double sms = 1) {
  std::vector<GemmTile> tiles;
  for (const auto& [m, n] : sizes) {
    tiles.push_back({m, n, std::max(1.0, std::pow(kFullTile * sms / (m * n), slowdown_power)), sms});
  }
  return tiles;
}

GemmKernels wide_kernels(const LibraryFacts& library) {
  GemmKernels kernels;
  kernels.tiles = tiles_of(library.has_fine_tiles ? fine_tiles() : coarse_tiles(), library.slowdown_power);
  kernels.most_splits = kMostSplits;
  kernels.step = Seconds(library.step);
  kernels.store_passes = library.store_passes;
  kernels.draw = library.draw;
  kernels.overlap = library.overlap;
  return kernels;
}

GemmKernels scaled_kernels(const LibraryFacts& library) {
  GemmKernels kernels = wide_kernels(library);
  kernels.most_splits = 1;
  kernels.step = Seconds(library.scaled_step);
  kernels.store_passes = library.scaled_store_passes;
  switch (library.scaled) {
    case ScaledKernels::deep_gemm:
      kernels.choice = TileChoice::fewest_waves;
      break;
    case ScaledKernels::ada:
      kernels.tiles = tiles_of({{32, 128}}, 0);
      break;
    case ScaledKernels::half:
      kernels.tiles = tiles_of(products({64, 128}, {64, 128}), library.slowdown_power);
      break;
    case ScaledKernels::wide:
      break;
  }
  return kernels;
}

GemmKernels packed_kernels(const LibraryFacts& library, const PackedFacts& packed, Seconds step) {
  GemmKernels kernels = wide_kernels(library);
  kernels.tiles = packed.in_pairs ? tiles_of(packed_pairs(), library.slowdown_power, 2)
                                  : tiles_of(packed_tiles(), library.slowdown_power);
  kernels.most_splits = 1;
  kernels.step = packed.step * step;
  kernels.far_step = packed.far_step;
  kernels.store_passes = packed.store_passes;
  kernels.overlap = packed.overlap;
  return kernels;
}

}  // namespace

const GemmKernels& GemmSpec::kernels(Format activation) const {
  if (info(activation).bits < 8) {
    return packed;
  }
  return activation == Format::fp8_block ? scaled : wide;
}

std::vector<std::string> gemm_keys() {
  return {"sm.boost",  "gemm.library",     "gemm.start",      "gemm.helper_start",
          "gemm.feed", "gemm.packed_step", "gemm.l2_retained"};
}

GemmSpec read_gemm_spec(const GpuCard& card) {
  GemmSpec spec;
  const LibraryFacts& library = card.library("gemm.library", kLibraries);
  spec.boost = card.get<Hertz>("sm.boost");
  spec.start = card.get<Seconds>("gemm.start");
  spec.helper_start = card.get<Seconds>("gemm.helper_start");
  spec.feed = card.get<BytesPerSecond>("gemm.feed");
  spec.retained = card.fraction("gemm.l2_retained");
  spec.scales_in_software = library.scaled != ScaledKernels::wide;

  spec.wide = wide_kernels(library);
  spec.scaled = scaled_kernels(library);
  spec.packed =
      packed_kernels(library, card.word("attention.engine") == "vllm" ? kVllmPacked : kTensorRtPacked,
                     card.get<Seconds>("gemm.packed_step"));
  return spec;
}

}  // namespace memwall
