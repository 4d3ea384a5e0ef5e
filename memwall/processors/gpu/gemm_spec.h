// gemm_spec.h - what the matrix kernels need to know of a GPU beside its rates: its library of kernels.
//
// The libraries differ by architecture, not by chip: which tiles they were compiled for, how deep their
// pipelines are. README.md says where those constants come from.
#pragma once

#include <vector>

#include "memwall/core/number_format.h"
#include "memwall/core/units.h"
#include "memwall/hardware/system.h"

namespace memwall {

// One tile of outputs that a library was compiled for, computed by one thread block on one SM.
struct GemmTile {
  double m = 0, n = 0;
  double slowdown = 1;  // of the matrix pipe, at least 1: small tiles keep fewer multiplications in flight
  double sms = 1;       // that compute it together
};

// Which of its tiles a library takes.
enum class TileChoice {
  fastest,      // as a tuned library would
  fewest_waves  // DeepGEMM's rule (its tiles are not listed): fewest waves, the last one as full as can be
};

// Kernels of one library that serve one kind of operand.
struct GemmKernels {
  std::vector<GemmTile> tiles;
  double most_splits = 1;   // along k; 1: never
  Seconds step;             // least time of a step along k: barriers and the latency that stages hide
  double far_step = 0;      // more of it, as a share, when the weights come from memory instead of L2
  double store_passes = 1;  // output bytes that leave at the end of a wave, unhidden, per byte of output
  double draw = 64;         // operand bytes that an SM receives from L2 in a clock, of shared loads too
  int overlap = 2;          // exponent p of (compute^p + memory^p)^(1/p): 2, or 4 where they overlap better
  TileChoice choice = TileChoice::fastest;
};

struct GemmSpec {
  Hertz boost;           // highest clock: tiles of short kernels run at it
  Seconds start;         // launch, first loads and drain of one GEMM in a recorded graph
  Seconds helper_start;  // the same of the small kernels beside it: conversions, sums of partial results
  BytesPerSecond feed;   // operands that one SM brings to its matrix pipe
  double retained = 0;   // share of L2 that keeps operands from one use to the next
  bool scales_in_software = false;  // block scales are applied by the vector lanes

  GemmKernels wide, scaled, packed;  // 16 and 8 bits; blocks of scales; 4 bits
  const GemmKernels& kernels(Format activation) const;
};

class GpuCard;
std::vector<std::string> gemm_keys();
GemmSpec read_gemm_spec(const GpuCard& card);

}  // namespace memwall
