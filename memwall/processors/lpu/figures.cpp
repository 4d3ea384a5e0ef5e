#include "memwall/processors/lpu/figures.h"

#include <cmath>

#include "memwall/processors/lpu/sections.h"

namespace memwall {
namespace {

constexpr double kOpsPerMac = 2;
constexpr double kTera = 1e12, kMicro = 1e-6;

}  // namespace

Seconds bert_base_latency(const LpuCard& card, double tokens) {
  // Devlin et al., 2019: L = 12, H = 768, A = 12, feed-forward 3072.
  constexpr double kLayers = 12, kHidden = 768, kHeads = 12, kFeedForward = 3072, kHeadDim = kHidden / kHeads;
  const LpuGeometry& g = card.geometry;
  const ArrayMode half;
  constexpr double kGeluChain = 5;
  const double vectors = std::ceil(kHidden / g.lanes());
  SectionLength layer;
  // 170 MB of weights leave room for copies of tiles that would leave a hemisphere idle.
  const auto matrix = [&](double n, double k, double chain) {
    return linear_section(g, half, {.n = n, .k = k, .tokens = tokens, .chain = chain, .copies = true});
  };
  layer += matrix(3 * kHidden, kHidden, 1);
  layer += attention_section(g, {kHeads, kHeads, kHeadDim, kHeadDim, 2, 1, tokens, tokens});
  layer += matrix(kHidden, kHidden, 2);
  layer += norm_section(g, vectors, tokens);
  layer += matrix(kFeedForward, kHidden, kGeluChain);
  layer += matrix(kHidden, kFeedForward, 2);
  layer += norm_section(g, vectors, tokens);
  return Seconds(kLayers * layer.cycles / card.clock.value);
}

std::vector<Figure> lpu_figures(const LpuCard& card, int chips) {
  const LpuGeometry& g = card.geometry;
  const double macs = card.macs_per_cycle(true), clock = card.clock.value;
  const double sram = static_cast<double>(g.sram_bytes_per_cycle());
  const double loaded = static_cast<double>(LpuGeometry::kPlanes * g.weight_streams() * g.lanes());
  const double peak = kOpsPerMac * macs * clock / kTera;
  constexpr double kBertTokens = 128;
  std::vector<Figure> figures = {
      {"matrix.macs", macs, ""},
      {"matrix.byte_peak", peak, "TOPS"},
      {"matrix.half_peak", kOpsPerMac * card.macs_per_cycle(false) * clock / kTera, "TFLOPS"},
      {"sram.bytes_per_cycle", sram, "bytes/cycle"},
      {"sram.bandwidth", sram * clock / kTera, "TB/s"},
      {"sram.capacity", card.capacity.value * 1e-6, "MB"},
      {"sram.sweep", card.capacity.value / (sram * clock) / kMicro, "us"},
      {"streams.bytes_per_cycle", static_cast<double>(g.stream_bytes_per_cycle()), "bytes/cycle"},
      // One-byte weights: multiply-accumulates per byte that the SRAM reads, or that the streams bring to the
      // arrays.
      {"batch_to_saturate.sram", macs / sram, "tokens"},
      {"batch_to_saturate.streams", macs / loaded, "tokens"},
      {"bert_base.latency", bert_base_latency(card, kBertTokens).value / kMicro, "us"},
  };
  if (chips > 1) {
    figures.push_back({"system.sram", chips * card.capacity.value * 1e-9, "GB"});
    figures.push_back({"system.sram_bandwidth", chips * sram * clock * 1e-15, "PB/s"});
    figures.push_back({"system.byte_peak", chips * peak * 1e-3, "PFLOPS"});
  }
  return figures;
}

}  // namespace memwall
