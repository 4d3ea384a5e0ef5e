// gpu_spec.h - what the kernels need to know of a GPU, read off its card once and checked.
//
// Peaks are datasheet values and feed the bound clock; `achieved` shares are what good kernels reach and feed
// the schedule clock. README.md lists the keys of a card.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "memwall/core/number_format.h"
#include "memwall/core/units.h"
#include "memwall/hardware/system.h"
#include "memwall/hardware/voltage.h"
#include "memwall/processors/gpu/attention_spec.h"
#include "memwall/processors/gpu/collective_spec.h"
#include "memwall/processors/gpu/experts_spec.h"
#include "memwall/processors/gpu/gemm_spec.h"

namespace memwall {

// Number formats that a matrix pipe can multiply; the order is that of the resources in a program.
inline constexpr std::array kTensorFormats = {Format::bf16, Format::fp16, Format::fp8, Format::int8,
                                              Format::nvfp4};
inline constexpr int kTensorFormatCount = static_cast<int>(kTensorFormats.size());
// Position in kTensorFormats, -1 for a format that is none of them (fp32 runs on the vector lanes).
constexpr int tensor_index(Format arithmetic) {
  for (int i = 0; i < kTensorFormatCount; ++i) {
    if (kTensorFormats[static_cast<std::size_t>(i)] == arithmetic) {
      return i;
    }
  }
  return -1;
}

struct TensorRate {
  OpsPerSecond peak;    // dense, whole chip; 0: the chip does not multiply this format
  double achieved = 0;  // share of the peak that a large GEMM reaches, in (0, 1]
  JoulesPerOp energy;
};

// Chips joined by one kind of link.
struct LinkSpec {
  BytesPerSecond bandwidth;  // per chip and direction
  Seconds latency;           // of one remote access
  double ring = 0;           // share of the bandwidth that a large NCCL collective sustains
  double peer = 0;           // share that kernels sustain which access their peers' memory
  double in_switch = 0;      // share that a large NCCL all-reduce sustains whose sums the switches form
  JoulesPerByte energy;

  // Share at which a program's link serves; what sustains less is charged more bytes.
  double sustained() const { return std::max({ring, peer, in_switch}); }
};

struct GpuSpec {
  std::string title;
  double sms = 0;      // streaming multiprocessors or compute units
  Hertz clock;         // that reproduces the peak rates
  double cluster = 1;  // SMs that share one load of a tile (multicast)
  std::array<TensorRate, kTensorFormatCount> tensor{};
  OpsPerSecond vector_peak;  // fp32 multiply-add
  double vector_achieved = 0;
  double exp_ops = 0;  // fp32 operations in the time of one exponential
  JoulesPerOp vector_energy;

  Bytes hbm_capacity, reserve;  // reserve: context, workspace and fragments that no model can use
  BytesPerSecond hbm_bandwidth;
  // Shares of the bandwidth that are achieved, by what is read.
  double hbm_read = 0;       // streaming reads and writes
  double hbm_gemm = 0;       // weights that a GEMM streams
  double hbm_packed = 0;     // the same for weights below 8 bits
  double hbm_attention = 0;  // paged KV that decode attention reads
  double hbm_best = 0;       // the largest of them: the rate at which a program's hbm serves
  JoulesPerByte hbm_energy;
  Bytes l2_capacity;
  BytesPerSecond l2_bandwidth;  // what all SMs draw together
  JoulesPerByte l2_energy;

  // Launch and latency of a kernel that does almost nothing, in a recorded graph.
  Seconds pointwise_start;
  GemmSpec gemm;
  ExpertsSpec experts;
  AttentionSpec attention;
  Seconds exchange_start;  // all-to-all of tokens
  Seconds eager_launch;    // host time per kernel when the host launches each one
  Seconds host_step;       // host time between two steps: scheduling, inputs, results
  Seconds host_sequence;   // more for each sequence whose token is drawn: one request after another
  // More for a layer whose experts are spread over chips: the fullest chip, token maps.
  Seconds experts_spread;
  Hertz sort_rate;  // logits that the sampler orders per second

  CollectiveSpec collective;
  LinkSpec scale_up, scale_out;  // scale_out is read only when the system has more chips than one domain
  int domain = 1;                // chips that scale_up joins
  bool mesh = false;             // a link to every other chip of the domain instead of a switch
  Watts tdp;                     // what the chip may take for long: its power limit
  Watts idle;                    // of a chip at full clock that waits for its host
  Watts busy;  // of a chip at work, beside what its operations and bytes cost: idle, clocks, schedulers
  Joules sequence_energy;  // of sampling a token: kernels and copies in host_sequence
  Watts link_power;        // of the links to other chips once they are up, with or without traffic
  VoltageCurve voltage;

  // Bytes to charge at hbm_best for bytes that move at `share` of the bandwidth.
  double hbm_charge(double bytes, double share) const { return bytes * hbm_best / share; }
  bool multiplies(Format arithmetic) const;  // fp32 always
};

// Throws ConfigError for a missing, unknown, ill-typed or impossible fact, and for a system with several
// kinds of chips.
GpuSpec read_gpu_spec(const System& system);

// "" when the chip can multiply such activations by such weights, else why not: "NVIDIA A100 SXM 80 GB has no
// fp8 arithmetic".
std::string format_refusal(const GpuSpec& spec, Format weight, Format activation);

}  // namespace memwall
