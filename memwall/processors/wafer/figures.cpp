#include "memwall/processors/wafer/figures.h"

#include <fmt/format.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/wafer/layer_time.h"

namespace memwall {
namespace {

constexpr double kPeta = 1e15, kGiga = 1e9, kMicro = 1e-6;
constexpr double kOpsPerMac = 2;

double real(std::int64_t value) { return static_cast<double>(value); }

void add_identities(const WaferCard& card, std::vector<Figure>& figures) {
  const double cores = real(card.cores()), clock = card.clock.value;
  figures.push_back({"mesh.cores", cores, ""});
  figures.push_back({"sram.capacity", cores * card.sram.value / kGiga, "GB"});
  figures.push_back({"sram.bandwidth", cores * card.port.value * clock / kPeta, "PB/s"});
  figures.push_back({"compute.fp16_peak", kOpsPerMac * card.simd * cores * clock / kPeta, "PFLOP/s"});
  figures.push_back({"sram.sweep_time", card.sram.value / card.port.value / clock / kMicro, "us"});
}

// WaferLLM's method: one layer is timed and multiplied by the number of layers; no embedding, no head.
void add_llama(const WaferCard& card, std::vector<Figure>& figures) {
  const Model model = read_model("llama-3.1-8b");
  const double layers = real(layer_count(model)), clock = card.clock.value;
  constexpr double kPrompt = 4096;
  const auto region = [&](int side) {
    return RegionModel(mesh_timing(card), {side, side}, {side, side}, Collective::ktree);
  };
  for (const int side : {360, 420, 480, 540, 600, 660, 720}) {
    const double cycles = decode_layer(model, region(side), {1, 1, kPrompt}).total();
    figures.push_back({fmt::format("llama3_8b.decode_{}", side), clock / layers / cycles, "token/s"});
    figures.push_back({fmt::format("llama3_8b.decode_{}_layer", side), cycles, "cycles"});
  }
  for (const int side : {480, 600, 660, 720}) {
    const double cycles = prefill_layer(model, region(side), {kPrompt, kPrompt, kPrompt / 2, 1}).total();
    figures.push_back(
        {fmt::format("llama3_8b.prefill_{}", side), kPrompt * clock / layers / cycles, "token/s"});
    figures.push_back({fmt::format("llama3_8b.prefill_{}_layer", side), cycles, "cycles"});
  }
}

}  // namespace

std::vector<Figure> wafer_figures(const System& system) {
  const WaferCard card = read_wafer_card(system);
  std::vector<Figure> figures;
  add_identities(card, figures);
  add_llama(card, figures);
  return figures;
}

}  // namespace memwall
