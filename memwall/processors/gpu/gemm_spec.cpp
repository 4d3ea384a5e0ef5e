#include "memwall/processors/gpu/gemm_spec.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "memwall/processors/gpu/gpu_card.h"

namespace memwall {
namespace {

enum class Architecture { ampere, hopper, blackwell, cdna };

// Constants of the libraries, by architecture.
struct LibraryFacts {
  const char* name;
  double slowdown_power;     // slowdown = (128 x 256 / area)^power
  double step, scaled_step;  // s
  double store_passes, scaled_store_passes;
  double sharing;
  bool has_fine_tiles;  // widths in steps of 16, else powers of two
  bool scales_in_software;
};
constexpr double kFullTile = 128 * 256;
constexpr double kMostSplits = 64;
constexpr double kPackedStorePasses = 1.8;

constexpr LibraryFacts kLibraries[] = {
    {"ampere", 0.1, 0.31e-6, 0.31e-6, 1.3, 1.3, 1, false, true},
    {"hopper", 0, 0.06e-6, 0.13e-6, 0.9, 1.3, 1, true, true},
    {"blackwell", 0.2, 0.06e-6, 0.1e-6, 1, 0.7, 2, true, false},
    {"cdna", 0.1, 0.31e-6, 0.31e-6, 1.3, 1.3, 1, false, true},
};

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
// Scales applied in software hold two sets of sums in registers: half the area, no fine widths.
Sizes software_scaled_tiles() { return products({64, 128}, {64, 128}); }

GemmKernels kernels_of(const Sizes& sizes, const LibraryFacts& library) {
  GemmKernels kernels;
  for (const auto& [m, n] : sizes) {
    const double slowdown = std::max(1.0, std::pow(kFullTile / (m * n), library.slowdown_power));
    kernels.tiles.push_back({m, n, slowdown});
  }
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
  return {"sm.boost",       "gemm.library",     "gemm.start",         "gemm.helper_start",
          "gemm.feed",      "gemm.packed_step", "gemm.l2_retained"};
}

GemmSpec read_gemm_spec(const GpuCard& card) {
  GemmSpec spec;
  const std::string library = card.word("gemm.library");
  const auto* found = std::find_if(std::begin(kLibraries), std::end(kLibraries),
                                   [&](const LibraryFacts& each) { return library == each.name; });
  if (found == std::end(kLibraries)) {
    card.refuse_word("gemm.library", "ampere, hopper, blackwell or cdna");
  }
  spec.boost = card.get<Hertz>("sm.boost");
  spec.start = card.get<Seconds>("gemm.start");
  spec.helper_start = card.get<Seconds>("gemm.helper_start");
  spec.feed = card.get<BytesPerSecond>("gemm.feed");
  spec.retained = card.fraction("gemm.l2_retained");
  spec.sharing = found->sharing;
  spec.scales_in_software = found->scales_in_software;

  spec.wide = kernels_of(found->has_fine_tiles ? fine_tiles() : coarse_tiles(), *found);
  spec.wide.most_splits = kMostSplits;
  spec.wide.step = Seconds(found->step);
  spec.wide.store_passes = found->store_passes;
  spec.scaled = spec.wide;
  if (found->scales_in_software) {
    spec.scaled = kernels_of(software_scaled_tiles(), *found);
  }
  spec.scaled.most_splits = 1;
  spec.scaled.step = Seconds(found->scaled_step);
  spec.scaled.store_passes = found->scaled_store_passes;
  spec.packed = kernels_of(packed_tiles(), *found);
  spec.packed.step = card.get<Seconds>("gemm.packed_step");
  spec.packed.store_passes = kPackedStorePasses;
  return spec;
}

}  // namespace memwall
